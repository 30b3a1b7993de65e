"""Are the study and the models of a bundle those that its records were made with?"""

from collections.abc import Callable, Iterable
from pathlib import Path

from ablatrix.artifact.contents import Manifest, Problem
from ablatrix.errors import AblatrixError
from ablatrix.records.model import Record
from ablatrix.records.names import STUDY_NAME
from ablatrix.regular_files import digest_regular, is_existing_file
from ablatrix.version import __version__

StudyDigest = Callable[[Path], str]
"""Returns the digest of a study file, and runs nothing of it; raises an `AblatrixError` where it is no study."""
MODEL_FILES = (".py", ".pt2", ".onnx")


def check_study(
    directory: Path, records: Iterable[Record], manifest: Manifest, study_digest: StudyDigest
) -> tuple[list[Problem], list[str]]:
    """Compare the study file with the digest that the records have of it; return problems and notes.

    A manifest that was made again fits whatever study lies there; the records do not.
    """
    recorded = sorted({record.study_digest for record in records})
    if not recorded or not (directory / STUDY_NAME).is_file():
        return [], []  # reported by who compares records and files with the manifest
    try:
        found = study_digest(directory / STUDY_NAME)
    except AblatrixError as error:
        version = manifest.versions.get("ablatrix")
        if version == __version__:
            return [Problem(STUDY_NAME, "invalid", f"it is no study: {str(error).splitlines()[0]}")], []
        return [], [f"{STUDY_NAME}, written for ablatrix {version}, cannot be read here, so it was not compared"]
    if [found] == recorded:
        return [], []
    detail = (
        f"it is not the study that was run: its digest is {found[:16]}, the records are of "
        f"{', '.join(digest[:16] for digest in recorded)}; get the bundle again, or read it with the ablatrix in it"
    )
    return [Problem(STUDY_NAME, "changed", detail)], []


def check_models(directory: Path, records: Iterable[Record]) -> list[Problem]:
    """Compare the files of the user's own models with the digests that the records have of them."""
    recorded = {
        (record.workload.source.partition("?")[0].partition(":")[0], record.workload.source_digest)
        for record in records
        if record.workload.source is not None and record.workload.source_digest is not None
    }
    problems = []
    for name, digest in sorted(recorded, key=str):
        file = (directory / name).resolve()
        if not name.endswith(MODEL_FILES) or not file.is_relative_to(directory.resolve()) or not is_existing_file(file):
            continue
        found = digest_regular(file)
        if found != digest:
            detail = f"it is not the model that was measured: SHA-256 {found[:16]}, in the records {str(digest)[:16]}"
            problems.append(Problem(name, "changed", detail))
    return problems
