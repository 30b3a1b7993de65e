"""A user's own model, built: a function, a saved program, an ONNX file, or a model of transformers."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built
from ablatrix.workloads.entry import WorkloadEntry


def build_given(entry: WorkloadEntry, parameters: Mapping[str, Any]) -> Built:
    """Build the model of an entry that has an origin.

    Raises:
        WorkloadError: It cannot be built; the message has the user's own error with its file and line.
    """
    assert entry.origin is not None
    try:
        if entry.origin.kind == "saved":
            from ablatrix.workloads.given.saved import build_saved

            built = build_saved(Path(entry.builder))
        elif entry.origin.kind == "onnx":
            from ablatrix.workloads.given.onnx_file import build_onnx
            from ablatrix.workloads.inputs.files import known_values

            built = build_onnx(Path(entry.builder), parameters, known_values(entry.inputs))
        elif entry.origin.kind == "architecture":
            from ablatrix.workloads.given.architecture import build_architecture

            built = build_architecture(entry.builder, parameters)
        elif entry.origin.kind == "checkpoint":
            from ablatrix.workloads.given.checkpoint import build_checkpoint

            built = build_checkpoint(Path(entry.builder), parameters)
        else:
            from ablatrix.workloads.given.function import build_function

            built = build_function(entry.builder, parameters, entry.train)
    except WorkloadError as error:
        raise WorkloadError(f"workload '{entry.name}' ({entry.origin.source}): {error}") from error
    except Exception as error:
        raise WorkloadError(
            f"workload '{entry.name}' ({entry.origin.source}) cannot be built: {type(error).__name__}: {error}"
            f"{_location(error, entry.origin.file)}"
        ) from error
    named = set(entry.dynamic)
    if named - set(built.dynamic):
        raise WorkloadError(
            f"workload '{entry.name}': the study names dynamic dimensions {sorted(named)}, "
            f"but the model has: {', '.join(sorted(built.dynamic)) or 'none'}"
        )
    return built


def _location(error: Exception, file: str | None) -> str:
    """Return the line of the user's file that an error came from, as the end of a sentence."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if lines:
        return f" ({file}:{lines[-1]})"
    found = re.search(r"line (\d+)", str(error))
    return f" ({file}:{found[1]})" if file and found and isinstance(error, SyntaxError) else ""
