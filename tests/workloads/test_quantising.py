"""Weights of a workload in few bits: what the program holds, what its oracle is, and how far it is from the model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.numeric_types import narrow_types
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.quantising import distance
from ablatrix.workloads.source import read_source
from tests.workloads.toys import TOYS, run_lowered, run_plan_eager

SIZES = {"layers": 2, "hidden": 64, "classes": 3, "batch": 4}


@pytest.fixture(autouse=True)
def torchao() -> None:
    pytest.importorskip("torchao")


@pytest.mark.parametrize(("bits", "low", "largest", "values"), [("int8", 1e-4, 0.02, 128), ("int4", 0.01, 0.3, 8)])
def test_quantised_program_holds_whole_numbers_and_its_distance(
    bits: str, low: float, largest: float, values: int, tmp_path: Path
) -> None:
    program = prepare("mlp", {**SIZES, "weights_dtype": bits}, input_sets=2)
    held = [one for one in program.lowered.state_dict.values() if one.dtype == torch.int8 and one.dim() > 1]
    assert max(int(one.abs().max()) for one in held) in (values - 1, values)
    assert program.facts.parameters["weights_dtype"] == bits
    assert program.facts.parameter_count == prepare("mlp", SIZES, input_sets=1).facts.parameter_count
    assert program.float_distance is not None
    assert low < program.float_distance < largest
    save_program(program, tmp_path)
    loaded = load_program(tmp_path)
    assert loaded.float_distance == program.float_distance
    made = loaded.input_sets[0]
    [output] = run_lowered(loaded, made.inputs)
    assert float((output - made.expected[0]).abs().max()) < 1e-5
    assert all("torchao" not in str(node.target) for node in loaded.exported.graph.nodes)


def test_quantised_blocks_are_cut_into_tasks_that_turn_weights_back() -> None:
    program = prepare("attention", {**TOYS["attention"], "weights_dtype": "int8"}, input_sets=1)
    graph = capture(program.lowered)
    plan = make_plan(graph, PlanOptions(partition="regions"))
    tasks = export_tasks(program.lowered, plan)
    [output] = run_plan_eager(program, graph, plan, tasks, program.input_sets[0].inputs)
    assert torch.allclose(output.double(), program.input_sets[0].expected[0], atol=1e-5)
    copies = [node for task in tasks for node in task.exported.graph.nodes if "_to_copy" in str(node.target)]
    assert len(copies) >= 2


def test_quantised_workload_in_bfloat16_computes_in_that_type() -> None:
    program = prepare("mlp", {**SIZES, "dtype": "bfloat16", "weights_dtype": "int8"}, input_sets=1)
    assert narrow_types(program.facts.dtype) == ("bfloat16",)
    assert run_lowered(program, program.input_sets[0].inputs)[0].dtype == torch.bfloat16
    assert not program.input_sets[0].allowances[0].ill_conditioned


def test_float_workload_has_no_distance() -> None:
    assert prepare("mlp", TOYS["mlp"], input_sets=1).float_distance is None


def test_model_without_linear_layer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no_linear.py").write_text("import torch\n\ndef make():\n    return torch.nn.ReLU(), torch.ones(2)\n")
    with pytest.raises(WorkloadError, match=r"of the weights of torch\.nn\.Linear, and the model has none"):
        prepare(read_source("net", "no_linear.py:make", {}, tmp_path), {"weights_dtype": "int8"})


def test_missing_torchao_is_refused_with_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(WorkloadError, match="'weights_dtype: int8' needs torchao: pip install"):
        prepare("mlp", {**SIZES, "weights_dtype": "int8"})


def test_distance_is_largest_relative_difference() -> None:
    plain = [torch.tensor([3.0, 4.0]).double(), torch.tensor([1.0]).double(), torch.tensor([2])]
    assert distance([plain[0] * 1.1, plain[1] * 0.5, plain[2]], plain) == pytest.approx(0.5)
    assert distance([torch.zeros(2)], [torch.zeros(2)]) is None
