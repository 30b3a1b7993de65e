"""An ONNX file as a model: what is read from it, its oracle, and how faults read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.operation import read_model
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.source import read_source
from tests.workloads.onnx_models import FLOAT, INT64, node, onnx, prepared, signature_of, weight, write

ROWS = 50


@pytest.fixture
def affine(tmp_path: Path) -> Path:
    """A product with a bias, whose number of rows is free."""
    nodes = [node("MatMul", "x w", "p"), node("Add", "p b")]
    return write(tmp_path / "affine.onnx", nodes, [weight("w", 4, 3), weight("b", 3)], [("x", FLOAT, ("rows", 4))])


def test_onnx_model_is_prepared_with_sizes_weights_and_file(affine: Path) -> None:
    program = prepared(affine, rows=5)
    facts = program.facts
    assert [(one.name, one.shape, one.dtype) for one in facts.inputs] == [("x", [5, 4], "float32")]
    assert facts.parameter_count == 4 * 3 + 3
    assert facts.source == "affine.onnx"
    assert facts.source_digest is not None
    assert facts.oracle == "float64"
    fixed = onnx.load_from_string(read_model(program))
    assert [one.dim_value for one in fixed.graph.input[0].type.tensor_type.shape.dim] == [5, 4]


def test_onnx_sizes_follow_file_name_or_are_parameters(affine: Path) -> None:
    entry = read_source("model", "affine.onnx?rows=3", {}, affine.parent)
    assert prepare(entry, {}, input_sets=1).facts.inputs[0].shape == [3, 4]
    again = read_source("model", "affine.onnx?rows=3", {"rows": 6}, affine.parent)
    assert prepare(again, {"rows": 6}, input_sets=1).facts.inputs[0].shape == [6, 4]


def test_onnx_oracle_is_graph_in_float64(affine: Path) -> None:
    program = prepared(affine, input_sets=2, rows=5)
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(affine).graph.initializer}
    for draw in program.input_sets:
        wanted = draw.inputs[0].double().numpy() @ weights["w"].astype("float64") + weights["b"]
        assert torch.equal(draw.expected[0], torch.from_numpy(wanted))
        assert 0 < draw.allowances[0].eager_rms < 1e-6
    assert not torch.equal(program.input_sets[0].inputs[0], program.input_sets[1].inputs[0])


def test_onnx_program_read_back_from_disk_is_same(affine: Path, tmp_path: Path) -> None:
    program = prepared(affine, rows=2)
    save_program(program, tmp_path / "kept")
    again = load_program(tmp_path / "kept")
    assert again.facts == program.facts
    assert read_model(again) == read_model(program)
    (out,) = again.exported.module(check_guards=False)(*again.input_sets[0].inputs)
    assert torch.allclose(out.double(), again.input_sets[0].expected[0], atol=1e-5)


def test_onnx_operator_without_float64_kernel_is_evaluated_by_onnx(tmp_path: Path) -> None:
    path = write(
        tmp_path / "conv.onnx",
        [node("Conv", "x w", pads=[1, 1, 1, 1])],
        [weight("w", 3, 2, 3, 3)],
        [("x", FLOAT, (1, 2, 5, 5))],
    )
    program = prepared(path)
    assert signature_of(program).wide == "reference"
    kernel = torch.from_numpy(onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0]).copy()).double()
    wanted = torch.nn.functional.conv2d(program.input_sets[0].inputs[0].double(), kernel, padding=1)
    assert torch.allclose(program.input_sets[0].expected[0], wanted, rtol=0, atol=1e-12)


def test_onnx_oracle_without_float64_is_unoptimised_run_with_rounding(tmp_path: Path) -> None:
    path = write(tmp_path / "own.onnx", [node("BiasGelu", "x b", domain="com.microsoft")], [weight("b", 4)])
    program = prepared(path)
    assert signature_of(program).wide == "none"
    assert program.facts.oracle == "float32"
    (draw,) = program.input_sets
    assert torch.equal(draw.expected[0], draw.expected[0].float().double())
    rms = float(draw.expected[0].square().mean().sqrt())
    assert 2.0**-24 * rms <= draw.allowances[0].eager_rms < 4 * 2.0**-24 * rms


def test_onnx_types_named_by_graph_are_widened_with_it(tmp_path: Path) -> None:
    third = onnx.helper.make_node("Constant", [], ["third"], value_float=1 / 3)
    nodes = [node("Cast", "n", "f", to=FLOAT), third, node("Mul", "f third", "m"), node("Cast", "m", to=FLOAT)]
    program = prepared(write(tmp_path / "named.onnx", nodes, inputs=[("n", INT64, (8,))]))
    narrow = float(numpy.float32(1 / 3))
    assert torch.equal(program.input_sets[0].expected[0], program.input_sets[0].inputs[0].double() * narrow)


def test_onnx_float32_only_operand_is_not_widened(tmp_path: Path) -> None:
    scales = onnx.numpy_helper.from_array(numpy.array([1, 1, 2, 2], "float32"), "scales")
    resize = onnx.helper.make_node("Resize", ["x", "", "scales"], ["y"])
    path = write(tmp_path / "up.onnx", [resize], [scales], [("x", FLOAT, (1, 1, 2, 2))])
    program = prepared(path)
    assert signature_of(program).wide != "none"
    assert tuple(program.input_sets[0].expected[0].shape) == (1, 1, 4, 4)


def test_onnx_ids_are_within_indexed_table(tmp_path: Path) -> None:
    nodes = [node("Cast", "ids", "wide", to=INT64), node("Gather", "table wide")]
    path = write(tmp_path / "ids.onnx", nodes, [weight("table", ROWS, 3)], [("ids", onnx.TensorProto.INT32, (200,))])
    ids = prepared(path).input_sets[0].inputs[0]
    assert ids.dtype == torch.int32
    assert int(ids.min()) >= 0
    assert ROWS // 2 < int(ids.max()) < ROWS


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, r"free dimensions \['rows'\] have no size; give all under 'parameters': \{rows: 1\}, or .*: \?rows=1"),
        ({"rows": 2, "columns": 3}, r"no free dimension \['columns'\]; it has: rows"),
        ({"rows": "two"}, "a whole number from 1 up, or a range .*; but rows is 'two'"),
    ],
)
def test_onnx_free_dimensions_need_exactly_their_sizes(affine: Path, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        prepared(affine, **parameters)


def test_onnx_file_that_is_invalid_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("weights and biases")
    with pytest.raises(WorkloadError, match=r"text.onnx.*it is not an ONNX file that onnx [\d.]+ can read"):
        prepared(tmp_path / "text.onnx")


def test_onnx_model_that_runtime_cannot_run_is_refused_with_its_message(tmp_path: Path) -> None:
    path = write(tmp_path / "odd.onnx", [node("Frobnicate", "x", domain="com.microsoft")])
    with pytest.raises(WorkloadError, match=r"ONNX Runtime cannot run it without optimisations: .*Frobnicate"):
        prepared(path)


def test_onnx_size_that_depends_on_values_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "nonzero.onnx", [node("Relu", "x", "r"), node("NonZero", "r")], kind=INT64)
    with pytest.raises(
        WorkloadError, match=r"as node 'y' \(NonZero\) makes as many .* depend on values cannot be planned"
    ):
        prepared(path)
