"""Running an ONNX model by ONNX Runtime without any optimisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx
import torch
from onnx import ModelProto, TensorProto

from ablatrix.workloads.onnx.tensors import to_array, to_tensor

Run = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]
FATAL_ONLY = 4  # what fails is raised, and need not be printed as well
AS_FLOAT = "/float32"


def run_by_onnxruntime(content: bytes, threads: int) -> Run:
    """Return a function that runs a model with every optimisation of ONNX Runtime off: node by node, as written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = onnx.load_from_string(content)
    narrow = _widen_ends(model)
    held = model.SerializeToString() if any(narrow) else content
    session = onnxruntime.InferenceSession(held, options, providers=["CPUExecutionProvider"])
    run = on_arrays([one.name for one in session.get_inputs()], lambda given: session.run(None, given))
    if not any(narrow):
        return run
    count = len(session.get_inputs())

    def run_narrow(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        given = [one.float() if few else one for one, few in zip(inputs, narrow[:count], strict=True)]
        return [one.bfloat16() if few else one for one, few in zip(run(given), narrow[count:], strict=True)]

    return run_narrow


def with_all_outputs(model: ModelProto) -> ModelProto:
    """Return a model that also returns what every node of its top graph makes."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    known = {one.name for one in model.graph.output}
    inner = [name for node in model.graph.node for name in node.output if name and name not in known]
    made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in inner)
    return made


def on_arrays(names: Sequence[str], run: Callable[[dict[str, Any]], Sequence[Any]]) -> Run:
    """Return a function of tensors, in the order of ``names``, from one that takes arrays by name."""

    def on_tensors(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        made = run({name: to_array(one) for name, one in zip(names, inputs, strict=True)})
        return [to_tensor(one) for one in made]

    return on_tensors


def _widen_ends(model: ModelProto) -> list[bool]:
    """Let inputs and outputs in bfloat16 be float32, which holds the same values, in place.

    A session cannot be given bfloat16: numpy has no such type.

    Returns:
        Which of the inputs and outputs these are.
    """
    graph = model.graph
    ends = [*model.graph.input, *graph.output]
    narrow = [one.type.tensor_type.elem_type == TensorProto.BFLOAT16 for one in ends]
    before, after = [], []
    for index, (value, is_narrow) in enumerate(zip(ends, narrow, strict=True)):
        if is_narrow:
            inner, value.name = value.name, f"{value.name}{AS_FLOAT}"
            value.type.tensor_type.elem_type = TensorProto.FLOAT
            if index < len(ends) - len(graph.output):
                before.append(onnx.helper.make_node("Cast", [value.name], [inner], to=TensorProto.BFLOAT16))
            else:
                after.append(onnx.helper.make_node("Cast", [inner], [value.name], to=TensorProto.FLOAT))
    if before or after:
        nodes = [*before, *graph.node, *after]
        del graph.node[:]
        graph.node.extend(nodes)
    return narrow
