"""Running an ONNX model by the evaluator of ``onnx``: numpy, any float type, slow.

Its batch normalisation computes in training mode where the standard says inference: opsets 7 and 8 always, opsets 9 to
13 whenever the attribute ``momentum`` is present, which exporters write. It is replaced by the standard's own rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy
import onnx

from ablatrix.workloads.onnx.precision import Run, on_arrays

FIRST_WITH_MODE = 14  # opset from which an attribute says that a batch normalisation trains


def run_by_evaluator(content: bytes, _threads: int) -> Run:
    """Return a function that runs a model by the evaluator of ``onnx``."""
    from onnx.reference import ReferenceEvaluator

    evaluator = ReferenceEvaluator(onnx.load_from_string(content), new_ops=[_batch_normalization()])
    return on_arrays(list(evaluator.input_names), lambda given: evaluator.run(None, given))


@cache
def _batch_normalization() -> type[Any]:
    """Return the operator's class; the evaluator finds an operator by the name of its class."""
    from onnx.reference.op_run import OpRun

    class BatchNormalization(OpRun):  # type: ignore[misc]
        op_domain = ""

        def _run(self, *inputs: Any, **attributes: Any) -> tuple[Any, ...]:
            known = self.run_params["opsets"][""] >= FIRST_WITH_MODE
            outputs = [name for name in self.onnx_node.output if name]
            if attributes.get("training_mode") if known else len(outputs) > 1:
                raise NotImplementedError("batch normalisation in training mode")
            x, scale, bias, mean, variance = inputs
            if attributes.get("spatial") != 0:  # one value for each channel, unless an old model says for each element
                ones = (1,) * (x.ndim - 2)
                scale, bias, mean, variance = (one.reshape(-1, *ones) for one in (scale, bias, mean, variance))
            normal = (x - mean) / numpy.sqrt(variance + numpy.asarray(attributes["epsilon"], variance.dtype))
            return ((scale * normal + bias).astype(x.dtype),)

    return BatchNormalization
