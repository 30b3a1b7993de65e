"""A task that is an ONNX model, imported by TVM's own frontend."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import onnx
import torch
import tvm
from tvm.relax.frontend.onnx import from_onnx

from ablatrix.errors import UnsupportedError
from ablatrix.workloads.onnx.operation import data_inputs, read_model
from ablatrix.workloads.onnx.precision import all_nodes
from ablatrix.workloads.program import Program, TaskProgram

STANDARD = frozenset({"", "ai.onnx"})


def import_onnx(program: Program, task: TaskProgram) -> Any:
    """Return the model as a module of Relax; its dynamic dimensions are called as the task's symbols.

    Raises:
        UnsupportedError: An operator is not of the standard, or TVM's frontend does not have it.
    """
    model = onnx.load_from_string(read_model(program))
    # The frontend looks operators up by name alone: one of a vendor would be taken for the standard's.
    foreign = sorted(
        {f"{one.domain}.{one.op_type}" for one in all_nodes(model.graph.node) if one.domain not in STANDARD}
    )
    if foreign:
        raise UnsupportedError(f"TVM's ONNX frontend takes operators of the standard alone, not {', '.join(foreign)}")
    shapes = dict(zip([one.name for one in model.graph.input], _shapes(task), strict=True))
    try:
        # It prints what fails before it raises it, and warns of names that it changes.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            module = from_onnx(model, shape_dict=shapes, dtype_dict={})
    except (tvm.error.OpNotImplemented, NotImplementedError) as error:
        raise UnsupportedError(f"TVM's ONNX frontend does not have it: {error}") from error
    return module


def _shapes(task: TaskProgram) -> list[list[Any]]:
    """Return the shape of each input of the model; a dynamic size is a variable with the symbol's name."""
    names = set(task.exported.graph_signature.user_inputs)
    nodes = [one for one in task.exported.graph.nodes if one.op == "placeholder" and one.name in names]
    variables: dict[str, Any] = {}

    def size(one: Any) -> Any:
        if not isinstance(one, torch.SymInt):
            return one
        return variables.setdefault(str(one.node.expr), tvm.tirx.Var(str(one.node.expr), "int64"))

    return [[size(one) for one in nodes[index].meta["val"].shape] for index in data_inputs(task.exported)]
