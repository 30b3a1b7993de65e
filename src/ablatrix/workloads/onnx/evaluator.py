"""Running an ONNX model by the evaluator of ``onnx``: numpy, any float type, slow.

Operators of old opsets that it computes by another rule than the standard's are replaced here. They were found by
running the node tests of ``onnx`` 1.23 at every opset from 7 up against ONNX Runtime:

- ``BatchNormalization`` computes in training mode where the standard says inference: opsets 7 and 8 always, opsets 9
  to 13 whenever the attribute ``momentum`` is present, which exporters write.
- ``Softmax``, ``LogSoftmax`` and ``Hardmax`` below opset 13 work on all axes from ``axis`` on, 1 by default, and not on
  one axis, the last by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy
import onnx

from ablatrix.workloads.onnx.session import Run, on_arrays

FIRST_WITH_MODE = 14  # opset from which an attribute says that a batch normalisation trains
FIRST_OF_ONE_AXIS = 13  # opset from which Softmax and its like work on one axis


def run_by_evaluator(content: bytes, _threads: int) -> Run:
    """Return a function that runs a model by the evaluator of ``onnx``."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx.load_from_string(content), new_ops=list(_replaced()))
    return on_arrays(list(evaluator.input_names), lambda given: evaluator.run(None, given))


@cache
def _replaced() -> tuple[type[Any], ...]:
    """Return the classes of the replaced operators; the evaluator finds an operator by the name of its class."""
    from onnx.reference.op_run import OpRun

    class BatchNormalization(OpRun):  # type: ignore[misc]
        op_domain = ""

        def _run(self, *inputs: Any, **attributes: Any) -> tuple[Any, ...]:
            outputs = [name for name in self.onnx_node.output if name]
            named = _opset(self) >= FIRST_WITH_MODE
            if attributes.get("training_mode") if named else len(outputs) > 1:
                raise NotImplementedError("batch normalisation in training mode")
            return (_normalised(inputs, attributes["epsilon"], by_channel=attributes.get("spatial") != 0),)

    def over_axes(name: str, run: Any) -> type[Any]:
        def _run(self: Any, x: Any, axis: int | None = None) -> tuple[Any, ...]:
            if _opset(self) >= FIRST_OF_ONE_AXIS:
                return (run(x, axis),)
            written = [one.i for one in self.onnx_node.attribute if one.name == "axis"]
            first = (written[0] if written else 1) % max(x.ndim, 1)
            return (run(x.reshape(*x.shape[:first], -1), -1).reshape(x.shape),)

        return type(name, (OpRun,), {"op_domain": "", "_run": _run})

    functions = {"Softmax": _softmax, "LogSoftmax": _log_softmax, "Hardmax": _hardmax}
    return (BatchNormalization, *(over_axes(name, run) for name, run in functions.items()))


def _opset(operator: Any) -> int:
    return int(operator.run_params["opsets"][""])


def _normalised(inputs: Sequence[Any], epsilon: float, *, by_channel: bool) -> Any:
    """Return a normalised batch; an old model may have a value for each element and not for each channel."""
    x, scale, bias, mean, variance = inputs
    if by_channel:
        ones = (1,) * (x.ndim - 2)
        scale, bias, mean, variance = (one.reshape(-1, *ones) for one in (scale, bias, mean, variance))
    normal = (x - mean) / numpy.sqrt(variance + numpy.asarray(epsilon, variance.dtype))
    return (scale * normal + bias).astype(x.dtype)


def _softmax(x: Any, axis: int) -> Any:
    powers = numpy.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: int) -> Any:
    below = x - x.max(axis=axis, keepdims=True)
    return below - numpy.log(numpy.exp(below).sum(axis=axis, keepdims=True))


def _hardmax(x: Any, axis: int) -> Any:
    ones = numpy.zeros_like(x)
    numpy.put_along_axis(ones, numpy.expand_dims(x.argmax(axis=axis), axis), 1, axis=axis)
    return ones
