"""Criterion (d): a third party got the same key results."""

from collections import Counter
from pathlib import Path

from ablatrix.analysis.table import Tidy
from ablatrix.artifact.reproduction import ReproductionReport, read_report
from ablatrix.errors import ArtifactError
from ablatrix.verdict.model import Criterion, answered


def report_of_study(found: Tidy, path: Path) -> ReproductionReport:
    """Read a reproduction report of the study that the records are of.

    Raises:
        ArtifactError: The report cannot be read, or is of another study.
    """
    report = read_report(path)
    digests = found.trials["study_digest"].unique().to_list()
    if report.study_digest not in digests:
        raise ArtifactError(
            f"{path}: the reproduction report is of study {report.study_digest}, but the results are of "
            f"{', '.join(digests)}; give the report of this study"
        )
    return report


def reproduction_criterion(report: ReproductionReport | None) -> Criterion:
    """Return whether a reproduction confirms every claim; undecided without a report."""
    question = "runner and docs are there, and a third party gets the same key results"
    if report is None:
        why = "no reproduction report was given (--report); only a third party's run with runner and docs decides it"
        return answered("d", question, {"claims": 0}, [why], undecided=True)
    outcomes = Counter(claim.outcome for claim in report.claims)
    findings = [
        f"{claim.outcome.replace('_', ' ')}: {claim.name}" + (f" ({claim.detail})" if claim.detail else "")
        for claim in report.claims
        if claim.outcome != "reproduced"
    ]
    numbers = {
        "claims": len(report.claims),
        "reproduced": outcomes["reproduced"],
        "not_reproduced": outcomes["not_reproduced"],
        "undecided": outcomes["undecided"],
        "host": report.host,
    }
    undecided = bool(outcomes["undecided"]) and not outcomes["not_reproduced"]
    return answered("d", question, numbers, findings, undecided)
