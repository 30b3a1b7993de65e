"""Where the records are that somebody names: in a file, a directory of results, a bundle, or a bundle's zip."""

import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from ablatrix.errors import RecordError
from ablatrix.records.names import CLAIMS_NAME, DESIGN_NAME, RECORDS_NAME, STUDY_NAME

UNPACKED = (RECORDS_NAME, DESIGN_NAME, CLAIMS_NAME, STUDY_NAME)
"""What is unpacked of a zip: the records, and what is read beside them."""
ZIP_BEGINNING = b"PK\x03\x04"
WANTED = f"name a {RECORDS_NAME}, a directory that contains one, or a bundle (directory or zip)"


@dataclass(frozen=True)
class RecordsFile:
    """A file of records, with what lies beside it.

    Attributes:
        path: The file.
        given: What was named.
        unpacked: Where the file was unpacked to, if a zip was named; that directory is removed when this value is
            no longer held.
    """

    path: Path
    given: Path
    unpacked: "TemporaryDirectory[str] | None" = None


def find_records(given: str | Path) -> RecordsFile:
    """Return the file of records that a path means.

    Args:
        given: A file of records, a directory of results, a bundle's directory, or a bundle's zip.

    Raises:
        RecordError: It is none of these, cannot be read, or is a zip with the records of several runs.
    """
    path = Path(given)
    if path.is_dir():
        return RecordsFile(_in_directory(path), path)
    if not path.is_file():
        raise RecordError(f"{path}: records cannot be read: there is no such file; {WANTED}")
    if path.suffix in {".yaml", ".yml"}:
        raise RecordError(
            f"{path}: a study or another YAML file, which holds no records; run the study (ablatrix run {path} --out "
            "DIRECTORY) and name that directory"
        )
    return _in_zip(path) if _is_zip(path) else RecordsFile(path, path)


def find_all_records(given: Sequence[str | Path]) -> list[RecordsFile]:
    """Return the file of records that each path means; see `find_records`."""
    return [find_records(path) for path in given]


def _in_directory(directory: Path) -> Path:
    path = directory / RECORDS_NAME
    if path.is_file():
        return path
    below = sorted(str(one.parent) for one in directory.glob(f"*/{RECORDS_NAME}"))
    found = f"; these directories in it have one: {', '.join(below[:5])}" if below else f"; {WANTED}"
    raise RecordError(f"{directory}: there is no such file as {RECORDS_NAME} in this directory{found}")


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.suffix == ".zip" or file.read(len(ZIP_BEGINNING)) == ZIP_BEGINNING
    except OSError as error:
        raise RecordError(f"{path}: records cannot be read: {error.strerror}") from error


def _in_zip(source: Path) -> RecordsFile:
    unpacked: TemporaryDirectory[str] = TemporaryDirectory(prefix="ablatrix-", ignore_cleanup_errors=True)
    target = Path(unpacked.name, source.stem)  # messages about what is in it show the zip's name
    target.mkdir()
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.namelist()
            folder = _folder_of_records(source, members)
            for name in UNPACKED:
                member = str(folder / name)
                if member in members:
                    with archive.open(member) as packed, (target / name).open("wb") as plain:
                        shutil.copyfileobj(packed, plain, 1 << 20)
    except RecordError:
        unpacked.cleanup()
        raise
    except Exception as error:  # the library raises a dozen types on what is damaged
        unpacked.cleanup()
        raise RecordError(f"{source}: not a zip that can be unpacked: {error}; make it again, or {WANTED}") from error
    return RecordsFile(target / RECORDS_NAME, source, unpacked)


def _folder_of_records(source: Path, names: Sequence[str]) -> PurePosixPath:
    """Return the folder of a zip in which the records are: the outermost, as a bundle can contain another."""
    paths = [PurePosixPath(name) for name in names]
    folders = sorted((path.parent for path in paths if path.name == RECORDS_NAME), key=lambda one: len(one.parts))
    if not folders:
        raise RecordError(f"{source}: there is no {RECORDS_NAME} in this zip, so it is no bundle; {WANTED}")
    outermost = [str(one) for one in folders if len(one.parts) == len(folders[0].parts)]
    if len(outermost) > 1:
        raise RecordError(
            f"{source}: this zip has the records of several runs ({', '.join(outermost[:5])}); unpack it, and name one"
        )
    return folders[0]
