"""Writing a text file of the paper: the same bytes on every platform."""

from pathlib import Path


def write_text(path: Path, content: str) -> Path:
    """Write a text in UTF-8 with Unix line ends, creating its directory if needed, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")
    return path
