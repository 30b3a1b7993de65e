"""What is given in place of a study file by mistake, recognised before it is parsed: a directory, a zip, records."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablatrix.errors import StudyError
from ablatrix.records.names import RECORDS_NAME, STUDY_NAME
from ablatrix.regular_files import open_regular

PARTS = ("workloads", "compilers", "stages")
"""Keys of which a study has at least one, even a study with faults."""
MAX_NAMED = 5
HEAD_BYTES = 4096


def refuse_other_kinds(file: Path) -> None:
    """Refuse what is no study file by its kind; a file that cannot be read is left to the parser.

    Raises:
        StudyError: It is a directory, a zip, or a file of records.
    """
    if file.is_dir():
        raise StudyError(f"{file}: a directory, not a study file (YAML); {_inside(file)}")
    try:
        with open_regular(file) as stream:
            head = stream.read(HEAD_BYTES).lstrip()
    except OSError:
        return
    if zipfile.is_zipfile(file):
        raise StudyError(
            f"{file}: a zip, not a study file (YAML); unpack it and name the {STUDY_NAME} in it, or, if it is an "
            "artifact, run its study with 'ablatrix reproduce'"
        )
    if head.startswith(b"{") and b'"record_id"' in head:
        beside = file.with_name(STUDY_NAME)
        remedy = f"the study beside it is {beside}" if beside.is_file() else "name the study that they were made with"
        raise StudyError(f"{file}: records, not a study file (YAML); {remedy}")


def refuse_other_documents(file: Path, data: Mapping[Any, Any]) -> None:
    """Refuse a document that has nothing of a study, such as a file of claims or a template.

    Raises:
        StudyError: It has none of the keys of which each study has some.
    """
    if data and not any(part in data for part in PARTS):
        keys = ", ".join(list(map(str, data))[:MAX_NAMED])
        more = ", ..." if len(data) > MAX_NAMED else ""
        raise StudyError(
            f"{file}:1: not a study: it has none of the keys {', '.join(PARTS)}, but {keys}{more}; name a study file, "
            "such as one that 'ablatrix init' writes"
        )


def _inside(directory: Path) -> str:
    if (directory / STUDY_NAME).is_file():
        return f"the study in it is {directory / STUDY_NAME}"
    if (directory / RECORDS_NAME).is_file():
        return "it contains results; name the study that they were made with"
    found = sorted(str(one) for pattern in ("*.yaml", "*.yml") for one in directory.glob(pattern))[:MAX_NAMED]
    return f"it contains {', '.join(found)}" if found else "name a file in it"
