"""Criterion (a): enough workloads over the whole matrix of the primary knobs, stable over repeats."""

from collections import Counter
from collections.abc import Sequence

from ablatrix.analysis.groups import mixed_origins, without_priming_runs
from ablatrix.analysis.reasons import text_of
from ablatrix.analysis.runs import MODES, PrimaryMatrix, Stability
from ablatrix.analysis.table import Tidy
from ablatrix.records.status import FAILURES, Status
from ablatrix.verdict.model import Criterion, answered
from ablatrix.verdict.planned import Planned

MIN_WORKLOADS = 3


def matrix_criterion(
    found: Tidy,
    planned: Planned,
    stability: Sequence[Stability],
    matrices: Sequence[PrimaryMatrix],
) -> Criterion:
    """Return whether at least three workloads are whole and stable, as planned and of one origin."""
    trials = without_priming_runs(found.trials.select("role", "workload"))
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
    versions = _schema_versions(found)
    if len(versions) > 1:
        listed = ", ".join(f"{version} ({count} lines)" for version, count in sorted(versions.items()))
        findings.append(f"lines have several schema versions: {listed}")
    mixed = {name: values for name, values in mixed_origins(found).items() if name != "schema_version"}
    findings += [f"origins are mixed: {name}: {', '.join(map(str, values))}" for name, values in mixed.items()]
    statuses = Counter[str](dict(found.trials["status"].value_counts().iter_rows()))
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
        "planned": planned.counts.get("planned"),
        "planned_not_run": planned.counts.get("not_run"),
        "trials": len(found.trials),
        "ok": statuses[Status.OK],
        "failed": sum(statuses[name] for name in FAILURES),
        "by_status": dict(sorted(statuses.items())),
        "schema_versions": dict(sorted(versions.items())),
    }
    question = f"at least {MIN_WORKLOADS} workloads over the whole primary matrix, stable over repeats"
    return answered("a", question, numbers, findings)


def _schema_versions(found: Tidy) -> Counter[str]:
    lines = found.lines if found.lines is not None else found.trials
    return Counter(dict(lines["schema_version"].value_counts().iter_rows()))


def _widest(stability: Sequence[Stability]) -> float | None:
    widest = [held for one in stability if (held := one.widest("effect"))]
    return max((one.half_width for one in widest if one.half_width is not None), default=None)


def _margins(stability: Sequence[Stability]) -> dict[str, float]:
    """Return the widest interval that effects and cells were allowed, where they were judged."""
    judged = [one for held in stability for one in (*held.effects, *held.cells) if one.margin is not None]
    return {one.kind: max(other.margin or 0.0 for other in judged if other.kind == one.kind) for one in judged}
