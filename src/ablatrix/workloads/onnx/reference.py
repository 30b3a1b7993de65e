"""Runs that show how far float arithmetic of a model's own types may be from the oracle.

ONNX Runtime computes float16 and bfloat16 in float32 where it has no kernel, and rounds nothing between: its own error
is then no measure of what these types allow. And where it is itself the oracle, it has no error at all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy
import onnx
import torch
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.inliner import inline_local_functions

from ablatrix.workloads.onnx.precision import Widening, all_nodes, widen_graph
from ablatrix.workloads.onnx.rounding import value_types
from ablatrix.workloads.onnx.session import Run, run_by_onnxruntime

HALVES = frozenset({TensorProto.FLOAT16, TensorProto.BFLOAT16})


def has_halves(model: ModelProto) -> bool:
    """Return whether a value in a model is float16 or bfloat16."""
    return bool(HALVES & set(value_types(inline_local_functions(model)).values()))


def run_rounded(content: bytes, dtypes: Sequence[torch.dtype]) -> Run:
    """Return a function that runs a model in float32, with each value rounded to the type that the model gives it.

    Args:
        content: The model.
        dtypes: Type of each output.
    """
    model = inline_local_functions(onnx.load_from_string(content))
    types = value_types(model)
    widen_graph(model.graph, Widening(HALVES, TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        model.graph.node.append(node)
        for index, name in enumerate(node.output):
            if types.get(name) in HALVES:
                model.graph.node[-1].output[index] = f"{name}/exact"
        for name in node.output:
            if types.get(name) in HALVES:
                model.graph.node.extend(
                    [
                        onnx.helper.make_node("Cast", [f"{name}/exact"], [f"{name}/rounded"], to=types[name]),
                        onnx.helper.make_node("Cast", [f"{name}/rounded"], [name], to=TensorProto.FLOAT),
                    ]
                )
    run = run_by_onnxruntime(model.SerializeToString(), 1)

    def rounded(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        given = [one.float() if one.dtype in (torch.float16, torch.bfloat16) else one for one in inputs]
        return [one.to(dtype) for one, dtype in zip(run(given), dtypes, strict=True)]

    return rounded


def run_shaken(content: bytes) -> Run:
    """Return a function that runs a model with each float of its weights and inputs moved to a neighbouring float.

    Rounding anywhere is like a change of what is computed with by as much; so its effect on the outputs is of the size
    of rounding's (Monte Carlo arithmetic: D. Parker, 1997; J. Vignes, "A stochastic arithmetic for reliable scientific
    computation", 1993).
    """
    model = onnx.load_from_string(content)
    random = numpy.random.default_rng(0)
    constants = (attribute.t for node in all_nodes(model.graph.node) for attribute in node.attribute)
    for tensor in (*model.graph.initializer, *constants):
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
            values = numpy_helper.to_array(tensor)
            ends = numpy.where(random.random(values.shape) < 0.5, -numpy.inf, numpy.inf).astype(values.dtype)
            moved = numpy.where(values == 0, values, numpy.nextafter(values, ends))
            tensor.CopyFrom(numpy_helper.from_array(moved.astype(values.dtype), tensor.name))
    run = run_by_onnxruntime(model.SerializeToString(), 1)

    def shaken(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        moved = []
        for one in inputs:
            up = torch.rand(one.shape, generator=generator) < 0.5
            ends = torch.where(up, torch.inf, -torch.inf).to(one.dtype) if one.is_floating_point() else one
            moved.append(torch.nextafter(one, ends) if one.is_floating_point() else one)
        return run(moved)

    return shaken
