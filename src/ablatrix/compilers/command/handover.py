"""What a program is given and what it gives back, as files: the program to compile, input tensors, output tensors."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import torch

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.tasks import Tensor
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.plan.graph import Graph
from ablatrix.workloads.capture import capture
from ablatrix.workloads.program import TaskProgram

SUFFIX = {"npy": ".npy", "raw": ".bin"}


@dataclass(frozen=True)
class Interface:
    """What a task takes and gives, as plain values.

    Attributes:
        inputs: Name, dtype, shape and whether it is a parameter, in order. Symbolic sizes are given by name.
        outputs: Dtype and shape, in order.
        bounds: Upper bound of each symbol.
    """

    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    bounds: dict[str, int]


def interface_of(task: TaskProgram) -> Interface:
    """Return what a task takes and gives."""
    graph = capture(task.exported, task.upper_bounds)
    inputs = [
        {"name": f"input_{index}", **_typed(graph, value), "parameter": index in task.parameter_inputs}
        for index, value in enumerate(value for value, one in enumerate(graph.values) if one.kind != "intermediate")
    ]
    return Interface(inputs, [_typed(graph, value) for value in graph.outputs], dict(task.upper_bounds))


def write_task(request: CompileRequest, task: TaskProgram, formats: Sequence[str], directory: Path) -> dict[str, Any]:
    """Write a task in the forms that a program asked for, and return its manifest.

    Raises:
        UnsupportedError, CompilerError: It cannot be written as ONNX.
    """
    interface = interface_of(task)
    manifest: dict[str, Any] = {
        "workload": request.program.facts.name,
        "parameters": dict(request.program.facts.parameters),
        "inputs": interface.inputs,
        "outputs": interface.outputs,
        "upper_bounds": interface.bounds,
    }
    if "graph" in formats:
        manifest["graph"] = _graph(capture(task.exported, task.upper_bounds))
    if "pt2" in formats:
        manifest["pt2"] = str(directory / "program.pt2")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(task.exported, manifest["pt2"])
    if "onnx" in formats:
        manifest["onnx"] = str(directory / "program.onnx")
        Path(manifest["onnx"]).write_bytes(_onnx(request, task))
    return manifest


def _onnx(request: CompileRequest, task: TaskProgram) -> bytes:
    """Return a task as ONNX: the file that it was given as, or what torch exports."""
    from ablatrix.compilers.onnxruntime.build import export_model
    from ablatrix.workloads.onnx.operation import find_onnx, read_model

    if find_onnx(task.exported) is not None:
        return read_model(request.program)
    return bytes(export_model(task).SerializeToString())


def write_tensor(tensor: torch.Tensor, stem: Path, form: str) -> dict[str, Any]:
    """Write a tensor as a file and return its manifest.

    Raises:
        UnsupportedError: The file format does not have its type.
    """
    file = stem.with_suffix(SUFFIX[form])
    dense = tensor.detach().contiguous()
    if form == "raw":
        file.write_bytes(dense.reshape(-1).view(torch.uint8).numpy().tobytes())
    else:
        try:
            numpy.save(file, dense.numpy())
        except TypeError as error:
            raise UnsupportedError(f"a tensor of {dense.dtype} cannot be written as .npy: {error}") from error
    dtype = str(dense.dtype).removeprefix("torch.")
    return {"file": str(file), "dtype": dtype, "shape": list(dense.shape)}


def read_tensor(manifest: Any, directory: Path, form: str, subject: str) -> torch.Tensor:
    """Read a tensor that a program wrote.

    Raises:
        CompilerError: The manifest is not as the protocol says, the file is not there, or the two do not agree.
    """
    try:
        file, dtype = directory / manifest["file"], getattr(torch, manifest["dtype"])
        shape = [int(size) for size in manifest["shape"]]
        if not isinstance(dtype, torch.dtype) or any(size < 0 for size in shape):
            raise ValueError("no such dtype or shape")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise CompilerError(
            f'{subject}: must be {{"file": ..., "dtype": "float32", "shape": [...]}}, got {json.dumps(manifest)}'
        ) from None
    try:
        if form == "raw":
            data = bytearray(file.read_bytes())
            wanted = math.prod(shape) * dtype.itemsize
            if len(data) != wanted:
                raise CompilerError(f"{subject}: {file.name} has {len(data)} bytes, but its manifest says {wanted}")
            return torch.frombuffer(data, dtype=dtype).reshape(shape) if data else torch.empty(shape, dtype=dtype)
        found = torch.from_numpy(numpy.load(file, allow_pickle=False).copy())
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise CompilerError(f"{subject}: {file} cannot be read: {error}") from None
    if found.dtype != dtype or list(found.shape) != shape:
        raise CompilerError(
            f"{subject}: {file.name} holds {found.dtype} of shape {list(found.shape)}, but its manifest says {dtype} "
            f"of shape {shape}"
        )
    return found


def _typed(graph: Graph, value: int) -> dict[str, Any]:
    kind = Tensor.from_signature(graph.values[value].signature)
    shape = [int(size) if size.isdigit() else size for size in kind.shape]
    return {"dtype": str(kind.dtype).removeprefix("torch."), "shape": shape}


def _graph(graph: Graph) -> dict[str, Any]:
    """Return a task's operations as plain values: each reads and writes values by number."""
    return {
        "values": [_typed(graph, value) for value in range(len(graph.values))],
        "inputs": [value for value, one in enumerate(graph.values) if one.kind != "intermediate"],
        "nodes": [
            {"operation": node.operation, "reads": list(node.reads), "writes": list(node.writes)}
            for node in graph.nodes
        ],
        "outputs": list(graph.outputs),
    }
