"""A copy of a run's results, without the names in them."""

import json
import shutil
from pathlib import Path

from ablatrix.artifact.bundle.anonymity import Pseudonyms, hide_records
from ablatrix.errors import ArtifactError
from ablatrix.records.journal import read_records, record_line
from ablatrix.records.kept_findings import FINDINGS, MOST_BYTES, finding_text, read_finding
from ablatrix.records.names import BUILDS_NAME, DESIGN_NAME, RECORDS_NAME, SAMPLES_NAME
from ablatrix.regular_files import read_regular


def copy_results(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    """Copy records, design, raw samples and findings into another directory, with the names in them replaced.

    Raises:
        ArtifactError: The target contains something other than such a copy, or cannot be written.
        RecordError: A finding is none.
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
        _copy_findings(source / FINDINGS, target / FINDINGS, pseudonyms)
    except OSError as error:
        raise ArtifactError(f"{target}: the results cannot be copied: {error.strerror}") from error


def _copy_findings(source: Path, target: Path, pseudonyms: Pseudonyms) -> None:
    for path in sorted(source.glob("*.json")):
        held = json.loads(finding_text(read_finding(read_regular(path, MOST_BYTES))))
        hidden = read_finding(json.dumps(pseudonyms.hide_value(held)).encode())
        target.mkdir(exist_ok=True)
        (target / path.name).write_text(finding_text(hidden), encoding="utf-8")


def _clear(target: Path) -> None:
    """Make the target an empty directory; an earlier artifact in it is replaced, anything else is refused."""
    if target.exists():
        there = {path.name for path in target.iterdir()}
        if there and RECORDS_NAME not in there:
            raise ArtifactError(f"{target}: contains something other than an artifact; choose another --out")
        shutil.rmtree(target)
    target.mkdir(parents=True)
