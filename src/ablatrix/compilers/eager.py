"""The reference: the program as PyTorch runs it eagerly. It compiles nothing and has no knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablatrix.canonical import digest_bytes
from ablatrix.compilers.adapter import BoundRun, CompileFacts, CompileRequest, Executable
from ablatrix.errors import UnsupportedError

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram


class EagerCompiler:
    """Runs ``program.exported`` as it is."""

    name = "eager"

    def preload(self) -> None:
        """Import torch."""
        import torch  # noqa: F401

    def versions(self) -> Mapping[str, str]:
        """Return torch's version."""
        import torch

        return {"torch": str(torch.__version__)}

    def set_threads(self, threads: int) -> None:
        """Set torch's threads."""
        import torch

        torch.set_num_threads(threads)

    def threads_in_force(self) -> Mapping[str, int]:
        """Read torch's threads back."""
        import torch

        return {"torch": torch.get_num_threads()}

    def compile(self, request: CompileRequest) -> Executable:
        """Make the module; nothing is built.

        Raises:
            UnsupportedError: An ONNX model was asked for on another device than the CPU.
        """
        exported = request.program.exported
        with request.clock.phase("load"):
            if request.device != "cpu":
                _move(exported, request.device)
            module = exported.module(check_guards=False)
        digest = digest_bytes(f"eager {request.program.facts.digest}".encode())
        return EagerExecutable(module, CompileFacts(artifact_digest=digest))


def _move(exported: ExportedProgram, device: str) -> None:
    """Move a program to a device, in place: it has no other use, since a process runs one trial."""
    from torch.export.passes import move_to_device_pass

    from ablatrix.workloads.onnx.operation import find_onnx

    if find_onnx(exported) is not None:
        raise UnsupportedError(f"an ONNX model runs eagerly in ONNX Runtime on the CPU, not on {device}")
    move_to_device_pass(exported, device)


class EagerExecutable:
    """The exported program's own module."""

    def __init__(self, module: Callable[..., Any], facts: CompileFacts) -> None:
        self.facts = facts
        self._module = module

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        """Bind inputs; nothing is copied."""
        return EagerRun(self._module, tuple(inputs))


class EagerRun:
    """One call of the module."""

    def __init__(self, module: Callable[..., Any], inputs: tuple[torch.Tensor, ...]) -> None:
        self._module = module
        self._inputs = inputs
        self._result: Any = None

    def run(self) -> None:
        """Call the module without recording gradients."""
        import torch

        with torch.no_grad():
            self._result = self._module(*self._inputs)

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Return the flat outputs of the last call."""
        import torch

        return tuple(leaf for leaf in torch.utils._pytree.tree_leaves(self._result) if isinstance(leaf, torch.Tensor))
