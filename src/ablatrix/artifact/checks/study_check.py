"""Are the study and the models of a bundle those that its records were made with?"""

from collections.abc import Callable, Set
from pathlib import Path

from ablatrix.artifact.contents import Manifest, Problem
from ablatrix.errors import AblatrixError
from ablatrix.records.names import STUDY_NAME
from ablatrix.regular_files import digest_regular, is_existing_file
from ablatrix.version import __version__

StudyDigest = Callable[[Path], str]
"""Returns the digest of a study file, and runs nothing of it; raises an `AblatrixError` where it is no study."""
SHOWN = 10  # of several digests
MODEL_FILES = (".py", ".pt2", ".onnx")


def check_study(
    directory: Path, digests: Set[str], manifest: Manifest, study_digest: StudyDigest
) -> tuple[list[Problem], list[str]]:
    """Compare the study file with the digest that the records have of it; return problems and notes.

    A manifest that was made again fits whatever study lies there; the records do not.

    Args:
        directory: The bundle.
        digests: Those that its records have of their study.
        manifest: The bundle's.
        study_digest: Reads the digest of a study file.
    """
    recorded = sorted(digests)
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
    named = ", ".join(digest[:16] for digest in recorded[:SHOWN])
    detail = (
        f"it is not the study that was run: its digest is {found[:16]}, the records are of "
        f"{named}; get the bundle again, or read it with the ablatrix in it"
    )
    return [Problem(STUDY_NAME, "changed", detail)], []


def check_models(directory: Path, recorded: Set[tuple[str, str]]) -> list[Problem]:
    """Compare the files of the user's own models with the digests that the records have of them.

    Args:
        directory: The bundle.
        recorded: Name of each file with its digest.
    """
    problems = []
    digests: dict[Path, str] = {}  # each file is read once, whatever records say of it
    for name, digest in sorted(recorded, key=str):
        file = (directory / name).resolve()
        if not name.endswith(MODEL_FILES) or not file.is_relative_to(directory.resolve()) or not is_existing_file(file):
            continue
        found = digests[file] = digests.get(file) or digest_regular(file)
        if found != digest:
            detail = f"it is not the model that was measured: SHA-256 {found[:16]}, in the records {str(digest)[:16]}"
            problems.append(Problem(name, "changed", detail))
    return problems
