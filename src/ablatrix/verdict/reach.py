"""Is a study done? The four criteria, each with the numbers behind it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ablatrix.analysis.claims import Claims
from ablatrix.analysis.effects import notes_on_hosts
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.runs import Margins, find_stability, primary_matrices
from ablatrix.analysis.table import ordered_by_content, tidy
from ablatrix.paper.make import make_paper
from ablatrix.records.held import hold_all_records
from ablatrix.verdict.correctness import correctness_criterion
from ablatrix.verdict.matrix import matrix_criterion
from ablatrix.verdict.model import Verdict
from ablatrix.verdict.paper import Make, paper_criterion
from ablatrix.verdict.planned import compare_with_plan
from ablatrix.verdict.reproduction import report_of_study, reproduction_criterion


def reach_verdict(
    results: Sequence[str | Path],
    margins: Margins | None = None,
    design: Path | None = None,
    report: Path | None = None,
    claims: Claims | None = None,
    make: Make = make_paper,
) -> Verdict:
    """Return whether a study is done, and why not.

    Args:
        results: Files of records, directories of results, bundles' directories, or bundles' zips.
        margins: How wide the intervals over repeats may be; what is None is what the study promised.
        design: What was planned, for each of the files. None takes the ``design.json`` beside a file, if there is one.
        report: A reproduction report; None leaves (d) undecided.
        claims: What the study claims; None omits them from (b).
        make: How tables and figures are made.

    Raises:
        RecordError: A file cannot be read, or a line breaks the schema.
        AnalysisError: No finished trial in the results, or the same file twice.
        ArtifactError: The design or the report cannot be read, or the report is of another study.
    """
    named = hold_all_records(results)  # held while they are read: what a zip was unpacked to goes with it
    files = [one.path for one in named]
    found = tidy(files, keep_lines=True)
    # What can be wrong input comes before what takes time.
    reproduction = None if report is None else report_of_study(found, report)
    planned = compare_with_plan(found, ordered_by_content(files), design)
    findings = Findings(found)
    margins = margins or Margins()
    if margins.cold is None:
        margins = replace(margins, cold=planned.cold_effect_width)
    stability = find_stability(found.trials, margins, findings)
    matrices = primary_matrices(found.trials, findings)
    paper, omitted = paper_criterion(findings, claims, make)
    criteria = (
        matrix_criterion(found, planned, stability, matrices),
        paper,
        correctness_criterion(findings),
        reproduction_criterion(reproduction),
    )
    excluded = (f"{count} x {reason}" for reason, count in found.excluded.items())
    notes = [*found.notes, *notes_on_hosts(found.trials), *excluded, *omitted]
    if reproduction is not None and reproduction.host in found.trials["host"]:
        notes.append(f"the reproduction's host has the same name as the study's: {reproduction.host}")
    return Verdict(criteria, tuple(stability), tuple(matrices), tuple(notes))
