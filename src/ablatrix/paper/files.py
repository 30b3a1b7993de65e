"""Writing a text file of the paper: the same bytes on every platform."""

from pathlib import Path

from ablatrix.paper.markup import for_any_engine


def write_text(path: Path, content: str) -> Path:
    """Write a text in UTF-8 with Unix line ends, creating its directory if needed, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")
    return path


def write_latex(path: Path, content: str, language: str) -> Path:
    """Write LaTeX as `write_text` does; in English it compiles with any engine, Chinese needs XeLaTeX."""
    return write_text(path, content if language == "zh" else for_any_engine(content))
