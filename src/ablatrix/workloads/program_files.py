"""Exported programs on disk and back, with their weights in one file so that shared memory stays shared."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

import ablatrix.workloads.onnx.operation  # noqa: F401  (programs may hold its operation)
from ablatrix.canonical import digest_bytes
from ablatrix.errors import WorkloadError
from ablatrix.workloads.capture.assembly import live_ranges
from ablatrix.workloads.saved_programs import load_saved

WEIGHTS = "weights.pt"
# Replaces each weight in a .pt2: the format needs a tensor for every name.
NOTHING = torch.nn.Parameter(torch.empty(0), requires_grad=False)


def save_programs(programs: Mapping[str, ExportedProgram], directory: Path) -> dict[str, str]:
    """Write each program as ``<name>.pt2`` without weights, and all weights as ``weights.pt``.

    Returns:
        SHA-256 of each ``.pt2``, by name: torch can be made to run code when it reads one, so nothing but these very
        bytes is read again. Weights are read as tensors alone.

    Raises:
        WorkloadError: torch cannot read back what it wrote; every worker would fail.
    """
    weights = {name: _weights(program) for name, program in programs.items()}
    torch.save(weights, directory / WEIGHTS)
    for name, program in programs.items():
        bare = copy.copy(program)
        bare._example_inputs, bare._range_constraints = None, live_ranges(program)
        bare._state_dict = {
            key: NOTHING if isinstance(tensor, torch.nn.Parameter) else NOTHING.detach()
            for key, tensor in program.state_dict.items()
        }
        bare._constants = {key: NOTHING.detach() for key in program.constants}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.export.save(bare, directory / f"{name}.pt2")
        _read(name, directory)
    return {name: digest_bytes((directory / f"{name}.pt2").read_bytes()) for name in programs}


def load_programs(digests: Mapping[str, str], directory: Path) -> dict[str, ExportedProgram]:
    """Read programs that ``save_programs`` wrote, by their names.

    Raises:
        WorkloadError: One is not the file that was written.
    """
    for name, digest in digests.items():
        file = directory / f"{name}.pt2"
        found = digest_bytes(file.read_bytes()) if file.is_file() else "none, it is gone"
        if found != digest:
            raise WorkloadError(f"{file}: SHA-256 {found}, but {digest} was written; remove {directory}, and run again")
    weights = torch.load(directory / WEIGHTS, weights_only=True)
    programs = {}
    for name in digests:
        program = _read(name, directory)
        parameters = set(program.graph_signature.parameters)
        program._state_dict = {
            key: torch.nn.Parameter(tensor, requires_grad=False) if key in parameters else tensor
            for key, tensor in weights[name]["state"].items()
        }
        program._constants = dict(weights[name]["constants"])
        _drop_hints_of_expressions(program)
        programs[name] = program
    return programs


def _read(name: str, directory: Path) -> ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return load_saved(directory / f"{name}.pt2")
        except WorkloadError:
            raise
        except Exception as error:  # the format has many errors and no common one
            raise WorkloadError(
                f"the {name} program cannot be read back by torch.export.load: {type(error).__name__}: {error}"
            ) from error


def _drop_hints_of_expressions(program: ExportedProgram) -> None:
    """Keep hints of symbols only: torch's reader adds one for ``128*s27``, too, which Inductor rejects."""
    for node in program.graph.nodes:
        environment = getattr(getattr(node.meta.get("val"), "fake_mode", None), "shape_env", None)
        if environment is not None:
            hints = environment.backed_var_to_val
            for expression in [one for one in hints if not one.is_Symbol]:
                del hints[expression]
            return


def _weights(program: ExportedProgram) -> dict[str, dict[str, Any]]:
    constants = {name: tensor for name, tensor in program.constants.items() if isinstance(tensor, torch.Tensor)}
    state = {name: tensor.detach() for name, tensor in program.state_dict.items()}
    return {"state": state, "constants": {name: tensor.detach() for name, tensor in constants.items()}}
