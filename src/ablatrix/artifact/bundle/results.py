"""A copy of a run's results, without the names in them."""

import shutil
from pathlib import Path

from ablatrix.artifact.bundle.anonymity import Pseudonyms, hide_records
from ablatrix.errors import ArtifactError
from ablatrix.records.journal import read_records, record_line
from ablatrix.records.names import BUILDS_NAME, DESIGN_NAME, RECORDS_NAME, SAMPLES_NAME


def copy_results(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    """Copy records, design and raw samples into another directory, with the names in the records replaced.

    Raises:
        ArtifactError: The target contains something other than such a copy, or cannot be written.
    """
    try:
        _clear(target)
        records = hide_records(read_records(source / RECORDS_NAME), pseudonyms)
        with (target / RECORDS_NAME).open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(record_line(record) for record in records)
        shutil.copyfile(source / DESIGN_NAME, target / DESIGN_NAME)
        if (source / BUILDS_NAME).is_file():
            text = pseudonyms.hide((source / BUILDS_NAME).read_text(encoding="utf-8"))
            (target / BUILDS_NAME).write_text(text, encoding="utf-8")
        if (source / SAMPLES_NAME).is_dir():
            shutil.copytree(source / SAMPLES_NAME, target / SAMPLES_NAME)
    except OSError as error:
        raise ArtifactError(f"{target}: the results cannot be copied: {error.strerror}") from error


def _clear(target: Path) -> None:
    """Make the target an empty directory; an earlier artifact in it is replaced, anything else is refused."""
    if target.exists():
        there = {path.name for path in target.iterdir()}
        if there and RECORDS_NAME not in there:
            raise ArtifactError(f"{target}: contains something other than an artifact; choose another --out")
        shutil.rmtree(target)
    target.mkdir(parents=True)
