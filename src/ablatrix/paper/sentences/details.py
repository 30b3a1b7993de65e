"""Numbers that no sentence prints, for sentences that an author writes: every effect, and the memory by configuration.

They are entered with the same provenance as those of sentences, so that ``macros.tex`` has them.
"""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.effects import MAIN, Effect, Evidence, GeometricMean
from ablatrix.paper.estimates import Interval
from ablatrix.paper.number import WHOLE, byte_size
from ablatrix.paper.sentences.fastest import P50, bests, median_of, time_form
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.provenance.keys import key_part, step_part
from ablatrix.provenance.ranges import ranges_of
from ablatrix.provenance.rows import ROW
from ablatrix.provenance.units import Unit
from ablatrix.records.metrics import HOT_METRIC

ESTIMATED = ("estimator_planned_bytes", "estimator_unplanned_bytes")
MEMORY = (ROW, "physical_bytes_est", "knob_reuse", "knob_partition", *ESTIMATED)


def enter_details(sources: Sources) -> None:
    """Enter effects with their means, A/A controls, best configurations, medians and memory."""
    for evidence in sources.findings.evidence:
        _enter_effects(sources, evidence)
    _enter_no_ops(sources)
    _enter_bests(sources)
    for unit in sources.estimates.units.values():
        held = unit.ok.values() if unit.ok else (sources.trials.clear(),)
        ok = pl.concat(one.select(name for name in MEMORY if name in one.columns) for one in held)
        _enter_arenas(sources, unit, ok)
        _enter_estimator(sources, unit, ok)


def _enter_effects(sources: Sources, evidence: Evidence) -> None:
    entered: dict[tuple[object, ...], list[tuple[str, Interval]]] = {}
    bases: dict[tuple[object, ...], set[str]] = {}
    for one in evidence.effects:
        if one.kind in (*MAIN, "total") and (interval := sources.estimates.effect(one, evidence)) is not None:
            entered.setdefault(_subject(one), []).append((one.workload, interval))
            bases.setdefault(_reached(one), set()).add(one.base_level)
            if one.pairs_same:
                sources.estimates.acting_pairs(one, evidence)
    for mean in evidence.means:
        members = entered.get(_subject(mean), [])
        if mean.kind in (*MAIN, "total") and len(members) > 1 and not mean.is_no_op:
            # Around centres that were inferred, a knob can reach a level from another base on each workload.
            sources.estimates.mean(mean, members, is_apart=len(bases[_reached(mean)]) > 1)


def _subject(one: Effect | GeometricMean) -> tuple[object, ...]:
    return (one.compiler, one.stage, one.kind, one.knob, one.base_level, one.level)


def _reached(one: Effect | GeometricMean) -> tuple[object, ...]:
    return (one.compiler, one.stage, one.kind, one.knob, one.level)


def _enter_no_ops(sources: Sources) -> None:
    """Enter in how many pairs of configurations a knob that does nothing leaves the program as it is."""
    for (workload, digest, compiler, *_), proof in sources.findings.proofs_by_step.items():
        if proof.verdict != "no_op":
            continue
        unit = sources.estimates.units[workload, digest, compiler]
        built = (pl.col("compiler") == compiler) & pl.col("artifact_digest").is_not_null()
        rows = sources.part(sources.of_workloads([(workload, digest)]) & built)
        # Several pairs of levels can end at one level: the other one is named where it is not the baseline's.
        other_base = None if proof.base_level == unit.baseline.get(proof.knob) else proof.base_level
        sources.ledger.enter(
            f"no_op/{unit.key}/{step_part(proof.knob, proof.level, other_base)}/pairs",
            "equal_pairs",
            proof.equal,
            WHOLE,
            ranges_of(rows[ROW]),
            {"knob": proof.knob, "base_level": proof.base_level, "level": proof.level},
        )


def _enter_bests(sources: Sources) -> None:
    ratios = sources.findings.against_reference(HOT_METRIC, "hot")
    eager = sources.ok("hot", "reference", "workload", "workload_digest", P50)
    for unit, best, levels, _ in bests(sources):
        median_of(sources, unit, levels, "best")
        eager_of(sources, unit, eager)
        against = ratios.of((unit.workload, unit.digest, unit.compiler), levels)
        if against is not None:
            sources.estimates.against_reference(unit, levels, "best", against)
        if best.ties is not None and best.compared > 1:
            for part in ("ties", "compared"):
                sources.estimates.ties(unit, HOT_METRIC, "hot", best, part)


def eager_of(sources: Sources, unit: Unit, eager: pl.DataFrame) -> None:
    """Enter the median time of eager on the workload of a unit; ``eager`` are the ok hot rows of all workloads."""
    ok = eager.filter(
        (pl.col("workload") == unit.workload) & (pl.col("workload_digest") == unit.digest) & pl.col(P50).is_not_null()
    )
    if ok.height:
        sources.ledger.median(f"benefit/{unit.workload_key}/eager/{P50}", ok, P50, time_form(ok))


def _enter_arenas(sources: Sources, unit: Unit, ok: pl.DataFrame) -> None:
    """Enter the arena's bytes between tasks by partition and reuse, where reuse varies."""
    if "knob_reuse" not in ok.columns:
        return
    reported = ok.filter(pl.col("physical_bytes_est").is_not_null() & pl.col("knob_reuse").is_not_null())
    for partition, part in _by_partition(reported):
        cells = sorted(part.partition_by("knob_reuse", as_dict=True).items())
        for (level,), cell in cells if len(cells) > 1 else []:
            value = float(cell["physical_bytes_est"].median())  # type: ignore[arg-type]
            name = f"benefit/{unit.key}/arena/{key_part(partition)}/{key_part(level)}"
            sources.ledger.median(name, cell, "physical_bytes_est", byte_size(value))


def _enter_estimator(sources: Sources, unit: Unit, ok: pl.DataFrame) -> None:
    """Enter the ends of the compiler's own estimate: a median over configurations might belong to none of them."""
    if not set(ESTIMATED) <= set(ok.columns):
        return
    reported = ok.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in ESTIMATED))
    for partition, part in _by_partition(reported):
        for column in ESTIMATED:
            name = f"benefit/{unit.key}/{column}/{key_part(partition)}"
            least, most = (float(value) for value in (part[column].min(), part[column].max()))  # type: ignore[arg-type]
            sources.ledger.least(f"{name}/least", part, column, byte_size(least))
            sources.ledger.greatest(f"{name}/most", part, column, byte_size(most))


def _by_partition(part: pl.DataFrame) -> Sequence[tuple[str, pl.DataFrame]]:
    if "knob_partition" not in part.columns:
        return [("", part)] if part.height else []
    cells = part.with_columns(pl.col("knob_partition").cast(pl.String).fill_null("")).partition_by(
        "knob_partition", as_dict=True
    )
    return [(str(level), cell) for (level,), cell in sorted(cells.items())]
