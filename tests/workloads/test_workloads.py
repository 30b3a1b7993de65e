"""Every shipped workload, in toy size: prepared, kept, cut into tasks, imported by TVM."""

import pytest
import torch

from ablatrix.plan.plan import Partition, PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.study.model import Checks
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.shipped import SHIPPED
from tests.workloads.toys import TOYS, run_lowered, run_plan_eager


@pytest.fixture(scope="module", params=sorted(TOYS))
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
        assert (kept.seed, kept.sizes, kept.eager_rms) == (made.seed, made.sizes, made.eager_rms)
        assert all(map(torch.equal, kept.expected, made.expected))
        assert all(map(torch.equal, run_lowered(loaded, kept.inputs), run_lowered(program, made.inputs)))


def test_weights_used_unchanged_are_in_memory_once(loaded: Program) -> None:
    common = set(loaded.exported.state_dict) & set(loaded.lowered.state_dict)
    assert common
    for name in common:
        assert loaded.exported.state_dict[name].data_ptr() == loaded.lowered.state_dict[name].data_ptr()


def test_lowered_program_is_as_exact_as_eager(program: Program) -> None:
    for draw in program.input_sets:
        for got, expected, eager_rms in zip(
            run_lowered(program, draw.inputs), draw.expected, draw.eager_rms, strict=True
        ):
            assert expected.dtype == torch.float64
            assert 0 < eager_rms < 1e-4 * float(expected.abs().max())
            # The rule that trials are checked by: with five outputs eager's own error can be small by luck.
            floor = Checks().rms_floor * float(expected.square().mean().sqrt())
            assert float((got.double() - expected).square().mean().sqrt()) <= Checks().rms_factor * (eager_rms + floor)


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
