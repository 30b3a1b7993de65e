"""The files beside an ONNX file that belong to it: weights that it keeps elsewhere, and inputs with their outputs.

Found without ``onnx``, since a study is read without any framework.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

DATA_SETS = "test_data_set_*"
# Field external_data of a TensorProto: an entry of two texts, "location" and the path, each with its length before it.
_LOCATION = re.compile(rb"\x6a[\x0c-\x7f]\x0a\x08location\x12([\x01-\x7f])")


def find_parts(path: Path, content: bytes) -> list[str]:
    """Return the files that belong to an ONNX file, relative to its directory, sorted.

    Args:
        path: The file.
        content: What it holds.
    """
    data = [one for folder in data_sets(path) for one in folder.glob("*.pb")]
    return sorted({*_locations(content), *(one.relative_to(path.parent).as_posix() for one in data)})


def data_sets(path: Path) -> list[Path]:
    """Return the directories beside an ONNX file with inputs and the outputs that are stated for them, in order."""
    found = [one for one in path.parent.glob(DATA_SETS) if one.is_dir()]
    return sorted(found, key=lambda one: (len(one.name), one.name))


def _locations(content: bytes) -> Iterator[str]:
    for match in _LOCATION.finditer(content):
        text = content[match.end() : match.end() + match[1][0]]
        try:
            location = PurePosixPath(text.decode())
        except UnicodeDecodeError:
            continue
        yield location.as_posix()
