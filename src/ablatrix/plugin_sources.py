"""The files of a plug-in: its own, and what it imports from beside it, found by reading them; nothing is imported."""

from __future__ import annotations

import ast
import errno
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ablatrix.canonical import digest_bytes, digest_value
from ablatrix.regular_files import MEBIBYTE, read_regular

LARGEST, MOST_FILES = MEBIBYTE // 2, 1000
"""Bytes of a file of code, and files of a plug-in. As a syntax tree code takes up to a thousand times its text."""


@dataclass(frozen=True, slots=True)
class PluginSource:
    """The files of a plug-in as they were when it was read.

    Attributes:
        file: The plug-in, absolute.
        digests: SHA-256 of each file, by its path from the plug-in's directory.
    """

    file: str
    digests: dict[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 of all files and their names; the same wherever the plug-in lies."""
        return digest_value(self.digests)

    @property
    def files(self) -> dict[str, Path]:
        """Absolute path of each file, by its path from the plug-in's directory."""
        return {name: Path(self.file).parent / name for name in self.digests}


def read_plugin_source(file: Path) -> PluginSource:
    """Return the files of a plug-in: itself, and each module beside it that one of them imports, anywhere in its code.

    Raises:
        OSError: A file cannot be read, is too large, or there are too many.
    """
    file = file.resolve()
    found: dict[str, str] = {}
    pending = [PurePosixPath(file.name)]
    while pending:
        name = pending.pop()
        if str(name) not in found:
            if len(found) == MOST_FILES:
                raise OSError(errno.E2BIG, f"it imports more than {MOST_FILES} files", str(file))
            content = read_regular(file.parent / name, LARGEST)
            found[str(name)] = digest_bytes(content)
            pending += _imported(content, name, file.parent)
    return PluginSource(str(file), dict(sorted(found.items())))


def imported_modules(content: bytes) -> set[str]:
    """Return the names of the modules that Python code imports, anywhere in it; none of code that is not valid."""
    return {module for module, level in _imports(content) if level == 0}


def _imported(content: bytes, name: PurePosixPath, root: Path) -> Iterator[PurePosixPath]:
    """Yield the files below ``root`` that a file there imports."""
    for module, level in _imports(content):
        package = PurePosixPath() if level == 0 else _package(name, level)
        if level == 0 and module.partition(".")[0] in sys.stdlib_module_names:
            continue
        parts = tuple(filter(None, module.split(".")))
        for length in range(len(parts) + 1):
            path = package.joinpath(*parts[:length])
            for candidate in (path.with_name(f"{path.name}.py") if path.name else None, path / "__init__.py"):
                if candidate is not None and (length or level) and (root / candidate).is_file():
                    yield candidate


def _package(name: PurePosixPath, level: int) -> PurePosixPath:
    """Return the directory that a relative import of a file starts from."""
    path = name.parent
    for _ in range(level - 1):
        path = path.parent
    return path


def _imports(content: bytes) -> Iterator[tuple[str, int]]:
    """Yield each module that code imports, and with how many dots; a name that is taken from it may be one, too."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.level
            for alias in node.names:
                yield f"{module}.{alias.name}" if module else alias.name, node.level
