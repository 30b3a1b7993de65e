"""What became of a compiler's own plain use on a model: a line of ``plain.jsonl``, beside the records of our trials."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError

from ablatrix.errors import RecordError
from ablatrix.records.part import Part, Seconds
from ablatrix.records.status import Status

PLAIN_NAME = "plain.jsonl"


class PlainUse(Part):
    """A compiler's own plain use on one model."""

    compiler: str = Field(description="Its name.")
    workload: str = Field(description="Name of the model.")
    program: str | None = Field(description="Digest of the prepared program that it was checked against; null: eager.")
    status: Status = Field(description="How it ended, as of a trial.")
    message: str | None = Field(default=None, description="Why, where that is not ok.")
    wall_s: Seconds = Field(description="Seconds from the start of its process to its answer.")


def read_plain_uses(path: Path) -> list[PlainUse]:
    """Return the lines of a file in order; none where there is no file. A torn last line, of a kill, is left out.

    Raises:
        RecordError: The file cannot be read, or a line is none of these.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n"):
            continue
        try:
            found.append(PlainUse.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            again = "remove the line to have it tried again"
            raise RecordError(f"{path}:{number}: {field}: {first['msg']}; {again}") from None
    return found


def append_plain_use(path: Path, found: PlainUse) -> None:
    """Write a line; a torn one before it, which says nothing, is cut off."""
    if path.exists() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        path.write_bytes(content[: content.rfind(b"\n") + 1])
    with path.open("a", encoding="utf-8") as stream:
        stream.write(found.model_dump_json() + "\n")


def latest(found: Iterable[PlainUse]) -> dict[str, PlainUse]:
    """Return the last line of each model, by its name."""
    return {one.workload: one for one in found}
