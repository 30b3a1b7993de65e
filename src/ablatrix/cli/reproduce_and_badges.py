"""Commands for a third party who has an artifact: ``reproduce``, ``badges``."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.options import Quiet
from ablatrix.cli.trust import Trusted, trust_of

if TYPE_CHECKING:
    from ablatrix.analysis.claims import Claims
    from ablatrix.analysis.table import Tidy
    from ablatrix.artifact.reproduction import ReproductionReport
    from ablatrix.study.model import Study

Bundle = Annotated[
    Path, typer.Argument(help="Directory of an artifact, or its zip.", metavar="BUNDLE", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "reproduce", reproduce_command)
    add(app, "badges", badges_command)


def reproduce_command(
    bundle: Bundle,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Directory for the new run and the report.",
            show_default="reproduction-NAME, by the name of the study",
        ),
    ] = None,
    study: Annotated[
        str,
        typer.Option("--study", help="full: the study of the artifact; tiny: the small study in its folder tiny/."),
    ] = "full",
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            help="Finished run to judge instead of running the study: a file of records, or a directory that contains "
            "results.jsonl.",
            show_default="run the study",
        ),
    ] = None,
    quiet: Quiet = False,
    trust: Trusted = False,
) -> None:
    """Run the study of an artifact again and report for each claim whether it is reproduced; exit 1 unless all are."""
    from ablatrix.analysis.claims import load_claims
    from ablatrix.analysis.table import tidy
    from ablatrix.artifact.reproduction import report_reproduction
    from ablatrix.cli.inputs import record_files
    from ablatrix.errors import ArtifactError
    from ablatrix.records.names import RECORDS_NAME, STUDY_NAME
    from ablatrix.study.load import read_study

    if study not in ("full", "tiny"):
        raise ArtifactError(f"--study {study}: there are full, tiny")
    if bundle.is_dir() and (out or Path("new")).resolve().is_relative_to(bundle.resolve()):
        raise ArtifactError(
            f"{out or 'the new run'}: would be inside the artifact, which must not change; choose another --out"
        )
    with opened(bundle) as directory:
        root_digest = _verified(directory, bundle)
        folder = directory / "tiny" if study == "tiny" else directory
        claims = load_claims(_claims_of(folder, bundle))
        said = read_study(folder / STUDY_NAME)
        before = folder / RECORDS_NAME
        recorded = tidy([before]) if before.is_file() else None
        out = Path(f"reproduction-{said.name}") if out is None else out
        if recorded is not None:
            _same_study(said, recorded)  # before anything that it names is looked at
        run = _run(folder / STUDY_NAME, out, quiet, trust) if results is None else results
        with record_files([run]) as (given,):
            here = tidy([given])
        _same_study(said, here)
        report = report_reproduction(here, claims, recorded, root_digest if study == "full" else None)
        _write(report, claims, out)
    if not report.reproduced:
        raise typer.Exit(1)


def _claims_of(folder: Path, bundle: Path) -> Path:
    from ablatrix.errors import ArtifactError
    from ablatrix.records.names import CLAIMS_NAME, STUDY_NAME

    if not (folder / CLAIMS_NAME).is_file():
        raise ArtifactError(
            f"{bundle}: makes no claims, so there is nothing to judge; in its folder run its study with 'ablatrix "
            f"run {STUDY_NAME} --out OUT', and compare the results with 'ablatrix compare . OUT'"
        )
    return folder / CLAIMS_NAME


@contextmanager
def opened(bundle: Path) -> Iterator[Path]:
    """Yield the directory of an artifact; a zip is unpacked into a temporary one.

    Raises:
        ArtifactError: There is no such directory or file, or it is not an archive of an artifact.
    """
    from ablatrix.artifact.contents import unpack_archive
    from ablatrix.errors import ArtifactError

    if bundle.is_dir():
        yield bundle
        return
    if not bundle.is_file():
        raise ArtifactError(f"{bundle}: there is no such artifact; give its directory, or its zip")
    with tempfile.TemporaryDirectory(prefix="ablatrix-bundle-") as scratch:
        try:
            directory = unpack_archive(bundle, Path(scratch))
        except ArtifactError as error:
            raise ArtifactError(f"{bundle}: {error}") from None
        yield directory


def _verified(directory: Path, bundle: Path) -> str | None:
    from ablatrix.artifact.bundle import examine, refuse_plain_results
    from ablatrix.errors import ArtifactError
    from ablatrix.foreign_text import escaped
    from ablatrix.study.load import read_study_digest

    refuse_plain_results(directory)
    print(f"verifying {bundle}", file=sys.stderr)
    found = examine(directory, study_digest=read_study_digest)
    for note in found.notes:
        print(f"note: {escaped(note)}", file=sys.stderr)
    if found.problems:
        problems = "\n".join(escaped(str(one)) for one in found.problems)
        raise ArtifactError(f"{bundle}: is not as it was recorded, so there is nothing to reproduce:\n{problems}")
    return found.root_digest


def _same_study(study: Study, found: Tidy) -> None:
    """Refuse records of a study other than the one this version of ablatrix reads from the file, before running it."""
    from ablatrix.errors import ArtifactError
    from ablatrix.version import __version__

    digests = sorted(map(str, found.trials["study_digest"].unique().to_list()))
    if digests != [study.digest]:
        raise ArtifactError(
            f"'{study.name}' has the digest {study.digest[:12]} in ablatrix {__version__}, but the records are of "
            f"study {', '.join(digest[:12] for digest in digests)}; use records of this study, and the version of "
            "ablatrix in the artifact"
        )


def _run(path: Path, out: Path, quiet: bool, trust: bool) -> Path:
    from ablatrix.cli.artifact import checked_environment
    from ablatrix.cli.run import end_run, run_study
    from ablatrix.records.names import BUILDS_NAME
    from ablatrix.study.load import load_study

    resolved = load_study(path, trust=trust_of(trust))
    checked_environment(resolved, out)
    summary = run_study(resolved, path, out, [], quiet, locks=path.with_name(BUILDS_NAME))
    if summary.signal is not None or not summary.complete:
        end_run(summary)
    return summary.results


def _write(report: ReproductionReport, claims: Claims, out: Path) -> None:
    """Write the report in three formats, and print the outcome of each claim."""
    from ablatrix.artifact.reproduction import (
        REPORT_NAME,
        WORDS,
        count_outcomes,
        report_html,
        report_markdown,
        report_text,
    )
    from ablatrix.cli.tables import print_table
    from ablatrix.foreign_text import escaped
    from ablatrix.paper.files import write_text

    rows = [
        [
            *(claim.id or "", WORDS[claim.outcome], claim.name, claim.wanted or ""),
            *("" if one is None else one.text() for one in (claim.recorded, claim.here)),
        ]
        for claim in report.claims
    ]
    print_table("Claims", ["claim", "outcome", "statement", "wanted", "recorded", "here"], rows)
    for claim in report.claims:
        if claim.outcome != "reproduced":
            print(escaped(f"{claim.id}: {WORDS[claim.outcome]}: {claim.detail}"))
    outcomes = ", ".join(f"{count} {WORDS[outcome]}" for outcome, count in count_outcomes(report.claims).items())
    print(f"{len(report.claims)} claims: {outcomes}")
    base = out / REPORT_NAME
    for suffix, text in (
        (".json", report_text(report)),
        (".md", report_markdown(report)),
        (".html", report_html(report, {claim.id: claim.bound for claim in claims.claims})),
    ):
        print(f"wrote {write_text(base.with_suffix(suffix), text)}", file=sys.stderr)


def badges_command(
    bundle: Bundle,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Reproduction report (JSON), as 'ablatrix reproduce' writes it.",
            show_default="none: counts as missing",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check an artifact against the requirements of each badge; exit 1 if any that can be checked is missing."""
    from ablatrix.artifact.bundle import examine
    from ablatrix.artifact.contents import read_artifact
    from ablatrix.artifact.reproduction import audit_badges, is_archived, missing, read_report
    from ablatrix.cli.tables import print_table
    from ablatrix.study.load import read_study_digest

    reproduction = None if report is None else read_report(report)
    with opened(bundle) as directory:
        reading = read_artifact(directory)
        examined = examine(directory, reading=reading, study_digest=read_study_digest)
        found = audit_badges(reading, examined, is_archived(bundle), reproduction)
    gone = missing(found)
    if as_json:
        print(json.dumps({"missing": len(gone), "requirements": [asdict(one) for one in found]}, indent=1))
    else:
        rows = [[one.badge, one.requirement, one.state, one.evidence] for one in found]
        print_table("Badges", ["badge", "requirement", "state", "evidence"], rows)
        people = sum(one.state == "people" for one in found)
        print(f"{len(found) - len(gone) - people} shown, {len(gone)} missing, {people} for people to judge")
    if gone:
        raise typer.Exit(1)
