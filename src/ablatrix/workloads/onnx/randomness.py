"""Does an ONNX model give the same outputs for the same inputs?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import onnx
import torch
from onnx import GraphProto, NodeProto, numpy_helper
from onnx.inliner import inline_local_functions

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.precision import all_nodes, bodies_of

STANDARD = frozenset({"", "ai.onnx"})
DRAWING = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
REMEDY = "make the random values an input of the model, or export it for inference"


def refuse_random(content: bytes) -> None:
    """Refuse a model with an operator that draws random numbers which reach its outputs.

    A seed does not help: ONNX Runtime draws the next numbers in each further run, and each runtime draws its own.

    Raises:
        WorkloadError: It has one; the message names the node.
    """
    graph = inline_local_functions(onnx.load_from_string(content)).graph
    constants = _constants(graph)
    for top in _reaching(graph):
        for node in all_nodes((top,)):
            if _is_random(node, constants):
                raise WorkloadError(f"it is random: {named(node)} draws other numbers in each run; {REMEDY}")


def refuse_unequal(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor], names: Sequence[str]) -> None:
    """Refuse a model whose outputs of two runs on the same inputs, one thread each, are not the same.

    Raises:
        WorkloadError: They are not; the message names the output.
    """
    for name, first, second in zip(names, one, other, strict=True):
        if first.shape != second.shape or not torch.equal(first.nan_to_num(), second.nan_to_num()):
            raise WorkloadError(
                f"it is random: two runs of ONNX Runtime on the same inputs, unoptimised and with one thread, "
                f"differ in output '{name}'; {REMEDY}"
            )


def named(node: NodeProto) -> str:
    """Return a node as messages name it."""
    return f"node '{node.name or node.output[0]}' ({node.op_type})"


def _is_random(node: NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    if node.domain not in STANDARD:
        return False
    if node.op_type != "Dropout":
        return node.op_type in DRAWING
    ratio, training = ((*node.input, "", "")[index] for index in (1, 2))
    never = not training or (training in constants and not numpy_helper.to_array(constants[training]).any())
    return not never and not (ratio in constants and not numpy_helper.to_array(constants[ratio]).any())


def _constants(graph: GraphProto) -> dict[str, onnx.TensorProto]:
    found = {one.name: one for one in graph.initializer}
    for node in all_nodes(graph.node):
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            found[node.output[0]] = node.attribute[0].t
    return found


def _reaching(graph: GraphProto) -> Iterable[NodeProto]:
    """Yield the graph's nodes that an output depends on, the last first."""
    needed = {one.name for one in graph.output}
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed.update(name for inner in all_nodes((node,)) for name in inner.input)
            needed.update(one.name for inner in all_nodes((node,)) for body in bodies_of(inner) for one in body.output)
            yield node
