"""Tensors that come with an ONNX model, as ``onnx`` keeps them: ``test_data_set_0/input_0.pb`` and ``output_0.pb``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import ModelProto

from ablatrix.errors import WorkloadError
from ablatrix.workloads.allowance import error, magnitude, scale_of
from ablatrix.workloads.onnx.tensors import to_tensor

RELATIVE = 1e-3  # as the backend tests of onnx compare
FLIPPED = 1e-3  # share of the elements of an integer output that may be others, one in any case


@dataclass(frozen=True)
class DataSet:
    """Inputs, and the outputs that the model's author states for them.

    Attributes:
        name: Its directory's name.
        inputs: By name.
        outputs: By name; those that no file has are omitted.
    """

    name: str
    inputs: Mapping[str, torch.Tensor]
    outputs: Mapping[str, torch.Tensor]


def read_tensor(path: Path) -> torch.Tensor:
    """Return the tensor in a file of ``onnx``'s form for a tensor.

    Raises:
        WorkloadError: It holds none.
    """
    tensor = onnx.TensorProto()
    try:
        tensor.ParseFromString(path.read_bytes())
        return to_tensor(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # protobuf's errors have no common class
        raise WorkloadError(f"{path} holds no tensor of onnx: {error}") from error


def read_data_sets(model: ModelProto, directories: Sequence[Path]) -> list[DataSet]:
    """Read the data sets of a model that have every input; a file is named by the tensor's name, or its number."""
    inputs, outputs = [one.name for one in model.graph.input], [one.name for one in model.graph.output]
    found = [
        DataSet(one.name, _read(one, "input", inputs), _read(one, "output", outputs)) for one in sorted(directories)
    ]
    return [one for one in found if set(one.inputs) == set(inputs)]


def refuse_other_outputs(data: DataSet, names: Sequence[str], made: Sequence[torch.Tensor]) -> None:
    """Refuse a model whose oracle does not give the outputs that its author states.

    Args:
        data: What is stated.
        names: Names of the outputs, in order.
        made: The oracle's outputs for the stated inputs.

    Raises:
        WorkloadError: It does not.
    """
    for name, tensor in zip(names, made, strict=True):
        fault = None if name not in data.outputs else _difference(tensor, data.outputs[name])
        if fault:
            raise WorkloadError(
                f"output '{name}' {fault} that {data.name} beside the file states for its inputs; either the file or "
                "these outputs were made by another version, so no check could rest on them: put right or remove "
                f"{data.name}"
            )


def _read(directory: Path, kind: str, names: Sequence[str]) -> dict[str, torch.Tensor]:
    found = {}
    for index, name in enumerate(names):
        path = directory / f"{kind}_{index}.pb"
        if path.exists():
            found[name] = read_tensor(path)
    return found


def _difference(made: torch.Tensor, stated: torch.Tensor) -> str | None:
    if made.shape != stated.shape:
        return f"has shape {tuple(made.shape)}, not the {tuple(stated.shape)}"
    if not stated.is_floating_point():
        unequal = int((made != stated).sum())
        few = max(1, FLIPPED * made.numel())
        return f"differs in {unequal} of {made.numel()} elements from what" if unequal > few else None
    wanted = stated.double()
    apart = error(made.double(), wanted)
    beyond = apart[~(apart <= RELATIVE * (magnitude(wanted) + scale_of(wanted)))]
    return f"differs by up to {float(beyond.max()):.3g} from what" if beyond.numel() else None
