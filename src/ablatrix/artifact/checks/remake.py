"""Make everything that follows from the records again, and compare it with what an artifact contains."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ablatrix.artifact.checks.difference import RELATIVE_TOLERANCE, describe_difference
from ablatrix.artifact.contents import PAGE_NAME, Problem, Reading, list_files, role_of
from ablatrix.errors import AblatrixError
from ablatrix.records.names import RECORDS_NAME, TEMPLATE_NAME
from ablatrix.records.origin import installed_version
from ablatrix.regular_files import open_regular

_log = logging.getLogger(__name__)

DERIVED_ROLES = frozenset({"table", "figure", "text", "provenance", "page"})
DECIDING_PACKAGES = (
    "ablatrix",
    "altair",
    "great-tables",
    "matplotlib",
    "numpy",
    "polars",
    "scipy",
    "vl-convert-python",
)
"""Packages whose version can change a byte of a table, a figure or the page."""

PICTURES = (".pdf", ".png", ".svg", ".html")

Derive = Callable[[Reading, Path], None]


def derive(reading: Reading, out: Path, template: Path | None = None) -> None:
    """Make tables, figures and text from an artifact's records.

    Args:
        reading: The records and the claims about them.
        out: Directory to write into; it may be the artifact's own.
        template: The paper's template; None takes the artifact's own when writing elsewhere, if it has one, else the
            shipped one.
    """
    from ablatrix.page.write import write_page
    from ablatrix.paper.make import make_paper
    from ablatrix.plotting.tabulate import tabulate  # polars and matplotlib load here

    own_template = reading.directory / TEMPLATE_NAME
    if template is None and own_template.exists() and reading.directory != out:
        template = own_template
    checked = None if reading.claims is None else reading.checked
    tabulate(reading.findings.found, out)
    make_paper(reading.findings, template, out / "paper", claims=checked)
    write_page(reading.findings, checked or (), out / PAGE_NAME, [reading.records], kept=reading.kept)


def derive_anew(reading: Reading, template: Path | None = None) -> None:
    """Make everything that follows from an artifact's records anew in the artifact, and delete what was there."""
    artifact = reading.directory
    for path in list_files(artifact)[0]:
        if role_of(path) in DERIVED_ROLES:
            (artifact / path).unlink()
    derive(reading, artifact, template)


def check_derived(
    reading: Reading, versions: Mapping[str, str], derive: Derive = derive
) -> tuple[list[Problem], list[str]]:
    """Compare every table, figure and text with one made anew from the records.

    With the package versions that the artifact was made with, every byte must be the same. With others, a
    number in a CSV file may differ by `RELATIVE_TOLERANCE`, and images are compared by the manifest only.

    Args:
        reading: The artifact.
        versions: Package versions in its manifest.
        derive: Makes the files: takes the reading and an empty directory.

    Returns:
        The problems, and notes on what could not be compared.
    """
    others = [
        f"{package} {versions.get(package)} there, {installed_version(package)} here"
        for package in DECIDING_PACKAGES
        if versions.get(package) != installed_version(package)
    ]
    with tempfile.TemporaryDirectory(prefix="ablatrix-verify-") as scratch:
        try:
            derive(reading, Path(scratch))
        except AblatrixError as error:
            return [Problem(RECORDS_NAME, "invalid", f"tables cannot be made from these records: {error}")], []
        except (ArithmeticError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
            # Of records that nobody measured, some pass every rule and still make no table. That is a finding on them,
            # as nobody could have made the files beside them.
            _log.debug("tables cannot be made", exc_info=True)
            detail = f"tables cannot be made from these records: {type(error).__name__}: {error}"
            return [Problem(RECORDS_NAME, "invalid", detail)], []
        problems = _compare(reading.directory, Path(scratch), bool(others))
    if not others:
        return problems, []
    note = (
        f"other package versions than the artifact was made with ({'; '.join(others)}): numbers in CSV files "
        f"were compared to {RELATIVE_TOLERANCE:g}, images by the manifest only; install the versions of "
        f"requirements.lock to compare every byte"
    )
    return problems, [note]


def _compare(directory: Path, made: Path, other_versions: bool) -> list[Problem]:
    problems = []
    wanted = set(list_files(made)[0])
    held = {path for path in list_files(directory)[0] if role_of(path) in DERIVED_ROLES}
    for path in sorted(held - wanted):
        problems.append(Problem(path, "extra", "the records do not give this file"))
    for path in sorted(wanted):
        if not (directory / path).is_file():
            problems.append(Problem(path, "missing", "the records give this file"))
            continue
        if other_versions and path.endswith(PICTURES):
            continue
        tolerance = RELATIVE_TOLERANCE if other_versions else 0.0
        try:
            with (made / path).open("rb") as right, open_regular(directory / path) as found:
                difference = describe_difference(path, found, right, tolerance)
        except OSError:
            continue  # the comparison with the manifest has reported it
        if difference is not None:
            problems.append(Problem(path, "differs", difference))
    return problems
