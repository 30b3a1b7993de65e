"""The file of records behind a path: a file, a directory of results or of an artifact, or the zip of one."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from ablatrix.errors import RecordError
from ablatrix.records.archives import DAMAGES, open_archive
from ablatrix.records.names import CLAIMS_NAME, DESIGN_NAME, RECORDS_NAME, STUDY_NAME

BESIDE = (DESIGN_NAME, STUDY_NAME, CLAIMS_NAME)
"""What readers look for next to the records; taken out of a zip together with them."""
KINDS = f"a directory of results, a file of records ({RECORDS_NAME}), or an artifact (its directory or its zip)"
MAX_NAMED = 5
HEAD_BYTES = 4096


def find_records(path: str | Path, scratch: Callable[[], Path]) -> Path:
    """Return the file of records that a path leads to.

    Args:
        path: A file of records, a directory that contains ``results.jsonl`` (of a run, or of an artifact), or the zip
            of such a directory.
        scratch: Returns a new empty directory that lasts as long as the records are read. Asked for a zip only: the
            records are unpacked there, with the design, the study and the claims beside them.

    Raises:
        RecordError: There is nothing at the path, it leads to no records, or the zip cannot be unpacked.
    """
    path = Path(path)
    if path.is_dir():
        return _in_directory(path)
    if not path.exists():
        raise RecordError(f"{path}: there is no such file or directory; name {KINDS}")
    if not path.is_file():
        raise RecordError(f"{path}: not a regular file; name {KINDS}")
    if zipfile.is_zipfile(path):
        return _unpacked(path, scratch)
    _refuse_other_kinds(path)
    return path


def _in_directory(directory: Path) -> Path:
    file = directory / RECORDS_NAME
    if file.is_file():
        return file
    below = sorted(str(one.parent) for one in directory.glob(f"*/{RECORDS_NAME}"))
    if below:
        more = "" if len(below) <= MAX_NAMED else f" and {len(below) - MAX_NAMED} more"
        raise RecordError(
            f"{directory}: contains no {RECORDS_NAME}, but its folders do; name one of them: "
            f"{', '.join(below[:MAX_NAMED])}{more}"
        )
    if (directory / DESIGN_NAME).is_file():
        raise RecordError(
            f"{directory}: contains a {DESIGN_NAME} and no {RECORDS_NAME}: the run has not finished a trial yet; wait "
            "for its first record"
        )
    raise RecordError(f"{directory}: contains no {RECORDS_NAME}; name {KINDS}")


def _unpacked(source: Path, scratch: Callable[[], Path]) -> Path:
    """Write the records of a zip, and what belongs beside them, into a new directory; return the records."""
    try:
        with open_archive(source) as archive:
            members = {PurePosixPath(name): name for name in archive.namelist()}
            folder = _folder_of_records(source, list(members))
            target = scratch() / source.name
            target.mkdir(parents=True)
            for name in (RECORDS_NAME, *BESIDE):
                if folder / name in members:
                    with archive.open(members[folder / name]) as packed, (target / name).open("wb") as file:
                        shutil.copyfileobj(packed, file)
    except DAMAGES as error:
        raise RecordError(f"{source}: a zip that cannot be unpacked: {error}; get it again, or unpack it") from None
    return target / RECORDS_NAME


def _folder_of_records(source: Path, members: list[PurePosixPath]) -> PurePosixPath:
    """Return the folder of a zip that contains the records: the one nearest to the top."""
    found = sorted((member.parent for member in members if member.name == RECORDS_NAME), key=lambda one: len(one.parts))
    if not found:
        raise RecordError(f"{source}: a zip without {RECORDS_NAME}; name {KINDS}")
    top = [folder for folder in found if len(folder.parts) == len(found[0].parts)]
    if len(top) > 1:
        named = ", ".join(map(str, sorted(top)[:MAX_NAMED]))
        raise RecordError(f"{source}: a zip with {len(top)} files of records, in {named}; unpack it and name one")
    return top[0]


def _refuse_other_kinds(file: Path) -> None:
    """Refuse a file whose beginning shows that it is something other than JSON Lines."""
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise RecordError(f"{file}: records cannot be read: {error.strerror}; name {KINDS}") from error
    first = head.lstrip().split(b"\n", 1)[0].strip()
    if file.suffix in (".yaml", ".yml"):
        raise RecordError(f"{file}: a YAML file, not records; if it is a study, 'ablatrix run' makes records of it")
    if head and not first.startswith(b"{"):
        raise RecordError(f"{file}: not a file of records, which has a JSON object on each line; name {KINDS}")
    if first == b"{":
        raise RecordError(f"{file}: one JSON document over several lines, not a file of records; name {KINDS}")
