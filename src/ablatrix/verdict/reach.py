"""Is a study done? The four criteria, each with the numbers behind it.

(a) at least three workloads over the whole matrix of the primary knobs, stable over repeats; (b) the paper's tables
and figures come out of the records, and they bear the study's claims; (c) no check is missing, all differences are
within tolerance, and nothing is claimed for a knob that did nothing; (d) an outsider got the same key results.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from ablatrix.analysis.claims import Claims, check_claims, unmet
from ablatrix.analysis.diagnosis import claimed_fault
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import mixed_origins, without_priming_runs
from ablatrix.analysis.reasons import text_of
from ablatrix.analysis.runs import MODES, Margins, PrimaryMatrix, Stability, find_stability, primary_matrices
from ablatrix.analysis.table import IS_OK, LINE, TIMED_OTHER, Tidy, count_planned, has_status, ordered_by_content, tidy
from ablatrix.artifact.contents import check_plan, read_design
from ablatrix.artifact.reproduction import ReproductionReport, read_report
from ablatrix.errors import AnalysisError, ArtifactError
from ablatrix.paper.make import Paper, make_paper
from ablatrix.paper.template.load import load_template
from ablatrix.records.names import DESIGN_NAME
from ablatrix.records.status import FAILURES, Status

MIN_WORKLOADS = 3
State = Literal["holds", "fails", "undecided"]
Make = Callable[[Findings, str | Path | None, str | Path], Paper]


@dataclass(frozen=True)
class Criterion:
    """One criterion.

    Attributes:
        letter: ``a`` to ``d``.
        question: What it asks.
        numbers: What the answer rests on, by name.
        findings: What does not hold, or why it is undecided; empty when it holds.
    """

    letter: str
    question: str
    state: State
    numbers: Mapping[str, Any]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """The answer to all four.

    Attributes:
        stability: What the repeats say, behind (a).
        matrices: Which part of the primary matrix is whole, behind (a).
        notes: What else the reader should know, such as sentences without data.
    """

    criteria: tuple[Criterion, ...]
    stability: tuple[Stability, ...]
    matrices: tuple[PrimaryMatrix, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the study is done."""
        return all(one.state == "holds" for one in self.criteria)


class _Line(NamedTuple):
    trial_id: str
    record_id: str
    cell_id: str
    block_id: str
    mode: str
    role: str
    study_digest: str
    schema_version: str
    final: bool


@dataclass(frozen=True)
class _Planned:
    """What became of the planned trials (nothing without a design), and where records and plan disagree."""

    became: Mapping[str, int]
    problems: tuple[str, ...]
    cold_effect_width: float | None


def reach_verdict(
    results: Sequence[Path],
    margins: Margins | None = None,
    design: Path | None = None,
    report: Path | None = None,
    claims: Claims | None = None,
    make: Make = make_paper,
) -> Verdict:
    """Return whether a study is done, and why not.

    Args:
        results: Files of records.
        margins: How wide the intervals over repeats may be; what is None is what the study promised.
        design: What was planned, for each of the files. None takes the ``design.json`` beside a file, if there is one.
        report: A reproduction report; None leaves (d) undecided.
        claims: What the study claims; None leaves them out of (b).
        make: How tables and figures are made.

    Raises:
        RecordError: A file cannot be read, or a line breaks the schema.
        AnalysisError: No finished trial in the results, or the same file twice.
        ArtifactError: The design or the report cannot be read, or the report is of another study.
    """
    found = tidy(results, keep_lines=True)
    findings = Findings(found)
    # What can be wrong input comes before what takes time.
    reproduction = None if report is None else _report_of(found, report)
    planned = _planned(found, ordered_by_content(results), design)
    margins = margins or Margins()
    if margins.cold is None:
        margins = replace(margins, cold=planned.cold_effect_width)
    stability, matrices = find_stability(found.trials, margins), primary_matrices(found.trials)
    left_out, paper = _paper(findings, claims, make)
    criteria = (
        _matrix(found, planned, stability, matrices),
        paper,
        _checks(findings),
        _outsider(reproduction),
    )
    notes = [*found.notes, *(f"{count} x {reason}" for reason, count in found.excluded.items()), *left_out]
    if reproduction is not None and reproduction.host in found.trials["host"]:
        notes.append(f"the reproduction's host has the same name as the study's: {reproduction.host}")
    return Verdict(criteria, tuple(stability), tuple(matrices), tuple(notes))


def _criterion(
    letter: str, question: str, numbers: Mapping[str, Any], findings: Sequence[str], undecided: bool = False
) -> Criterion:
    state: State = "undecided" if undecided else "fails" if findings else "holds"
    return Criterion(letter, question, state, numbers, tuple(findings))


def _matrix(
    found: Tidy,
    planned: _Planned,
    stability: Sequence[Stability],
    matrices: Sequence[PrimaryMatrix],
) -> Criterion:
    trials = without_priming_runs(found.trials)
    unsound = {(one.workload, one.compiler) for one in matrices if one.gaps}
    unsound |= {(one.workload, one.compiler) for one in stability if not one.holds}
    good = {one.workload for one in matrices if (one.workload, one.compiler) not in unsound}
    findings = []
    if len(good) < MIN_WORKLOADS:
        names = ", ".join(sorted(good)) or "none"
        findings.append(f"{len(good)} workloads are whole and stable ({names}), wanted at least {MIN_WORKLOADS}")
    findings += [
        f"{one.workload} on {one.compiler}, {one.mode}: {text_of(gap)}" for one in matrices for gap in one.gaps
    ]
    findings += [text_of(fault) for one in stability for fault in one.complaints()]
    findings += planned.problems
    lines = found.lines if found.lines is not None else found.trials
    versions = Counter(lines["schema_version"].to_list())
    if len(versions) > 1:
        told = ", ".join(f"{version} ({count} lines)" for version, count in sorted(versions.items()))
        findings.append(f"lines have several schema versions: {told}")
    mixed = {name: values for name, values in mixed_origins(found).items() if name != "schema_version"}
    findings += [f"origins are mixed: {name}: {', '.join(map(str, values))}" for name, values in mixed.items()]
    statuses = Counter(found.trials["status"].to_list())
    by_mode = {mode: [one for one in stability if one.mode == mode] for mode in MODES}
    numbers = {
        "workloads": trials["workload"].n_unique(),
        "workloads_whole_and_stable": len(good),
        "configurations_whole": sum(one.whole for one in matrices),
        "configurations": sum(one.configurations for one in matrices),
        "unsupported": [f"{one.workload}, {one.mode}: {name}" for one in matrices for name in one.unsupported],
        "fewest_blocks": {mode: min((one.blocks for one in of), default=0) for mode, of in by_mode.items()},
        "widest_effect": {mode: _widest(of) for mode, of in by_mode.items()},
        "margins": {mode: _margins(of) for mode, of in by_mode.items()},
        "planned": planned.became.get("planned"),
        "planned_not_run": planned.became.get("not_run"),
        "trials": len(found.trials),
        "ok": statuses[Status.OK],
        "failed": sum(statuses[name] for name in FAILURES),
        "by_status": dict(sorted(statuses.items())),
        "schema_versions": dict(sorted(versions.items())),
    }
    question = f"at least {MIN_WORKLOADS} workloads over the whole primary matrix, stable over repeats"
    return _criterion("a", question, numbers, findings)


def _widest(stability: Sequence[Stability]) -> float | None:
    widest = [held for one in stability if (held := one.widest("effect"))]
    return max((one.half_width for one in widest if one.half_width is not None), default=None)


def _margins(stability: Sequence[Stability]) -> dict[str, float]:
    """Return the widest interval that effects and cells were allowed, where they were judged."""
    judged = [one for held in stability for one in (*held.effects, *held.cells) if one.margin is not None]
    return {one.kind: max(other.margin or 0.0 for other in judged if other.kind == one.kind) for one in judged}


def _planned(found: Tidy, files: Sequence[Path], design: Path | None) -> _Planned:
    became: Counter[str] = Counter()
    problems, widths = [], []
    for run, path in enumerate(files):
        place = design or path.parent / DESIGN_NAME
        if design is None and not place.is_file():
            continue
        plan, faults = read_design(place.parent, place.name)
        if plan is None:
            raise ArtifactError(f"{place.parent}: {faults[0]}")
        counts = count_planned(found.trials.filter(pl.col("run") == run), plan)
        became.update({name: int(counts[name].sum()) for name in ("planned", "not_run")})
        rows = found.lines.filter(pl.col("run") == run) if found.lines is not None else pl.DataFrame()
        # The plan is held against the lines themselves, superseded ones included.
        lines = [_Line(*row) for row in rows.select(*LINE, "final").iter_rows()]
        problems += [f"{path}: {problem.detail}" for problem in check_plan(lines, plan)]
        widths.append(plan.get("cold_effect_width"))
    told = [width for width in widths if isinstance(width, int | float)]
    return _Planned(became, tuple(problems), min(told, default=None))


def _paper(findings: Findings, claims: Claims | None, make: Make) -> tuple[list[str], Criterion]:
    """Make the paper's parts in a directory that is thrown away, and hold the records against the claims."""
    template = load_template(None)
    wanted = [f"tables/table{table.number}.{kind}" for table in template.tables for kind in ("csv", "md", "tex")]
    wanted += [
        f"figures/fig{one.number}.{kind}" for one in template.figures for kind in ("pdf", "png", "svg", "csv", "tex")
    ]
    faults, left_out, made = [], [], 0
    with tempfile.TemporaryDirectory(prefix="ablatrix-verdict-") as scratch:
        try:
            paper = make(findings, None, scratch)
        except AnalysisError as error:
            faults.append(f"they cannot be made: {error}")
        else:
            absent = [name for name in wanted if not _filled(Path(scratch, name))]
            faults += [f"{name}: was not made" for name in absent]
            made = len(wanted) - len(absent)
            left_out = [f"left out of the text: {line}" for line in paper.left_out]
    checked = [] if claims is None else check_claims(findings, claims)
    faults += unmet(checked)
    numbers = {
        "claims": len(checked),
        "claims_that_hold": sum(one.state == "holds" for one in checked),
        "tables": len(template.tables),
        "figures": len(template.figures),
        "files_made": made,
        "files_wanted": len(wanted),
        "sentences_left_out": len(left_out),
    }
    question = "the paper's tables and figures come out" + ("" if claims is None else ", and its claims hold")
    return left_out, _criterion("b", question, numbers, faults)


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _checks(findings: Findings) -> Criterion:
    found, trials = findings.found, findings.trials
    ok = trials.filter(IS_OK)
    unchecked = ok.filter((pl.col("checked").fill_null(0) == 0) | pl.col("correct").is_null()).height
    missing = int(trials["missing"].sum())
    wrong = trials.filter((~pl.col("correct")) | has_status(Status.WRONG_OUTPUT))
    untold = ok.filter(
        (pl.col("mode") == "hot") & (pl.col("timed_digest").is_null() | pl.col("checked_digest").is_null())
    ).height
    other = found.excluded.get(TIMED_OTHER, 0)
    claimed = _claimed(findings)
    counted = (
        (missing, "comparisons are missing"),
        (wrong.height, "trials have differences beyond the tolerance"),
        (unchecked, "ok trials have no check"),
        (other, "hot trials timed another executable than was checked"),
        (untold, "hot trials do not tell which executable was checked or timed"),
    )
    faults = [f"{count} {what}" for count, what in counted if count] + claimed
    numbers = {
        "checked": int(trials["checked"].sum()),
        "missing": missing,
        "wrong": wrong.height,
        "ok_without_check": unchecked,
        "timed_other_than_checked": other,
        "timed_or_checked_unknown": untold,
        "worst_rms_ratio": ok["rms_ratio"].max(),
        "worst_max_abs_diff": ok["max_abs_diff"].max(),
        "worst_max_rel_diff": ok["max_rel_diff"].max(),
        "no_ops_claimed": len(claimed),
    }
    question = "missing = 0, differences within tolerance, nothing claimed for a knob that did nothing"
    return _criterion("c", question, numbers, faults)


def _claimed(findings: Findings) -> list[str]:
    """Return what is wrong with effects that are judged different and belong to a no-op knob."""
    proofs: dict[tuple[str | None, ...], list[Any]] = {}
    for proof in findings.proofs:
        proofs.setdefault((proof.workload, proof.compiler, proof.knob, proof.base_level, proof.level), []).append(proof)
    faults = []
    for one in findings.evidence:
        for effect, judgement in zip(one.effects, one.judgements, strict=True):
            if judgement is None or effect.ratio is None or not judgement.is_different:
                continue
            key = (effect.workload, effect.compiler, effect.knob, effect.base_level, effect.level)
            told = (claimed_fault(proof, effect.ratio, effect.metric) for proof in proofs.get(key, ()))
            faults += [text_of(fault) for fault in told if fault]
    return faults


def _report_of(found: Tidy, path: Path) -> ReproductionReport:
    report = read_report(path)
    digests = found.trials["study_digest"].unique().to_list()
    if report.study_digest not in digests:
        raise ArtifactError(
            f"{path}: the reproduction report is of study {report.study_digest}, but the results are of "
            f"{', '.join(digests)}; give the report of this study"
        )
    return report


def _outsider(report: ReproductionReport | None) -> Criterion:
    question = "runner and docs are there, and an outsider gets the same key results"
    if report is None:
        told = "no reproduction report was given (--report); only somebody else's run with runner and docs decides it"
        return _criterion("d", question, {"claims": 0}, [told], undecided=True)
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
    return _criterion("d", question, numbers, findings, undecided)
