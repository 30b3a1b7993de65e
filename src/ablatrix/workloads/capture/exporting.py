"""Export of a model, and where in it an export failed."""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch
from torch.export import ExportedProgram

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built

# Pattern in a message of export -> remedy. The first that matches is reported.
REMEDIES = (
    (
        r"data-dependent|GuardOnDataDependent|Could not guard|unbacked|u\d+\b|aten\._local_scalar_dense|\.item\(\)",
        "a branch or a size depends on a tensor's values: compute both sides and choose with torch.where, or give "
        "the bound with torch._check; a size that does not change can be a parameter",
    ),
    (
        r"Constraints violated|specialized|not equal|dynamic_shapes|ConstraintViolation|suggested fixes|Dim\(",
        "the model fixes that size: leave it out of the dynamic shapes, or give the bounds that the message names",
    ),
    (
        r"no attribute|unexpected keyword|missing \d+ required|takes \d+ positional|must be same size|shapes cannot be "
        r"multiplied|size mismatch|reduction dim|expected",
        "run the model once on the inputs without ablatrix: module(*inputs) must work",
    ),
    (
        r"FakeTensor|meta kernel|register_fake|numpy|NotImplementedError|no implementation|custom op",
        "the operation has no rule for shapes alone: register one with torch.library.register_fake, or leave the "
        "operation out of the model",
    ),
)
OTHERWISE = (
    "export the part that fails by itself with torch.export.export(module, inputs), and simplify it until it passes"
)


def export(name: str, built: Built, inputs: tuple[torch.Tensor, ...]) -> ExportedProgram:
    """Export a workload's model.

    Raises:
        WorkloadError: It cannot be exported; the message says the operation, the location in the model and in its
            source, the reason, and what to try.
    """
    try:
        with torch.no_grad():
            return torch.export.export(built.module, inputs, dynamic_shapes=_dynamic_shapes(built))
    except Exception as error:  # export has many errors and no common one
        own = _refusal(error)
        if own is not None:
            raise WorkloadError(f"workload '{name}': {own}") from error
        raise WorkloadError(_explain(name, built.module, error)) from error


def _refusal(error: BaseException | None) -> WorkloadError | None:
    """Return our own error that an export ended with, whatever torch put around it."""
    while error is not None and not isinstance(error, WorkloadError):
        error = error.__cause__ or error.__context__
    return error


def _dynamic_shapes(built: Built) -> Any:
    """Return the dynamic shapes as export wants them: of inputs that are one parameter, as one."""
    shapes = built.dynamic_shapes()
    kinds = [one.kind for one in inspect.signature(built.module.forward).parameters.values()]
    return (shapes,) if shapes is not None and kinds[:1] == [inspect.Parameter.VAR_POSITIONAL] else shapes


def _explain(name: str, module: torch.nn.Module, error: Exception) -> str:
    frames = list(_frames(error))
    operation = next((text for text in map(_operation, reversed(frames)) if text), None)
    location = _location(module, frames)
    text = str(error).strip()
    reason = _first_sentence(text)
    remedy = next(
        (what for pattern, what in REMEDIES if re.search(pattern, f"{type(error).__name__} {text}")), OTHERWISE
    )
    at = "".join((f" at {operation}" if operation else "", f" in {location}" if location else ""))
    return f"workload '{name}' cannot be exported{at}: {type(error).__name__}: {reason}; what to try: {remedy}"


def _frames(error: BaseException | None) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames of an error and of its causes, outermost first, innermost last."""
    if error is None:
        return
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    yield from _frames(error.__cause__ or (None if error.__suppress_context__ else error.__context__))


def _operation(frame: tuple[FrameType, int]) -> str | None:
    """Return the operation that a frame of torch's dispatch was about to run."""
    held = frame[0].f_locals.get("func")
    return str(held) if isinstance(held, torch._ops.OpOverload) else None


def _location(module: torch.nn.Module, frames: list[tuple[FrameType, int]]) -> str | None:
    """Return path and class of the innermost submodule that was running, and the last line of its own source."""
    paths = {id(part): path or "the model itself" for path, part in module.named_modules()}
    running = [(frame, line, frame.f_locals.get("self")) for frame, line in frames]
    inside = [(frame, line, holder) for frame, line, holder in running if id(holder) in paths]
    if not inside:
        return None
    holder: Any = inside[-1][2]
    torch_home = str(torch.__path__[0])
    own = [(frame, line) for frame, line, _ in inside if not frame.f_code.co_filename.startswith(torch_home)]
    if not own:
        return f"{paths[id(holder)]} ({type(holder).__name__})"
    file, line = own[-1][0].f_code.co_filename, own[-1][1]
    return f"{paths[id(holder)]} ({type(holder).__name__}, {file}:{line}: {linecache.getline(file, line).strip()})"


def _first_sentence(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "no message")
    return line[:300].rstrip(".:; ")
