"""What libraries write to a standard stream, also from C, as the text of a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STDOUT, STDERR = 1, 2


@contextmanager
def written_to(file: Path, descriptor: int) -> Iterator[None]:
    """Inside the block, append to a file whatever this process writes to one of its standard streams."""
    before, target = os.dup(descriptor), os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(target, descriptor)
    os.close(target)
    try:
        yield
    finally:
        os.dup2(before, descriptor)
        os.close(before)
