"""Benefit: what each knob does to time and memory, what is distinguishable from noise, and the best configurations."""

import polars as pl

from ablatrix.paper.fragment import Fragment, Name, listed, say
from ablatrix.paper.number import Number, byte_size, milliseconds
from ablatrix.paper.sentences.compared import compilers_compared
from ablatrix.paper.sentences.effects import all_on, effects_of_knobs, knobs_without_effect
from ablatrix.paper.sentences.sentence import LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.keys import key_part
from ablatrix.records.metrics import COLD_METRIC, HOT_METRIC

FLOORS = ((HOT_METRIC, "hot"), (COLD_METRIC, "cold"))


def fastest_configurations(sources: Sources) -> Written:
    """The configuration of each workload with the lowest median time, with its ratio to the baseline and to eager."""
    eager = {
        (str(workload), str(digest)): part
        for (workload, digest), part in sources.ok("hot", "reference")
        .filter(pl.col("run_ms_p50").is_not_null())
        .partition_by("workload", "workload_digest", as_dict=True)
        .items()
    }
    knobs = sources.ledger.rows.knobs()
    found = False
    for unit in sources.estimates.units.values():
        hot = unit.ok.get("hot", pl.DataFrame())
        hot = hot.filter(pl.col("run_ms_p50").is_not_null()) if hot.height else hot
        name = f"fastest/{unit.key}"
        if hot.is_empty():
            yield LeftOut(name, say("lacks/hot"))
            continue
        found = True
        columns = [f"knob_{knob}" for knob in knobs if knob in unit.baseline]
        cells = hot.partition_by(columns, as_dict=True, maintain_order=True) if columns else {(): hot}
        medians = {key: float(cell["run_ms_p50"].median()) for key, cell in cells.items()}  # type: ignore[arg-type]
        key = min(medians, key=lambda one: (medians[one], str(one)))
        levels = {column.removeprefix("knob_"): str(level) for column, level in zip(columns, key, strict=True)}
        moved = [say("knob_at", knob=knob, level=at) for knob, at in levels.items() if at != unit.baseline[knob]]
        p50 = sources.ledger.median(
            f"benefit/{unit.key}/best/run_ms_p50", cells[key], "run_ms_p50", milliseconds(medians[key])
        )
        against: Fragment = Name("")
        ratio = sources.findings.ratios(HOT_METRIC, ["workload", "workload_digest", "compiler", "role", *columns]).get(
            (unit.workload, unit.digest, unit.compiler, "measured", *key)
        )
        if ratio is not None and moved:
            interval = sources.estimates.against_baseline(
                f"benefit/{unit.key}/best/{HOT_METRIC}", unit, levels, HOT_METRIC, "hot", ratio
            )
            phrase = "against_baseline" if ratio.side else "against_baseline_unclear"
            against = say(phrase, ratio=interval.said())
        reference: Fragment = Name("")
        if (unit.workload, unit.digest) in eager:
            part = eager[unit.workload, unit.digest]
            value = float(part["run_ms_p50"].median())  # type: ignore[arg-type]
            eager_ms = sources.ledger.median(
                f"benefit/{unit.workload_key}/eager/run_ms_p50", part, "run_ms_p50", milliseconds(value)
            )
            reference = say("eager", p50=eager_ms)
        yield Sentence(
            name,
            say(
                "fastest",
                workload=unit.label,
                compiler=unit.compiler,
                configuration=listed(moved) if moved else say("the_baseline"),
                p50=p50,
                against=against,
                reference=reference,
            ),
        )
    if not found and not sources.estimates.units:
        yield LeftOut("fastest", say("lacks/hot"))


def noise_floor(sources: Sources) -> Written:
    """How far apart two copies of the baseline lie, in each time."""
    for metric, mode in FLOORS:
        floors = sources.findings.floors(metric, mode)
        name = f"noise_floor/{metric}"
        if not floors:
            yield LeftOut(name, say(f"lacks/floor_{mode}"))
            continue
        named = [
            say(
                "floor_at",
                place=sources.place(sources.estimates.unit_of(floor)),
                spread=sources.estimates.floor(floor, metric, mode)[0],
            )
            for floor in floors
        ]
        yield Sentence(name, say("noise_floor", metric=say(f"metric/{metric}"), floors=listed(named)))


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
    noise_floor,
    planned_memory,
)
