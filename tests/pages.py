"""The code of a page of the documentation: whole files, as a reader would write them, and the commands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(?:python|yaml)\n(# (\S+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^    ablatrix (.*)$", re.MULTILINE)


def files_of(page: str) -> dict[str, str]:
    """Return the blocks of a page that begin with a comment that is a file's name, by that name."""
    return {name: text for text, name in BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))}


def write_files(page: str, directory: Path) -> list[Path]:
    """Write the files of a page."""
    written = []
    for name, text in files_of(page).items():
        (directory / name).write_text(text, encoding="utf-8")
        written.append(directory / name)
    return written


def commands_of(page: str) -> list[list[str]]:
    """Return the arguments of each command of a page."""
    return [shlex.split(line) for line in COMMAND.findall((DOCS / page).read_text(encoding="utf-8"))]
