"""The digest of a program: structure, weights and inputs, the same in every process that prepares it."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence

import torch
from torch.export import ExportedProgram

from ablatrix.canonical import canonical_json
from ablatrix.workloads.capture import capture, value_tensors
from ablatrix.workloads.program import InputSet


def program_digest(
    programs: Sequence[ExportedProgram], input_sets: Sequence[InputSet], symbol_names: Mapping[str, str]
) -> str:
    """Return the SHA-256 (hexadecimal) of programs and input sets.

    Symbols are replaced by the names of their dimensions. What is computed from the rest (expected outputs,
    eager's error) is omitted: it may differ in the last bit between machines.
    """
    total = hashlib.sha256()
    for program in programs:
        graph = capture(program)
        text = canonical_json(dataclasses.asdict(graph))
        for symbol, name in symbol_names.items():
            text = re.sub(rf"\b{re.escape(symbol)}\b", name, text)
        total.update(text.encode())
        for tensor in value_tensors(program, graph).values():
            _add(total, tensor)
    for input_set in input_sets:
        total.update(canonical_json({"seed": input_set.seed, "sizes": dict(input_set.sizes)}).encode())
        for tensor in input_set.inputs:
            _add(total, tensor)
    return total.hexdigest()


def _add(total: hashlib._Hash, tensor: torch.Tensor) -> None:
    total.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    data = tensor.detach().contiguous()
    if data.numel():
        total.update(memoryview(data.reshape(-1).view(torch.uint8).numpy()))
