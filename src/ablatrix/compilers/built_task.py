"""A task that was built: its key, its file, and its facts; and the digest of an adapter's own code."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ablatrix.canonical import digest_bytes, digest_value


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """Facts about one built task, stored beside the artifact so that a cache hit reports the same.

    Attributes:
        generated_calls, generated_kernels, planned_bytes, estimator, reasons: As in ``CompileFacts``, of this task.
        loading: Plain values that loading needs (for TVM: which outputs are written in place).
        code_digest: SHA-256 of the generated code, where the artifact holds more than code (paths, times) and its
            own digest would differ from build to build; None: the artifact's digest is the code's.
    """

    generated_calls: int | None = None
    generated_kernels: int | None = None
    planned_bytes: int | None = None
    estimator: dict[str, float] | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    loading: dict[str, Any] = field(default_factory=dict)
    code_digest: str | None = None


@dataclass(frozen=True, slots=True)
class BuiltTask:
    """A task's key in the cache, its artifact on disk, its code's digest, and the task's facts."""

    key: str
    file: Path
    digest: str
    facts: TaskFacts


@cache
def source_digest(directory: Path) -> str:
    """Return the SHA-256 of an adapter's modules, computed once so that it is that of the code that was loaded."""
    files = sorted(directory.glob("*.py"))
    return digest_value({file.name: digest_bytes(file.read_bytes()) for file in files})


@cache
def class_digest(adapter: type) -> str:
    """Return the SHA-256 of the code of a class and of all that it derives from, computed once as ``source_digest``.

    Of a class in a package the modules beside it count, too; of one in a file by itself only that file.
    """
    found: dict[str, str] = {}
    for kind in adapter.__mro__:
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if file is not None:
            path = Path(file)
            digest = (
                source_digest(path.parent) if getattr(module, "__package__", "") else digest_bytes(path.read_bytes())
            )
            found[f"{kind.__module__}.{kind.__qualname__}"] = digest
    return digest_value(found)
