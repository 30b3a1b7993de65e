"""A built task as one file: a zip of the canonical wrapper and its kernels' shared libraries."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch._inductor.codecache import CppPythonBindingsCodeCache, CppWrapperCodeCache

from ablatrix.compilers.inductor.wrapper import COMPILER, CPP_CACHE

WRAPPER = "wrapper.py"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can hold

Call = Callable[[list[Any]], Any]


def pack(file: Path, source: str, libraries: Sequence[Path]) -> None:
    """Write the artifact."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(WRAPPER, EPOCH), source)
        for index, library in enumerate(libraries):
            archive.writestr(zipfile.ZipInfo(f"{index}.so", EPOCH), library.read_bytes())


def wrapper_of(file: Path) -> str:
    """Return the wrapper in an artifact."""
    with zipfile.ZipFile(file) as archive:
        return archive.read(WRAPPER).decode("utf-8")


def load(file: Path, work_dir: Path, key: str, changed: tuple[str, Mapping[str, Any]] | None = None) -> Call:
    """Return the wrapper's entry: it takes a list of tensors, which it empties.

    Args:
        file: The artifact.
        work_dir: Where the libraries are unpacked, into a directory of their own: writing into one that is mapped
            already would crash whoever runs it.
        key: The task's key, which names its modules in this process.
        changed: A wrapper in place of the stored one, with the names that it needs.
    """
    directory = Path(tempfile.mkdtemp(prefix="loaded-", dir=work_dir))
    with zipfile.ZipFile(file) as archive:
        archive.extractall(directory)
        count = len(archive.namelist()) - 1
    kernels = StoredKernels([directory / f"{index}.so" for index in range(count)], f"{key}_{directory.name}")
    source, further = changed or ((directory / WRAPPER).read_text(encoding="utf-8"), {})
    scope: dict[str, Any] = {"__name__": f"inductor_{key}", COMPILER: kernels, CPP_CACHE: kernels, **further}
    exec(compile(source, f"<inductor {key[:12]}>", "exec"), scope)
    call: Call = scope["call"]
    return call


class StoredKernels:
    """Replaces the wrapper's kernel compiler, and returns the stored kernels in the same order."""

    def __init__(self, libraries: Sequence[Path], name: str) -> None:
        self._libraries = iter(enumerate(libraries))
        self._name = name

    def cpp_pybinding(self, *_arguments: Any) -> Any:
        """Return the next kernel."""
        return self._next(CppPythonBindingsCodeCache)

    def load_pybinding(self, **_arguments: Any) -> Any:
        """Return the next (the only) C++ wrapper."""
        return self._next(CppWrapperCodeCache)

    def wait(self, _scope: Any) -> None:
        """Nothing is being compiled."""

    def _next(self, cache: Any) -> Any:
        index, library = next(self._libraries)
        module = cache._load_library_inner(str(library), f"{self._name}_{index}")
        return getattr(module, cache.entry_function)
