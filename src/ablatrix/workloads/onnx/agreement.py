"""Do the evaluator of ``onnx`` and ONNX Runtime take a model to mean the same?

The evaluator is the oracle where ONNX Runtime has no float64. Were it wrong there, its distance from eager float32
would be taken for an error of rounding and allow every configuration as much. So its own run in float32 has to agree
with ONNX Runtime's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import onnx
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.evaluator import run_by_evaluator
from ablatrix.workloads.onnx.randomness import named
from ablatrix.workloads.onnx.rounding import decides, rounding_of
from ablatrix.workloads.onnx.session import run_by_onnxruntime, with_all_outputs

TIMES = 16  # two orders of summation are this far apart at most, as a multiple of one order's own error
SUMMED = 256  # terms that an operation adds up one after another
WIDEST = 0.05  # no rounding explains a larger part of an output's largest value
FLIPPED = 1e-3  # share of elements that may go the other way where values are rounded to integers or compared


@dataclass(frozen=True)
class Runs:
    """The outputs of one model by three runs, in order: ONNX Runtime's in float32, the evaluator's, its float64."""

    runtime: Sequence[torch.Tensor]
    narrow: Sequence[torch.Tensor]
    wide: Sequence[torch.Tensor]


def refuse_disagreement(content: bytes, example: Sequence[torch.Tensor], runs: Runs) -> None:
    """Refuse a model that the two run differently in float32, beyond what rounding explains.

    Raises:
        WorkloadError: They do; the message names the outputs and the first node that differs.
    """
    model = onnx.load_from_string(content)
    rounding, flips = rounding_of(model), decides(model)
    faults = []
    triples = zip(model.graph.output, runs.runtime, runs.narrow, runs.wide, strict=True)
    for output, one, other, wide in triples:
        fault = _difference(one, other, wide, rounding, flips)
        if fault:
            faults.append(f"output '{output.name}' {fault}")
    if faults:
        import onnxruntime

        raise WorkloadError(
            f"ONNX Runtime {onnxruntime.__version__} and the evaluator of onnx {onnx.__version__}, which is needed for "
            f"float64, do not agree in float32 on what it means: {'; '.join(faults)}{_first(model, example)}. "
            "One of them does not follow the ONNX standard, so no check could rest on either; write the operator in "
            "another way, or export the model at another opset"
        )


def _difference(one: torch.Tensor, other: torch.Tensor, wide: torch.Tensor, rounding: float, flips: bool) -> str | None:
    """Return in words how two outputs differ beyond rounding; None where they do not."""
    if one.shape != other.shape:
        return f"has shape {tuple(one.shape)} by the first and {tuple(other.shape)} by the second"
    if one.dtype != other.dtype:
        return f"is {one.dtype} by the first and {other.dtype} by the second"
    return _reals(one, other, wide, rounding, flips) if one.is_floating_point() else _integers(one, other, wide)


def _integers(one: torch.Tensor, other: torch.Tensor, wide: torch.Tensor) -> str | None:
    unequal, own = int((one != other).sum()), int((other != wide).sum())
    if unequal <= max(1, FLIPPED * one.numel(), TIMES * own):
        return None
    return f"differs in {unequal} of {one.numel()} elements"


def _reals(one: torch.Tensor, other: torch.Tensor, wide: torch.Tensor, rounding: float, flips: bool) -> str | None:
    first, second, third = one.double(), other.double(), wide.double()
    finite = first.isfinite()
    if not torch.equal(finite, second.isfinite()):
        return (
            f"is finite in {int(finite.sum())} elements by the first and {int(second.isfinite().sum())} by the second"
        )
    first, second, third = (values[finite & third.isfinite()] for values in (first, second, third))
    if not first.numel():
        return None
    apart = (first - second).abs()
    explained = min(TIMES * math.sqrt(SUMMED) * rounding, WIDEST) * float(first.abs().max())
    allowed = max(TIMES * float((second - third).abs().max()), explained)
    if int((apart > allowed).sum()) <= (FLIPPED * one.numel() if flips else 0):
        return None
    return f"differs by up to {float(apart.max()):.3g} where rounding explains {allowed:.1g}"


def _first(model: onnx.ModelProto, example: Sequence[torch.Tensor]) -> str:
    """Return the first node with an output that differs, as a part of the sentence; empty where none is found."""
    open_model = with_all_outputs(model)
    content = open_model.SerializeToString()
    try:
        pair = [run(content, 1)(example) for run in (run_by_onnxruntime, run_by_evaluator)]
    except Exception:  # a value that is no tensor, or of a type that one of them cannot return: no node is named then
        return ""
    names = [one.name for one in open_model.graph.output]
    outputs = dict(zip(names, zip(*pair, strict=True), strict=True))
    rounding = rounding_of(model)
    for node in model.graph.node:
        for name in node.output:
            one, other = outputs[name] if name else (torch.empty(0), torch.empty(0))
            if _difference(one, other, other, rounding, False):
                return f", from {named(node)} on"
    return ""
