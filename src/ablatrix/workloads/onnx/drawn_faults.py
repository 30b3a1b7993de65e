"""Which drawn value an ONNX model cannot take: what a failure or an undefined output depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from onnx import ModelProto, NodeProto

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.drawing import Input, describe_drawn
from ablatrix.workloads.onnx.file import CUT
from ablatrix.workloads.onnx.precision import all_nodes
from ablatrix.workloads.onnx.randomness import named
from ablatrix.workloads.onnx.session import run_by_onnxruntime, with_all_outputs

NODE = re.compile(r"while running (\w+) node\. Name:'([^']*)'")
MOST_UNDEFINED = 0.5  # of the elements of an output
FINDING = frozenset({"NonZero", "NonMaxSuppression", "Unique", "Compress"})
HOW = "give values that it takes under 'inputs' of the workload"


def explain_failure(model: ModelProto, error: Exception, inputs: Sequence[Input], drawn: Mapping[str, bool]) -> str:
    """Return which drawn inputs the node depends on that ONNX Runtime failed on, as the end of a sentence."""
    match = NODE.search(str(error))
    if match is None:
        return ""
    nodes = [one for one in all_nodes(model.graph.node) if one.name == match[2] and one.op_type == match[1]]
    needed = _depends_on(model, nodes[0].input) if nodes and match[2] else {one.name for one in inputs}
    text = describe_drawn([one for one in inputs if one.name in needed], drawn)
    return f"; that node depends on {text}: {HOW}" if text else ""


def refuse_undefined(
    model: ModelProto,
    example: Sequence[torch.Tensor],
    outputs: Sequence[torch.Tensor],
    inputs: Sequence[Input],
    drawn: Mapping[str, bool],
) -> None:
    """Refuse a model that answers drawn values with NaN in more than half of an output: nothing could be checked.

    Raises:
        WorkloadError: It does; the message names the first node that does, and the drawn inputs it depends on.
    """
    for value, one in zip(model.graph.output, outputs, strict=True):
        undefined = int(one.isnan().sum()) if one.is_floating_point() else 0
        if not undefined or undefined <= MOST_UNDEFINED * one.numel():
            continue
        node = _first_undefined(model, example)
        needed = _depends_on(model, [value.name] if node is None else node.input)
        text = describe_drawn([one for one in inputs if one.name in needed], drawn)
        if text:
            where = "" if node is None else f", from {named(node)} on"
            raise WorkloadError(
                f"output '{value.name}' is NaN in {undefined} of {one.numel()} elements{where}, which depends on "
                f"{text}: {HOW}"
            )


def refuse_varying(model: ModelProto, one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> None:
    """Refuse a model whose outputs have other shapes for other values of inputs of the same shape.

    Raises:
        WorkloadError: It is one; the message names the node that makes as many elements as it finds.
    """
    for value, first, second in zip(model.graph.output, one, other, strict=True):
        if first.shape != second.shape:
            needed = _depends_on(model, [value.name])
            nodes = (
                node for node in all_nodes(model.graph.node) if node.op_type in FINDING and node.output[0] in needed
            )
            made = next((f", as {named(node)} makes as many elements as it finds" for node in nodes), "")
            raise WorkloadError(
                f"output '{value.name}' has shape {tuple(first.shape)} for one input and {tuple(second.shape)} for "
                f"another of the same shape{made}; sizes that depend on values cannot be planned: {CUT}"
            )


def _first_undefined(model: ModelProto, example: Sequence[torch.Tensor]) -> NodeProto | None:
    opened = with_all_outputs(model)
    try:
        made = run_by_onnxruntime(opened.SerializeToString(), 1)(example)
    except Exception:  # a value that is no tensor, or of a type that cannot be returned
        return None
    found = dict(zip([one.name for one in opened.graph.output], made, strict=True))
    for node in model.graph.node:
        values = [found[name] for name in node.output if name]
        if any(one.is_floating_point() and bool(one.isnan().any()) for one in values):
            return node
    return None


def _depends_on(model: ModelProto, names: Sequence[str]) -> set[str]:
    """Return the names of all values that values are made of, themselves included."""
    needed = set(names)
    for node in reversed(model.graph.node):
        if needed & set(node.output):
            needed.update(name for inner in all_nodes((node,)) for name in inner.input)
    return needed
