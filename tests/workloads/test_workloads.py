"""Every shipped workload, in toy size: prepared, kept, cut into tasks, imported by TVM."""

import pytest
import torch

from ablatrix.plan.plan import Partition, PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.study.model import Checks
from ablatrix.trials.worker.check import Comparison
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.shipped import SHIPPED
from tests.workloads.toys import PARTS_OF_OTHERS, TOYS, run_lowered, run_plan_eager


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.long if name in PARTS_OF_OTHERS else []) for name in sorted(TOYS)],
)
def program(request: pytest.FixtureRequest) -> Program:
    return prepare(request.param, TOYS[request.param])


def test_shipped_workloads_all_have_toy() -> None:
    assert set(TOYS) == set(SHIPPED)


@pytest.fixture(scope="module")
def loaded(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    directory = tmp_path_factory.mktemp(program.facts.name)
    save_program(program, directory)
    return load_program(directory)


def test_saved_program_loads_unchanged(program: Program, loaded: Program) -> None:
    assert loaded.facts == program.facts
    assert (loaded.dynamic_bounds, loaded.symbol_names) == (program.dynamic_bounds, program.symbol_names)
    assert capture(loaded.lowered) == capture(program.lowered)
    for kept, made in zip(loaded.input_sets, program.input_sets, strict=True):
        assert (kept.seed, kept.sizes) == (made.seed, made.sizes)
        assert [one.eager_rms for one in kept.allowances] == [one.eager_rms for one in made.allowances]
        assert all(map(torch.equal, kept.expected, made.expected))
        assert all(map(torch.equal, run_lowered(loaded, kept.inputs), run_lowered(program, made.inputs)))


def test_weights_used_unchanged_are_in_memory_once(loaded: Program) -> None:
    common = set(loaded.exported.state_dict) & set(loaded.lowered.state_dict)
    assert common
    for name in common:
        assert loaded.exported.state_dict[name].data_ptr() == loaded.lowered.state_dict[name].data_ptr()


def test_lowered_program_is_as_exact_as_eager(program: Program) -> None:
    checks = Checks()
    for draw in program.input_sets:
        for expected, allowance in zip(draw.expected, draw.allowances, strict=True):
            assert expected.dtype == torch.float64
            assert 0 < allowance.eager_rms <= allowance.unit_rms < 1e-4 * float(expected.abs().max())
            assert float(allowance.limit(expected.reshape(-1)).max()) < 1e-4 * float(expected.abs().max())
            assert (len(allowance.undetermined), allowance.eager_wrong, allowance.ill_conditioned) == (0, 0, False)
        # The rule that trials are checked by.
        comparison = Comparison(rms_factor=checks.rms_factor, rms_floor=checks.rms_floor, input_sets=1)
        comparison.compare(run_lowered(program, draw.inputs), draw, "lowered")
        assert comparison.passed, comparison.note


def test_lowered_program_computes_nothing_from_weights_alone(program: Program) -> None:
    graph = capture(program.lowered)
    fixed = {index for index, value in enumerate(graph.values) if value.kind == "parameter"}
    assert [node.operation for node in graph.nodes if set(node.reads) <= fixed and node.reads] == []


@pytest.mark.parametrize("partition", ["whole", "regions"])
def test_tasks_run_in_sequence_equal_program(loaded: Program, partition: Partition) -> None:
    graph = capture(loaded.lowered)
    plan = make_plan(graph, PlanOptions(partition=partition, reuse="release"))
    tasks = export_tasks(loaded.lowered, plan)
    assert [task.kind for task in tasks] == list(range(plan.distinct_tasks))
    for draw in loaded.input_sets:
        got = run_plan_eager(loaded, graph, plan, tasks, draw.inputs)
        assert all(map(torch.equal, got, run_lowered(loaded, draw.inputs)))


def test_tasks_take_weights_as_inputs(loaded: Program) -> None:
    graph = capture(loaded.lowered)
    plan = make_plan(graph, PlanOptions(partition="regions"))
    for task in export_tasks(loaded.lowered, plan):
        first = next(one for one in plan.tasks if one.kind == task.kind)
        assert not task.exported.state_dict
        assert not task.exported.constants
        weights = [place for place, value in enumerate(first.reads) if graph.values[value].kind == "parameter"]
        assert list(task.parameter_inputs) == weights


def test_program_and_tasks_import_into_tvm_unchanged(loaded: Program) -> None:
    torch_frontend = pytest.importorskip("tvm.relax.frontend.torch")
    plan = make_plan(capture(loaded.lowered), PlanOptions(partition="regions"))
    tasks = export_tasks(loaded.lowered, plan)
    torch_frontend.from_exported_program(loaded.lowered, run_ep_decomposition=False)
    for task in tasks:
        module = torch_frontend.from_exported_program(task.exported, run_ep_decomposition=False)
        first = next(one for one in plan.tasks if one.kind == task.kind)
        assert len(module["main"].params) == len(first.reads)
