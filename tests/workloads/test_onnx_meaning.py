"""An oracle of an ONNX model has to mean what the standard says, and a model has to mean one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.agreement import Runs, refuse_disagreement
from ablatrix.workloads.onnx.rounding import decides, rounding_of
from tests.workloads.onnx_models import FLOAT, HALF, INT64, node, onnx, prepared, signature_of, weight, write

IMAGE = [("x", FLOAT, (2, 3, 8, 8))]
ARRAY = onnx.numpy_helper.from_array


def spread(name: str, low: float, high: float, *shape: int) -> Any:
    return ARRAY(numpy.random.default_rng(5).uniform(low, high, shape).astype("float32"), name)


@pytest.mark.parametrize("opset", [7, 8, 9, 11, 13, 14, 15])
@pytest.mark.parametrize("attributes", [{}, {"momentum": 0.9}])
def test_onnx_batch_norm_of_any_opset_has_inference_oracle(tmp_path: Path, opset: int, attributes: Any) -> None:
    weights = {
        "w": spread("w", -1, 1, 4, 3, 3, 3),
        "s": spread("s", 1, 2, 4),
        "b": spread("b", -1, 1, 4),
        "m": spread("m", 3, 4, 4),
        "v": spread("v", 5, 6, 4),
    }
    nodes = [node("Conv", "x w", "c", pads=[1] * 4), node("BatchNormalization", "c s b m v", **attributes)]
    program = prepared(write(tmp_path / "bn.onnx", nodes, list(weights.values()), IMAGE, opset=opset))
    held = {name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy()).double() for name, one in weights.items()}
    (draw,) = program.input_sets
    convolved = torch.nn.functional.conv2d(draw.inputs[0].double(), held["w"], padding=1)
    wanted = torch.nn.functional.batch_norm(convolved, held["m"], held["v"], held["s"], held["b"], eps=1e-5)
    assert signature_of(program).wide == "reference"
    assert float((draw.expected[0] - wanted).abs().max()) < 1e-9  # epsilon is a float32 in the file
    assert 0 < draw.allowances[0].eager_rms < 1e-6


@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(
    ("opset", "attributes", "axes"),
    [
        (11, {}, (1, 2, 3)),
        (12, {"axis": -2}, (2, 3)),
        (12, {"axis": 0}, (0, 1, 2, 3)),
        (13, {}, (3,)),
        (17, {"axis": 1}, (1,)),
    ],
)
def test_onnx_softmax_of_any_opset_has_its_axes(
    tmp_path: Path, kind: str, opset: int, attributes: Any, axes: tuple[int, ...]
) -> None:
    nodes = [node("Conv", "x w", "c"), node(kind, "c", **attributes)]
    program = prepared(write(tmp_path / "soft.onnx", nodes, [spread("w", -1, 1, 4, 3, 3, 3)], IMAGE, opset=opset))
    assert signature_of(program).wide == "reference"
    (made,) = program.input_sets[0].expected
    sums = (made if kind == "Softmax" else made.exp()).sum(axes)
    assert torch.allclose(sums, torch.ones_like(sums), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("opset", "count"), [(11, 2), (13, 2 * 4 * 6)])
def test_onnx_hardmax_of_any_opset_has_its_axes(tmp_path: Path, opset: int, count: int) -> None:
    nodes = [node("Conv", "x w", "c"), node("Hardmax", "c")]
    program = prepared(write(tmp_path / "hard.onnx", nodes, [spread("w", -1, 1, 4, 3, 3, 3)], IMAGE, opset=opset))
    assert signature_of(program).wide == "reference"
    assert float(program.input_sets[0].expected[0].sum()) == count


def test_onnx_batch_norm_that_is_not_spatial_is_by_element(tmp_path: Path) -> None:
    weights = [spread("s", 1, 2, 3, 4), spread("b", 0, 1, 3, 4), spread("m", 0, 1, 3, 4), spread("v", 1, 2, 3, 4)]
    nodes = [node("HardSigmoid", "x", "h"), node("BatchNormalization", "h s b m v", spatial=0)]
    program = prepared(write(tmp_path / "bn.onnx", nodes, weights, [("x", FLOAT, (2, 3, 4))], opset=7))
    assert signature_of(program).wide == "reference"
    assert program.input_sets[0].allowances[0].eager_rms < 1e-6


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([node("RandomNormalLike", "x", "n"), node("Add", "x n")], r"node 'n' \(RandomNormalLike\)"),
        ([node("RandomUniformLike", "x", "n", seed=1.0), node("Add", "x n")], r"node 'n' \(RandomUniformLike\)"),
        ([node("RandomNormal", "", "n", shape=[2, 4]), node("Add", "x n")], r"node 'n' \(RandomNormal\)"),
        ([node("RandomUniform", "", "n", shape=[2, 4]), node("Add", "x n")], r"node 'n' \(RandomUniform\)"),
        ([node("Sigmoid", "x", "p"), node("Bernoulli", "p")], r"node 'y' \(Bernoulli\)"),
        ([node("Multinomial", "x", "i", dtype=INT64), node("Cast", "i", to=FLOAT)], r"node 'i' \(Multinomial\)"),
        ([node("Dropout", "x ratio on")], r"node 'y' \(Dropout\)"),
    ],
)
def test_onnx_model_that_draws_numbers_is_refused(tmp_path: Path, nodes: list[Any], named: str) -> None:
    weights = [ARRAY(numpy.array(0.5, "float32"), "ratio"), ARRAY(numpy.array(True), "on")]
    with pytest.raises(WorkloadError, match=f"it is random: {named} draws other numbers in each run; make the random"):
        prepared(write(tmp_path / "random.onnx", nodes, weights))


def test_onnx_random_node_in_body_is_refused(tmp_path: Path) -> None:
    def branch(name: str, *nodes: Any) -> Any:
        made = onnx.helper.make_tensor_value_info(name, FLOAT, None)
        return onnx.helper.make_graph(nodes, name, [], [made])

    then, otherwise = branch("t", node("RandomNormalLike", "x", "t")), branch("e", node("Relu", "x", "e"))
    nodes = [node("If", "on", then_branch=then, else_branch=otherwise)]
    path = write(tmp_path / "if.onnx", nodes, [ARRAY(numpy.array(False), "on")])
    with pytest.raises(WorkloadError, match=r"node 't' \(RandomNormalLike\)"):
        prepared(path)


@pytest.mark.parametrize(
    "nodes",
    [
        [node("RandomNormalLike", "x", "unused"), node("Relu", "x")],
        [node("Dropout", "x")],
        [node("Dropout", "x ratio off")],
        [node("Dropout", "x zero on")],
    ],
)
def test_onnx_model_whose_outputs_are_no_draw_is_taken(tmp_path: Path, nodes: list[Any]) -> None:
    numbers = {
        "ratio": numpy.float32(0.5),
        "zero": numpy.float32(0),
        "on": numpy.bool_(True),
        "off": numpy.bool_(False),
    }
    weights = [ARRAY(numpy.array(value), name) for name, value in numbers.items()]
    assert prepared(write(tmp_path / "fixed.onnx", nodes, weights)).input_sets[0].expected[0].shape == (2, 4)


def test_onnx_operator_that_oracle_reads_differently_is_refused(tmp_path: Path) -> None:
    scales = ARRAY(numpy.array([1, 1, 0.6, 0.6], "float32"), "scales")
    resize = onnx.helper.make_node(
        "Resize", ["c", "", "scales"], ["y"], mode="linear", coordinate_transformation_mode="align_corners"
    )
    path = write(tmp_path / "down.onnx", [node("Conv", "x w", "c"), resize], [weight("w", 4, 3, 3, 3), scales], IMAGE)
    with pytest.raises(
        WorkloadError, match=r"do not agree .*output 'y' differs by up to .* from node 'y' \(Resize\) on"
    ):
        prepared(path)


def test_onnx_model_without_node_for_step_backwards_is_evaluated(tmp_path: Path) -> None:
    bounds = {"start": [-1], "end": [-100], "axis": [0], "step": [-1]}
    nodes = [node("HardSigmoid", "x", "h"), node("Slice", "h start end axis step")]
    weights = [ARRAY(numpy.array(value), name) for name, value in bounds.items()]
    program = prepared(write(tmp_path / "back.onnx", nodes, weights))
    assert signature_of(program).wide == "reference"


def agreed(runtime: torch.Tensor, narrow: torch.Tensor, wide: torch.Tensor, *nodes: Any) -> None:
    value = onnx.helper.make_tensor_value_info
    kind = FLOAT if runtime.is_floating_point() else INT64
    x, y = value("x", FLOAT, (runtime.numel(),)), value("y", kind, None)
    graph = onnx.helper.make_graph(nodes or [node("Sin", "x")], "model", [x], [y])
    content = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)]).SerializeToString()
    refuse_disagreement(content, (torch.zeros(runtime.numel()),), Runs((runtime,), (narrow,), (wide,)))


def test_refuse_disagreement_takes_what_rounding_explains() -> None:
    exact = torch.linspace(1, 2, 1000, dtype=torch.float64)
    agreed((exact * (1 + 2e-7)).float(), exact.float(), exact)
    agreed((exact + 1e-2).float(), (exact - 1e-2).float(), exact)  # both as far from float64: ill-conditioned
    flipped = torch.arange(2000)
    flipped[7] = 0
    agreed(flipped, torch.arange(2000), torch.arange(2000), node("ArgMax", "x"))


@pytest.mark.parametrize(
    "runtime",
    [
        torch.linspace(1, 2, 1000) + torch.nn.functional.one_hot(torch.tensor(3), 1000) * 1e-3,
        torch.linspace(1, 2, 1000).index_fill(0, torch.tensor([5]), float("nan")),
        torch.linspace(1, 2, 999),
    ],
)
def test_refuse_disagreement_finds_one_wrong_element(runtime: torch.Tensor) -> None:
    exact = torch.linspace(1, 2, 1000, dtype=torch.float64)
    with pytest.raises(WorkloadError, match="do not agree in float32 on what it means: output 'y'"):
        agreed(runtime, exact.float(), exact)


def test_rounding_of_adds_up_types_on_longest_path(tmp_path: Path) -> None:
    """MatMul, Tanh and Add round to float32, Relu does not; with a detour over float16 that counts almost alone."""
    plain = [node("MatMul", "x w", "p"), node("Relu", "p", "q"), node("Tanh", "q", "r"), node("Add", "x r")]
    model = onnx.load(write(tmp_path / "path.onnx", plain, [weight("w", 4, 4)]))
    assert rounding_of(model) == pytest.approx(3**0.5 * 2.0**-24)
    assert not decides(model)
    detour = [*plain[:3], node("Cast", "r", "half", to=HALF), node("Cast", "half", "s", to=FLOAT), node("Add", "x s")]
    model = onnx.load(write(tmp_path / "half.onnx", detour, [weight("w", 4, 4)]))
    assert rounding_of(model) == pytest.approx(2.0**-11, rel=1e-6)
    assert decides(onnx.load(write(tmp_path / "whole.onnx", [node("Cast", "x", to=INT64)], kind=INT64)))
