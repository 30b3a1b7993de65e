"""Reading one YAML document into a validated model. YAML 1.2: ``on`` and ``off`` are words, not booleans."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from ablatrix.documents.faults import LineIndex, Location, describe_faults
from ablatrix.errors import AblatrixError
from ablatrix.regular_files import MEBIBYTE, read_regular

LARGEST = MEBIBYTE
"""Bytes of the largest document: thousands of lines."""
BREAKDOWNS = (AssertionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the parser, which others wrote, raises of itself on a few texts that are no YAML."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document(Generic[Model]):
    """A validated document that still knows its lines, for checks that come later."""

    path: Path
    value: Model
    lines: LineIndex

    def fault(self, location: Location, message: str) -> str:
        """Return a message with the file and the line of a location in front."""
        return f"{self.path}:{self.lines.line(location)}: {message}"


def load_document(path: Path, model: type[Model], error: type[AblatrixError]) -> Document[Model]:
    """Read a YAML file and validate it.

    Args:
        path: The file.
        model: Pydantic model that the whole document must fit.
        error: Class of the error to raise; it gets one argument for each fault.

    Raises:
        AblatrixError: (of the given class) The file cannot be read, is no YAML, or breaks the model's rules; all
            faults at once, each with its line.
    """
    data = parse_mapping(path, error)
    lines = LineIndex(data)
    try:
        return Document(path, model.model_validate(plain_value(data)), lines)
    except ValidationError as invalid:
        raise error(*describe_faults(path, lines, model, invalid)) from None


def parse_mapping(path: Path, error: type[AblatrixError]) -> dict[Any, Any]:
    """Parse a YAML 1.2 file whose document is a mapping, keeping line marks.

    Raises:
        AblatrixError: (of the given class) The file cannot be read, is no YAML, or is anything but a mapping.
    """
    data = parse_yaml(path, error)
    if not isinstance(data, dict):
        raise error(f"{path}:1: the document must be a mapping of keys to values, got {type(data).__name__}")
    return data


def parse_yaml(path: Path, error: type[AblatrixError]) -> Any:
    """Parse a YAML 1.2 file, keeping line marks.

    Raises:
        AblatrixError: (of the given class) The file cannot be read, is no YAML, or is out of the bounds of what people
            write.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    from ablatrix.documents.bounded_yaml import OutOfBoundsError, bounded_parser

    try:
        text = read_regular(path, LARGEST).decode()
    except (OSError, UnicodeDecodeError) as broken:
        reason = broken.strerror if isinstance(broken, OSError) else "it is not UTF-8 text"
        raise error(f"{path}: cannot be read: {reason}; give the path of a YAML file") from None
    try:
        return bounded_parser().load(text)
    except OutOfBoundsError as broken:
        where = f"{path}:{broken.problem_mark.line + 1}" if broken.problem_mark else str(path)
        raise error(f"{where}: not taken as YAML: {broken.problem}; write it out, or shorten it") from None
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = (broken.problem or str(broken)).splitlines()[0]
        raise error(f"{where}: not valid YAML: {problem}; check indentation, quotes and brackets") from None
    except YAMLError as broken:
        raise error(f"{path}: not valid YAML: {str(broken).splitlines()[0]}") from None
    except BREAKDOWNS as broken:
        said = str(broken).splitlines() or [type(broken).__name__]
        raise error(f"{path}: not valid YAML: its parser stops with '{said[0]}'") from None


def plain_value(node: Any) -> Any:
    """Return ruamel's containers and scalars as plain Python values."""
    if isinstance(node, dict):
        return {(plain_value(key) if isinstance(key, str) else key): plain_value(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain_value(item) for item in node]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node
