"""How far eager is from the oracle of an ONNX model: what float16, one number and a float32 oracle need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.workloads.allowance import Allowance
from ablatrix.workloads.onnx.operation import find_onnx
from ablatrix.workloads.onnx.reference import run_rounded, run_shaken
from ablatrix.workloads.oracle import Answer, pool
from tests.workloads.onnx_models import FLOAT, HALF, UINT8, node, onnx, prepared, signature_of, weight, write

WIDTH = 32


def half(tensor: Any) -> Any:
    return onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype("float16"), tensor.name)


def in_half(tmp_path: Path, last: Any, kind: int = FLOAT) -> Path:
    """A float32 input, a product, a bias and a tanh in float16, then what is given."""
    nodes = [node("Cast", "x", "h", to=HALF), node("MatMul", "h w", "p"), node("Add", "p bias", "q")]
    weights = [half(weight("w", WIDTH, WIDTH)), half(weight("bias", WIDTH))]
    nodes += [node("Tanh", "q", "t"), last]
    return write(tmp_path / "half.onnx", nodes, weights, [("x", FLOAT, (8, WIDTH))], kind=kind)


def test_onnx_model_with_float16_inside_has_error_of_float16(tmp_path: Path) -> None:
    """ONNX Runtime computes all of it in float32; a compiler that keeps to float16 is not wrong."""
    (draw,) = prepared(in_half(tmp_path, node("Cast", "t", to=FLOAT))).input_sets
    (wanted,) = draw.expected
    rms = float(wanted.square().mean().sqrt())
    assert 2.0**-12 < draw.allowances[0].eager_rms / rms < 2.0**-8
    inputs, held = draw.inputs[0].half(), onnx.load(tmp_path / "half.onnx").graph.initializer
    w, bias = (torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in held)
    honest = torch.tanh(inputs @ w + bias).double()
    assert float((honest - wanted).square().mean().sqrt()) <= 2 * draw.allowances[0].eager_rms


def test_onnx_float16_output_keeps_its_type(tmp_path: Path) -> None:
    program = prepared(in_half(tmp_path, node("Abs", "t"), HALF))
    assert signature_of(program).outputs == (((8, WIDTH), "float16"),)
    found = find_onnx(program.lowered)
    assert found is not None
    assert [one.dtype for one in found.meta["val"]] == [torch.float16]
    (out,) = program.exported.module(check_guards=False)(*program.input_sets[0].inputs)
    assert out.dtype is torch.float16
    assert program.input_sets[0].expected[0].dtype is torch.float64


def test_onnx_quantised_output_keeps_its_type(tmp_path: Path) -> None:
    scale = numpy.array(0.02, "float32")
    constants = {"scale": scale, "zero": numpy.array(128, "uint8")}
    held = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    nodes = [node("Tanh", "x", "t"), node("QuantizeLinear", "t scale zero")]
    (draw,) = prepared(write(tmp_path / "q.onnx", nodes, held, [("x", FLOAT, (64, 64))], kind=UINT8)).input_sets
    assert draw.expected[0].dtype is torch.uint8
    exact = torch.round(torch.tanh(draw.inputs[0].double()) / float(scale)) + 128
    assert int((draw.expected[0].double() - exact).abs().max()) == 0


def test_run_rounded_rounds_every_value_of_narrow_type(tmp_path: Path) -> None:
    path = in_half(tmp_path, node("Cast", "t", to=FLOAT))
    inputs = torch.randn(8, WIDTH, generator=torch.Generator().manual_seed(1))
    w, bias = (torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in onnx.load(path).graph.initializer)
    product = (inputs.half().float() @ w.float()).half()
    wanted = torch.tanh((product + bias).float()).half().float()
    (made,) = run_rounded(path.read_bytes(), [torch.float32])((inputs,))
    assert made.dtype is torch.float32
    assert torch.equal(made, made.half().float())
    assert float((made - wanted).abs().max()) <= 2.0**-10
    assert float((made - wanted).abs().mean()) < 2.0**-14


def test_run_shaken_differs_by_about_one_rounding(tmp_path: Path) -> None:
    """Where values cancel, the difference grows as rounding does."""
    far = onnx.numpy_helper.from_array(numpy.array(1000.0, "float32"), "far")
    shaken: dict[str, float] = {}
    x = (torch.rand(64, generator=torch.Generator().manual_seed(2)) + 1,)
    for name, nodes in {
        "plain": [node("Mul", "x x")],
        "cancelling": [node("Add", "x far", "big"), node("Sub", "big far")],
    }.items():
        path = write(tmp_path / f"{name}.onnx", nodes, [far], [("x", FLOAT, (64,))])
        exact = x[0] * x[0] if name == "plain" else x[0]
        (made,) = run_shaken(path.read_bytes())(x)
        shaken[name] = float(((made - exact) / exact).abs().max())
    assert 2.0**-24 < shaken["plain"] < 2.0**-21
    assert shaken["cancelling"] > 64 * shaken["plain"]


def answers(*errors: float, scale: float = 1.0) -> list[Answer]:
    return [Answer((torch.full((1,), scale, dtype=torch.float64),), (allowance(error),)) for error in errors]


def allowance(eager_rms: float) -> Allowance:
    none = torch.empty(0, dtype=torch.int64)
    return Allowance(
        eager_rms=eager_rms,
        unit_rms=eager_rms,
        limits=torch.tensor([eager_rms], dtype=torch.float64),
        classes=none.to(torch.uint8),
        roundoff=2.0**-24,
        undetermined=none,
        values=torch.empty(0),
    )


def eager_rms(answers: list[Answer]) -> list[float]:
    return [one.allowances[0].eager_rms for one in answers]


def test_pool_of_draws_takes_their_root_mean_square() -> None:
    """Eager's error on one number is 4.6e-6 in one input set and 1.5e-7 in another; it is the same program."""
    pooled = eager_rms(pool(answers(4.6e-6, 4.8e-7, 1.5e-7), 0.0))
    assert pooled == pytest.approx([4.6e-6, 2.6718e-6, 2.6718e-6], rel=1e-3)


def test_pool_does_not_widen_by_output_of_other_scale() -> None:
    small, large = answers(1e-7, scale=1.0), answers(1e-2, scale=1e5)
    cancelled = answers(1e-6, scale=1e-6)
    assert eager_rms(pool([*small, *large], 0.0))[0] == pytest.approx(1e-7, rel=0.01)
    assert eager_rms(pool([*small, *cancelled], 0.0))[0] < 1e-6


def test_pool_keeps_at_least_what_rounding_leaves() -> None:
    assert eager_rms(pool(answers(0.0, 0.0, scale=3.0), 1e-6)) == [3e-6, 3e-6]
    whole = [Answer((torch.tensor([3]),), (allowance(0.0),))]
    assert eager_rms(pool(whole, 1e-6)) == [0.0]


def test_pool_takes_boolean_outputs_as_they_are() -> None:
    decisions = [Answer((torch.tensor([True, False]),), (allowance(0.0),)) for _ in range(2)]
    assert eager_rms(pool(decisions, 1e-6)) == [0.0, 0.0]


def test_onnx_outputs_that_are_quantised_are_judged_in_quanta(tmp_path: Path) -> None:
    """A compiler that rounds a value in the middle of two multiples to the other one is right."""
    constants = {"scale": numpy.array(0.02, "float32"), "zero": numpy.array(128, "uint8")}
    held = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    first = [node("Tanh", "x", "t"), node("QuantizeLinear", "t scale zero", "q")]
    inputs = [("x", FLOAT, (4, 8))]

    def quantum(*last: Any, kind: int = FLOAT) -> float:
        file = write(tmp_path / "quantised.onnx", [*first, *last], held, inputs, kind)
        return prepared(file).input_sets[0].allowances[0].quantum

    assert quantum(node("Identity", "q"), kind=UINT8) == 1.0
    back = node("DequantizeLinear", "q scale zero", "d")
    assert quantum(back, node("Transpose", "d")) == pytest.approx(0.02)
    assert quantum(back, node("Exp", "d")) == 0.0
