"""Small ONNX models, written to files, and how they are prepared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from ablatrix.workloads.onnx.operation import Signature, find_onnx
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program
from ablatrix.workloads.source import read_source

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
FLOAT, HALF, INT64, UINT8 = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "FLOAT16", "INT64", "UINT8"))


def weight(name: str, *shape: int, scale: float = 1.0) -> Any:
    values = numpy.random.default_rng(len(name)).standard_normal(shape) * scale
    return onnx.numpy_helper.from_array(values.astype("float32"), name)


def write(
    path: Path,
    nodes: Sequence[Any],
    weights: Sequence[Any] = (),
    inputs: Sequence[tuple[str, int, Sequence[Any]]] = (("x", FLOAT, (2, 4)),),
    kind: int = FLOAT,
    opset: int = 20,
) -> Path:
    """Write a model whose output is ``y``."""
    graph = onnx.helper.make_graph(
        nodes,
        "model",
        [onnx.helper.make_tensor_value_info(*one) for one in inputs],
        [onnx.helper.make_tensor_value_info("y", kind, None)],
        list(weights),
    )
    sets = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("com.microsoft", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), path)
    return path


def node(kind: str, inputs: str, output: str = "y", **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], **attributes)


def prepared(path: Path, input_sets: int = 1, **parameters: Any) -> Program:
    return prepare(read_source("model", path.name, parameters, path.parent), parameters, input_sets=input_sets)


def signature_of(program: Program) -> Signature:
    found = find_onnx(program.lowered)
    assert found is not None
    return Signature.read(str(found.args[2]))
