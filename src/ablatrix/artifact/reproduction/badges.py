"""What an artifact shows for each badge of the ACM, and what only people can judge.

After the ACM's policy "Artifact Review and Badging", version 1.1 (2020), in our words: *Available* (anybody can get it,
permanently), *Functional* (documented, consistent, complete, exercisable), *Reusable* (made well enough that others can
build on it), *Reproduced* (others got the main results with it). A committee decides; this reports what it will find.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ablatrix.artifact.bundle import Verification
from ablatrix.artifact.contents import PAGE_NAME, Reading
from ablatrix.artifact.documents import ASKED
from ablatrix.artifact.reproduction.reproduction import ReproductionReport, count_outcomes
from ablatrix.errors import AnalysisError, ArtifactError
from ablatrix.records.names import (
    CLAIMS_NAME,
    DESIGN_NAME,
    LOCK_NAME,
    RECORDS_NAME,
    STUDY_NAME,
    TEMPLATE_NAME,
)
from ablatrix.regular_files import MEBIBYTE, read_regular

Badge = Literal["Available", "Functional", "Reusable", "Reproduced"]
State = Literal["shown", "missing", "people"]
COMPLETE = (RECORDS_NAME, DESIGN_NAME, STUDY_NAME, CLAIMS_NAME, TEMPLATE_NAME, LOCK_NAME)
SECTIONS = {
    "README.md": ("tires|getting started", "full|evaluation", "claim"),
    "APPENDIX.md": (
        "abstract",
        "check-?list",
        "hardware",
        "software",
        "installation",
        "workflow",
        "expected result",
        "custom",
    ),
}
REUSE = {
    "the program's source": ("source/*", "src/*"),
    "template of tables and figures": (TEMPLATE_NAME,),
    "machine-readable metadata": ("ro-crate-metadata.json",),
    "the numbers behind each sentence": ("paper/provenance.json",),
    "the results as an HTML page": (PAGE_NAME,),
}


@dataclass(frozen=True)
class Requirement:
    """One thing that a badge asks for.

    Attributes:
        state: ``shown`` by the artifact; ``missing``; ``people``: only people can judge it.
        evidence: What was found, or what people have to judge.
    """

    badge: Badge
    requirement: str
    state: State
    evidence: str


def audit_badges(
    reading: Reading, verification: Verification, archived: bool, report: ReproductionReport | None = None
) -> list[Requirement]:
    """Return every requirement with what the artifact shows for it.

    Args:
        reading: The artifact.
        verification: What `examine` found in it.
        archived: Whether it exists as one file that can be put into an archive.
        report: A reproduction report of this artifact.

    Raises:
        ArtifactError: The report is of another study or another artifact.
    """
    directory = reading.directory
    if report is not None:
        _refuse_other(report, reading, verification)
    return [
        *_available(directory, verification, archived),
        *_functional(reading, verification),
        *_reusable(directory),
        *_reproduced(reading, report),
    ]


def _refuse_other(report: ReproductionReport, reading: Reading, verification: Verification) -> None:
    """Refuse a report that was not made from this artifact: what it reproduces would be counted for another."""
    digests = sorted(map(str, reading.findings.found.trials["study_digest"].unique().to_list()))
    if digests != [report.study_digest]:
        raise ArtifactError(
            f"the reproduction report is of study {report.study_digest[:12]}, but this artifact is of study "
            f"{', '.join(digest[:12] for digest in digests)}; give the report that 'ablatrix reproduce' made of it"
        )
    if report.root_digest not in (None, verification.root_digest):
        raise ArtifactError(
            f"the reproduction report is of the artifact with root digest {report.root_digest}, but this one has "
            f"{verification.root_digest}; give the report that 'ablatrix reproduce' made of it"
        )


def _available(directory: Path, verification: Verification, archived: bool) -> Iterator[Requirement]:
    licence = directory / "LICENSE"
    named = next((line.strip() for line in _lines(licence) if line.strip()), "")
    yield _one("Available", "a licence that lets others use it", bool(named), named or "no LICENSE")
    citation = _text(directory / "CITATION.cff")
    patterns = {"title": r"(?m)^title:", "authors": rf"(?m)^authors:(?!\n.*{ASKED})", "license": r"(?m)^license:"}
    lacking = [name for name, pattern in patterns.items() if not re.search(pattern, citation)]
    evidence = "CITATION.cff has title, authors, licence"
    if lacking:
        evidence = f"CITATION.cff lacks {', '.join(lacking)}: give them in 'about' of {STUDY_NAME}, and make it again"
    yield _one("Available", "it says how to cite it", not lacking, evidence)
    evidence = "one zip" if archived else "no zip: make one, or give the one next to the directory"
    yield _one("Available", "one file for an archive", archived, evidence)
    digest = verification.root_digest
    yield _one("Available", "an identity that cannot change", digest is not None, f"root digest {digest}")
    yield _people("Available", "kept permanently", "whether it is in a public archive (such as Zenodo) with a DOI")


def _functional(reading: Reading, verification: Verification) -> Iterator[Requirement]:
    directory = reading.directory
    for name, sections in SECTIONS.items():
        headings = "\n".join(line for line in _lines(directory / name) if line.startswith("#")).lower()
        lacking = [words.split("|")[0].replace("?", "") for words in sections if not re.search(words, headings)]
        fault = f"no {name}" if not headings else f"{name} has no section on: {', '.join(lacking)}"
        good = bool(headings) and not lacking
        yield _one("Functional", f"documented: {name}", good, f"{name} has all sections" if good else fault)
    problems = len(verification.problems)
    evidence = f"{verification.files} files and {verification.records} records hold, tables and text follow from them"
    yield _one(
        "Functional",
        "consistent: it verifies",
        not problems,
        evidence if not problems else f"{problems} problems (ablatrix verify)",
    )
    gone = [name for name in COMPLETE if not _filled(directory / name)]
    evidence = f"all {len(COMPLETE)} required files" if not gone else f"missing: {', '.join(gone)}"
    yield _one("Functional", "complete: everything that the results are made from", not gone, evidence)
    tiny = [name for name in ("tiny/study.yaml", "tiny/claims.yaml") if not _filled(directory / name)]
    evidence = "a tiny study with its own claims" if not tiny else f"missing: {', '.join(tiny)}"
    yield _one("Functional", "exercisable: something small to run first", not tiny, evidence)
    yield _claims(reading)
    yield _people("Functional", "exercisable here", "whether the first commands of README.md succeed on their machine")


def _claims(reading: Reading) -> Requirement:
    what = "its own records support its claims"
    if reading.claims is None:
        return _one("Functional", what, False, f"no {CLAIMS_NAME}")
    try:
        checked = reading.checked
    except (AnalysisError, OSError) as error:
        return _one("Functional", what, False, str(error).splitlines()[0])
    held = [one for one in checked if one.state == "holds"]
    open_ones = ", ".join(f"{one.claim.id} ({one.state})" for one in checked if one.state != "holds")
    evidence = f"{len(held)} of {len(checked)} hold" + (f"; not: {open_ones}" if open_ones else "")
    return _one("Functional", what, not open_ones, evidence)


def _reusable(directory: Path) -> Iterator[Requirement]:
    for what, patterns in REUSE.items():
        found = [path for pattern in patterns for path in sorted(directory.glob(pattern)) if _filled(path)]
        evidence = found[0].relative_to(directory).as_posix() if found else f"no file {' or '.join(patterns)}"
        yield _one("Reusable", what, bool(found), evidence)
    yield _people("Reusable", "others can build on it", "whether its structure and documents go well beyond running it")


def _reproduced(reading: Reading, report: ReproductionReport | None) -> Iterator[Requirement]:
    if report is None:
        evidence = "no reproduction report was given (--report); ablatrix reproduce writes one"
        yield _one("Reproduced", "every claim was reproduced", False, evidence)
    else:
        counts = count_outcomes(report.claims)
        evidence = f"{counts['reproduced']} of {len(report.claims)} claims reproduced, on {report.host}"
        yield _one("Reproduced", "every claim was reproduced", report.reproduced, evidence)
        hosts = sorted(map(str, reading.findings.found.trials["host"].unique().to_list()))
        evidence = f"recorded on {', '.join(hosts)}, reproduced on {report.host}"
        yield _one("Reproduced", "on another machine", report.host not in hosts, evidence)
    yield _people("Reproduced", "by others", "whether the people who ran it again are not those who wrote it")


def _one(badge: Badge, requirement: str, good: bool, evidence: str) -> Requirement:
    return Requirement(badge, requirement, "shown" if good else "missing", evidence)


def _people(badge: Badge, requirement: str, judged: str) -> Requirement:
    return Requirement(badge, requirement, "people", f"people judge {judged}")


def is_archived(given: Path) -> bool:
    """Return whether an artifact was given as a zip, or has one next to its directory."""
    return given.is_file() or given.resolve().with_name(given.resolve().name + ".zip").is_file()


def missing(found: Sequence[Requirement]) -> list[Requirement]:
    """Return the requirements that a program can check and that are missing."""
    return [one for one in found if one.state == "missing"]


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _text(path: Path) -> str:
    try:
        return read_regular(path, 16 * MEBIBYTE).decode()
    except (OSError, UnicodeDecodeError):
        return ""


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()
