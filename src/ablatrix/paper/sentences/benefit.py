"""Benefit: what each knob does to time and memory, what is distinguishable from noise, and the best configurations."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.groups import Control
from ablatrix.paper.estimates import Interval
from ablatrix.paper.fragment import Fragment, listed, say
from ablatrix.paper.number import Number, byte_size
from ablatrix.paper.sentences.compared import compilers_compared
from ablatrix.paper.sentences.effects import all_on, effects_of_knobs, knobs_without_effect
from ablatrix.paper.sentences.fastest import fastest_configurations
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.keys import key_part
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC

CONTROLLED = ((HOT_METRIC, "hot"), (COLD_METRIC, "cold"))


def controls(sources: Sources) -> Written:
    """What the A/A control says about the instrument, for each time: where it holds, and where it does not."""
    for metric, mode in CONTROLLED:
        found = sources.findings.controls(metric, mode)
        name = f"control/{metric}"
        if not found:
            yield LeftOut(name, say(f"lacks/control_{mode}"))
            continue
        held = [(one, sources.estimates.control(one, metric, mode)) for one in found]
        outcomes = [
            *_holding(sources, name, [pair for pair in held if pair[0].is_tested and not pair[0].failed]),
            *_failing(sources, [pair for pair in held if pair[0].failed]),
        ]
        if single := [_place(sources, one) for one in found if not one.is_tested]:
            outcomes.append(say("control_one_block", places=listed(single)))
        yield Sentence(name, say("control", metric=say(f"metric/{metric}"), outcomes=listed(outcomes, "clauses")))


def _holding(sources: Sources, name: str, held: Sequence[tuple[Control, Interval]]) -> list[Fragment]:
    if not held:
        return []
    most, interval = max(held, key=lambda pair: pair[0].reach)
    if len(held) == 1:
        return [say("control_holds_on", place=_place(sources, most), ratio=interval.said())]
    units = sources.ledger.number_of(f"{name}/units", [one.value for _, one in held])
    return [say("control_holds", units=units, ratio=interval.said(), place=_place(sources, most))]


def _failing(sources: Sources, held: Sequence[tuple[Control, Interval]]) -> list[Fragment]:
    places = [
        say("control_off", place=_place(sources, one), ratio=interval.said(), reach=interval.half_width)
        for one, interval in held
        if interval.half_width is not None
    ]
    return [say("control_fails", places=listed(places))] if places else []


def _place(sources: Sources, one: Control) -> Fragment:
    return sources.place(sources.estimates.unit_of(one))


def planned_memory(sources: Sources) -> Written:
    """Arena bytes between tasks by reuse, and the compiler's own estimate with and without its plan, by workload."""
    found = False
    for unit in sources.estimates.units.values():
        ok = sources.trials.clear() if not unit.ok else pl.concat(unit.ok.values())
        arenas = _arenas(sources, unit.key, ok)
        estimates = _estimates(sources, unit.key, ok)
        place = sources.place(unit)
        if arenas:
            found = True
            yield Sentence(f"arena/{unit.key}", say("arena", place=place, arenas=listed(arenas, "clauses")))
        if estimates:
            found = True
            yield Sentence(
                f"estimator/{unit.key}", say("estimator", place=place, estimates=listed(estimates, "clauses"))
            )
    if not found:
        yield LeftOut("planned_memory", say("lacks/arena"))


def _arenas(sources: Sources, key: str, ok: pl.DataFrame) -> list[Fragment]:
    if "knob_reuse" not in ok.columns:
        return []
    reported = ok.filter(pl.col("physical_bytes_est").is_not_null() & pl.col("knob_reuse").is_not_null())
    found: list[Fragment] = []
    for partition, part in _by_partition(reported):
        cells = sorted(part.partition_by("knob_reuse", as_dict=True).items())
        levels: list[Fragment] = []
        for (level,), cell in cells:
            value = float(cell["physical_bytes_est"].median())  # type: ignore[arg-type]
            name = f"benefit/{key}/arena/{key_part(partition)}/{key_part(level)}"
            size = sources.ledger.median(name, cell, "physical_bytes_est", byte_size(value))
            levels.append(say("bytes_with", size=_sized(size), level=str(level)))
        if len(levels) > 1:
            found.append(say("arena_at", levels=listed(levels), partition=partition) if partition else listed(levels))
    return found


def _estimates(sources: Sources, key: str, ok: pl.DataFrame) -> list[Fragment]:
    pair = ("estimator_planned_bytes", "estimator_unplanned_bytes")
    if not set(pair) <= set(ok.columns):
        return []
    found: list[Fragment] = []
    reported = ok.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in pair))
    for partition, part in _by_partition(reported):
        numbers = []
        for column in pair:
            name = f"benefit/{key}/{column}/{key_part(partition)}"
            # The estimate differs with the knobs: a median over configurations might belong to none of them.
            least, most = (float(value) for value in (part[column].min(), part[column].max()))  # type: ignore[arg-type]
            ends = [_sized(sources.ledger.least(f"{name}/least", part, column, byte_size(least)))]
            if most > least:
                ends.append(_sized(sources.ledger.greatest(f"{name}/most", part, column, byte_size(most))))
            numbers.append(say("from_to", least=ends[0], most=ends[1]) if most > least else ends[0])
        said = say("estimate", planned=numbers[0], unplanned=numbers[1])
        found.append(say("estimate_at", estimate=said, partition=partition) if partition else said)
    return found


def _by_partition(part: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    if "knob_partition" not in part.columns:
        return [("", part)] if part.height else []
    cells = part.with_columns(pl.col("knob_partition").fill_null("")).partition_by("knob_partition", as_dict=True)
    return [(str(level), cell) for (level,), cell in sorted(cells.items())]


def _sized(number: Number) -> Fragment:
    return say("with_unit", number=number, unit=str(number.form.unit))


BENEFIT: tuple[Writes, ...] = (
    effects_of_knobs,
    knobs_without_effect,
    all_on,
    fastest_configurations,
    compilers_compared,
    controls,
    planned_memory,
)
