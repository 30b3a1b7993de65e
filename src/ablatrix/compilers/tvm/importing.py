"""One task in Relax: TVM's own importer, and how operations are given to it that it takes in one form alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.export import ExportedProgram
from tvm import relax

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.profiling.marks import mark_of, node_marks
from ablatrix.workloads.onnx.operation import find_onnx
from ablatrix.workloads.program import TaskProgram

Convert = Callable[[torch.fx.Node, Any], Any]

CONVOLUTIONS = frozenset(
    {"convolution.default", "conv_transpose1d.default", "conv_transpose2d.input"}
    | {f"conv{axes}d.default" for axes in (1, 2, 3)}
)
"""Operations whose third argument is a bias, as TVM's importer calls them."""
REDUCTIONS = {"sum": "add", "prod": "mul", "amax": "max", "amin": "min"}
"""What ``scatter_reduce`` does with several values for one place -> what Relax calls it."""


def import_task(request: CompileRequest, task: TaskProgram, *, named: bool = False) -> Any:
    """Import a task; what TVM's importer does not know is decomposed before, as torch's default does it.

    Args:
        request: What the task is part of.
        task: The task.
        named: Whether variables are named by the marks of the nodes that they come from.
    """
    if find_onnx(task.exported) is not None:
        from ablatrix.compilers.tvm.onnx_model import import_onnx

        return import_onnx(request.program, task)
    from tvm.relax.frontend.torch import from_exported_program

    known = importer_names()
    table = torch.export.default_decompositions()
    targets = {node.target for node in task.exported.graph.nodes if isinstance(node.target, torch._ops.OpOverload)}
    others = {one: table[one] for one in targets if one.__name__ not in known and one in table}
    program = task.exported.run_decompositions(others) if others else task.exported
    conversions = _named(program) if named else _conversions(program)
    return from_exported_program(program, run_ep_decomposition=False, custom_convert_map=conversions)


def importer_names() -> set[str]:
    """Return the names of the operations that can be imported."""
    from tvm.relax.frontend.torch.exported_program_translator import ExportedProgramImporter

    return {*ExportedProgramImporter().create_convert_map(), *OWN}


def _named(exported: ExportedProgram) -> dict[str, Convert]:
    """Return how operations are imported, with variables that are named by marks."""
    own = _conversions(exported)

    def convert(node: torch.fx.Node, importer: Any) -> Any:
        builder, mark = importer.block_builder, "".join(map(mark_of, sorted(node_marks(node))))
        emit = builder.emit
        builder.emit = lambda value, name_hint="": emit(value, name_hint or mark)
        try:
            return own.get(_name(node), _as_tvm_does)(node, importer)
        finally:
            del builder.emit

    known = importer_names()
    operations = (one for one in exported.graph.nodes if isinstance(one.target, torch._ops.OpOverload))
    return {**own, **{_name(node): convert for node in operations if _name(node) in known}}


def _conversions(exported: ExportedProgram) -> dict[str, Convert]:
    """Return how operations are imported: as TVM does it or as we do, and cast to the 16-bit type that they have.

    TVM's importer gives products and convolutions the type float32 whatever their inputs are, and what follows with
    them; the task would return float32.
    """

    def convert(node: torch.fx.Node, importer: Any) -> Any:
        made = _converted(node, importer)
        dtype = str(node.meta["val"].dtype).removeprefix("torch.")
        if not isinstance(made, relax.Var) or made.ty.dtype == dtype:
            return made
        return importer.block_builder.emit(relax.op.astype(made, dtype))

    narrow = {_name(node): convert for node in exported.graph.nodes if _is_narrow(node)}
    return {**OWN, **narrow}


def _as_tvm_does(node: torch.fx.Node, importer: Any) -> Any:
    return importer.create_convert_map()[_name(node)](node)


def _converted(node: torch.fx.Node, importer: Any) -> Any:
    if _name(node) in OWN:
        return OWN[_name(node)](node, importer)
    return _with_bias(node, importer) if _has_bias(node) else importer.create_convert_map()[_name(node)](node)


def _with_bias(node: torch.fx.Node, importer: Any) -> Any:
    """Import a convolution, and add its bias to the float32 sums: TVM's importer adds it as it is, which Relax refuses.

    So the sums are rounded once, behind the bias, as eager rounds them.
    """
    importer._is_no_bias = lambda _bias: True  # of this importer alone, for this node
    try:
        made = importer.create_convert_map()[_name(node)](node)
    finally:
        del importer._is_no_bias
    bias = relax.op.reshape(importer.env[node.args[2]], (1, -1, *[1] * (node.meta["val"].dim() - 2)))
    return importer.block_builder.emit(relax.op.add(made, relax.op.astype(bias, made.ty.dtype)))


def _topk(node: torch.fx.Node, importer: Any) -> Any:
    """Import ``topk`` sorted: a caller that asks for no order takes any."""
    x, count, *further = importer.retrieve_args(node)
    axis, largest = (*further, *(-1, True)[len(further) :])[:2]
    return importer.block_builder.emit(
        relax.op.topk(x, k=count, axis=axis, largest=largest, ret_type="both", dtype="int64")
    )


def _scatter_add(node: torch.fx.Node, importer: Any) -> Any:
    x, axis, index, source = importer.retrieve_args(node)
    return _scattered(importer, x, axis, index, _trimmed(node, importer, source), "add")


def _scatter_reduce(node: torch.fx.Node, importer: Any) -> Any:
    """Import ``scatter_reduce``; where the value that is there does not count, it begins without it."""
    x, axis, index, source, kind = importer.retrieve_args(node)[:5]
    counts_own = bool(node.kwargs.get("include_self", True))
    emit, dtype, source = importer.block_builder.emit, str(x.ty.dtype), _trimmed(node, importer, source)
    touched = start = x
    chooses = kind in {"amax", "amin"}
    if kind == "mean" or not (counts_own or chooses):
        ones = relax.op.ones_like(source)
        number = _scattered(importer, emit(relax.op.zeros_like(x)), axis, index, emit(ones), "add")
        touched = emit(relax.op.greater(number, relax.const(0, dtype)))
    if not counts_own and chooses:  # any of the values for a place is one that the largest is chosen from
        start = _scattered(importer, x, axis, index, source, "update")
    elif not counts_own:
        first = relax.op.full_like(x, relax.const(1 if kind == "prod" else 0, dtype))
        start = emit(relax.op.where(touched, first, x))
    made = _scattered(importer, start, axis, index, source, REDUCTIONS.get(kind, "add"))
    if kind != "mean":
        return made
    number = emit(relax.op.add(number, relax.const(1, dtype))) if counts_own else number
    shared = relax.op.divide(made, relax.op.maximum(number, relax.const(1, dtype)))
    return emit(relax.op.where(touched, shared, x))


def _trimmed(node: torch.fx.Node, importer: Any, source: Any) -> Any:
    """Return what the index of a scatter has places for: Relax wants both of one shape."""
    wanted, given = (node.args[at].meta["val"].shape for at in (2, 3))
    if wanted == given:
        return source
    axes = list(range(len(wanted)))
    shape = list(importer.shape_of(importer.env[node.args[2]]))
    return importer.block_builder.emit(relax.op.strided_slice(source, axes, [0] * len(axes), shape))


def _scattered(importer: Any, x: Any, axis: int, index: Any, source: Any, reduction: str) -> Any:
    return importer.block_builder.emit(relax.op.scatter_elements(x, index, source, axis=axis, reduction=reduction))


def _index_put(node: torch.fx.Node, importer: Any) -> Any:
    """Import ``index_put`` of whole rows as a scatter along its axis: TVM wants an index for every axis.

    Whatever has another form is left to TVM's importer.
    """
    indices = node.args[1]
    places = [at for at, one in enumerate(indices) if one is not None]
    x = node.args[0].meta["val"]
    index_of = indices[places[0]].meta["val"] if len(places) == 1 else None
    if x.dim() == 1 or index_of is None or index_of.dim() != 1 or index_of.dtype == torch.bool:
        return importer.create_convert_map()[_name(node)](node)
    at, emit = places[0], importer.block_builder.emit
    index, shape = importer.env[indices[at]], list(importer.shape_of(importer.env[node.args[0]]))
    shape[at] = importer.shape_of(index)[0]
    spread = relax.op.reshape(index, [shape[at] if axis == at else 1 for axis in range(len(shape))])
    values = emit(relax.op.broadcast_to(importer.env[node.args[2]], shape))
    adds = len(node.args) > 3 and bool(node.args[3])
    spread = emit(relax.op.broadcast_to(spread, shape))
    return _scattered(importer, importer.env[node.args[0]], at, spread, values, "add" if adds else "update")


OWN: dict[str, Convert] = {
    "topk.default": _topk,
    "scatter_add.default": _scatter_add,
    "scatter_reduce.two": _scatter_reduce,
    "index_put.default": _index_put,
}
"""Operations that TVM's importer does not have, or has in fewer forms than Relax itself."""


def _has_bias(node: torch.fx.Node) -> bool:
    return _name(node) in CONVOLUTIONS and len(node.args) > 2 and node.args[2] is not None


def _name(node: torch.fx.Node) -> str:
    return str(node.target.__name__)


def _is_narrow(node: torch.fx.Node) -> bool:
    made = node.meta.get("val")
    is_operation = isinstance(node.target, torch._ops.OpOverload)
    return is_operation and isinstance(made, torch.Tensor) and made.dtype in {torch.float16, torch.bfloat16}
