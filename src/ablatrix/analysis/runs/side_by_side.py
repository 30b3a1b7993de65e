"""Two sets of results of one study side by side: two machines, or two commits. Between them nothing is paired."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import UNIT, by_block
from ablatrix.analysis.effects import MAIN, NO_EFFECT, Effect, Judgement, Question, gather, notes_on_hosts
from ablatrix.analysis.groups import grouped, host_numbers, over_hosts_of, refuse_mixed
from ablatrix.analysis.reasons import KnobLevels, levels_text, plain_data
from ablatrix.analysis.runs.agreement import Agreement, Sides, agreements
from ablatrix.analysis.runs.differences import Change, find_changes
from ablatrix.analysis.runs.outcomes import ChangedOutcome, changed_outcomes
from ablatrix.analysis.table import Tidy
from ablatrix.errors import AnalysisError
from ablatrix.records.metrics import METRIC_OF_MODE
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

DEFAULT_MARGIN = 0.02
Key = tuple[Any, ...]
# A time over its block's baseline is estimated from what blocks share; a time by itself is the measured median.
TIME_OF_MODE = {**METRIC_OF_MODE, "hot": "run_ms_p50"}


@dataclass(frozen=True, kw_only=True)
class ComparedCell:
    """One cell in one mode.

    Attributes:
        moved: The levels in which it differs from the baseline; empty for the baseline and for the reference.
        role: ``measured`` or ``reference``.
        metric: The time that ``time`` compares.
        time: B over A, by Welch's interval on the logs of block figures; None when a side has no ok trial.
        to_baseline_a, to_baseline_b: The ratio to the baseline of its own block; None for the baseline itself, for the
            reference, and where no block has both.
        to_baseline: Whether the two ratios agree.
        blocks_a, blocks_b: Blocks in which it is ok.
    """

    cell_id: str
    workload: str
    compiler: str
    moved: KnobLevels
    role: str
    mode: str
    metric: str
    time: Agreement | None
    to_baseline_a: Ratio | None
    to_baseline_b: Ratio | None
    to_baseline: Agreement | None
    blocks_a: int
    blocks_b: int

    @property
    def is_end(self) -> bool:
        """Whether it is the baseline or the reference, which others are compared with."""
        return not self.moved

    @property
    def name(self) -> str:
        """How tables name it: the levels in which it differs, or what it is."""
        return _cell_name(self.role, self.moved)


@dataclass(frozen=True, kw_only=True)
class ComparedEffect:
    """One main effect, or one level around a centre.

    Attributes:
        ratio_a, ratio_b: The effect in each; None where it is not attributable, or not there.
        verdict_a, verdict_b: Its verdict in each, by the rules of ``ablatrix effects``.
        pairs_a, pairs_b: Pairs of configurations that each is the mean over.
        size: B over A: whether they agree in size.
        key: Whether A says that the knob does something.
        reproduced: Of a key effect: whether B confirms it. None for others.
    """

    workload: str
    compiler: str
    mode: str
    metric: str
    stage: str
    centre: KnobLevels
    knob: str
    base_level: str
    level: str
    ratio_a: Ratio | None
    ratio_b: Ratio | None
    verdict_a: str | None
    verdict_b: str | None
    pairs_a: int
    pairs_b: int
    size: Agreement | None
    key: bool
    reproduced: bool | None


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """A and B.

    Attributes:
        shared: Cells that both have.
        only_a, only_b: Cells that one has.
        outcomes: Cells that both have and of which trials ended in another way.
        notes: What else the reader should know.
    """

    margin: float
    shared: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    changes: tuple[Change, ...]
    outcomes: tuple[ChangedOutcome, ...]
    cells: tuple[ComparedCell, ...]
    effects: tuple[ComparedEffect, ...]
    notes: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        """Whether B confirms every key effect of A, and every cell ended in both as in the other."""
        return not self.outcomes and all(effect.reproduced is not False for effect in self.effects)


def compare(a: Tidy, b: Tidy, margin: float = DEFAULT_MARGIN) -> SideBySide:
    """Set two results side by side.

    Results of one study are compared whole: what B lacks is not reproduced. Of two studies only the cells that both
    have are looked at, and the effects are over these.

    Args:
        a: What was claimed.
        b: What it is compared with.
        margin: Largest relative difference of two ratios that counts as none.

    Raises:
        AnalysisError: One of the two comes from several origins, they share no cell, or no knob varies in them.
    """
    for found in (a, b):
        refuse_mixed(found, allow_mixed=False)
    names_a, names_b = _cell_names(a.trials), _cell_names(b.trials)
    shared = names_a.keys() & names_b.keys()
    if not shared:
        raise AnalysisError(
            f"A and B share no cell ({len(names_a)} in A, {len(names_b)} in B): {_unlike(a, b)}; give two results of "
            "one study, or of studies that share workloads with their parameters and configurations"
        )
    only_a = tuple(sorted(names_a[cell] for cell in names_a.keys() - shared))
    only_b = tuple(sorted(names_b[cell] for cell in names_b.keys() - shared))
    notes = [f"A: {text}" for text in _notes(a)] + [f"B: {text}" for text in _notes(b)]
    both = [replace(one, trials=one.trials.filter(pl.col("cell_id").is_in(list(shared)))) for one in (a, b)]
    changes = find_changes(both[0].trials, both[1].trials)
    if any(change.what == "study_digest" for change in changes):
        notes.append(
            f"A and B are not the same study; {len(shared)} cells match, of {len(names_a)} in A and {len(names_b)} in "
            "B: effects are over these"
        )
        a, b = both
    if host_numbers(a.trials) is not None or host_numbers(b.trials) is not None:
        notes.append("times are not compared, as hosts differ in them: ratios to the baseline of each host are")
    if any(change.what == "workload_digest" for change in changes):
        notes.append("workloads of the same name and parameters are not the same program: their digests differ")
    cells = _cells(a.trials, b.trials, names_a, margin)
    effects = _effects(a, b, margin)
    return SideBySide(
        margin=margin,
        shared=len(shared),
        only_a=only_a,
        only_b=only_b,
        changes=changes,
        outcomes=changed_outcomes(both[0].trials, both[1].trials, names_a),
        cells=cells,
        effects=effects,
        notes=tuple(notes),
    )


def _notes(found: Tidy) -> list[str]:
    omitted = (f"omitted: {count} x {reason}" for reason, count in found.excluded.items())
    return [*found.notes, *notes_on_hosts(found.trials), *omitted]


def _cell_names(trials: pl.DataFrame) -> dict[str, str]:
    """Return the cells that were measured, with what they are called."""
    chosen = trials.filter(pl.col("role").is_in(["measured", "reference"])).unique("cell_id", maintain_order=True)
    return {
        row["cell_id"]: f"{row['workload']} on {row['compiler']}: {_cell_name(row['role'], _moved(row))}"
        for row in chosen.iter_rows(named=True)
    }


def _moved(row: Mapping[str, Any]) -> KnobLevels:
    """Return the levels in which a cell differs from the baseline; none for the reference, which has no knobs."""
    if row["role"] == "reference":
        return KnobLevels()
    names = [name.removeprefix("baseline_") for name in row if name.startswith("baseline_")]
    moved = {name: str(row[f"knob_{name}"]) for name in names if row[f"knob_{name}"] != row[f"baseline_{name}"]}
    return KnobLevels(moved)


def _cell_name(role: str, moved: KnobLevels) -> str:
    return "reference" if role == "reference" else levels_text(moved) or "baseline"


def _unlike(a: Tidy, b: Tidy) -> str:
    """Return in words how two results without a shared cell differ."""
    workloads = [set(one.trials["workload"]) for one in (a, b)]
    if not workloads[0] & workloads[1]:
        return f"workloads are {', '.join(sorted(workloads[0]))} in A and {', '.join(sorted(workloads[1]))} in B"
    knobs = [{name.removeprefix("knob_") for name in one.columns("knob_")} for one in (a, b)]
    if knobs[0] != knobs[1]:
        return f"knobs are {', '.join(sorted(knobs[0]))} in A and {', '.join(sorted(knobs[1]))} in B"
    return "workload parameters, compilers or levels do not match"


def _cells(a: pl.DataFrame, b: pl.DataFrame, names: Mapping[str, str], margin: float) -> tuple[ComparedCell, ...]:
    """Compare every cell; the cells of one mode are one family, their times one and their ratios another."""
    found: list[ComparedCell] = []
    several = any(host_numbers(one) is not None for one in (a, b))
    for mode, metric in METRIC_OF_MODE.items():
        parts = [_by_cell(one, mode) for one in (a, b)]
        ids = sorted(parts[0].keys() & parts[1].keys(), key=lambda cell: names[cell])
        to_baselines = [_to_baselines(part, metric, mode) for part in parts]
        times, ratios, blocks = [], [], []
        for cell in ids:
            values = [by_block(part[cell], TIME_OF_MODE[mode], mode) for part in parts]
            logs = [tuple(math.log(value) for value in one.values()) for one in values]
            # No time of one host is compared with one of another.
            times.append(Sides((), ()) if several else Sides(logs[0], logs[1], signed=False))
            blocks.append((len(logs[0]), len(logs[1])))
            ratios.append(Sides(to_baselines[0].get(cell, ()), to_baselines[1].get(cell, ())))
        judged = [_judged(sides, margin) for sides in (times, ratios)]
        for index, cell in enumerate(ids):
            row = parts[0][cell].row(0, named=True)
            sides = ratios[index]
            found.append(
                ComparedCell(
                    cell_id=cell,
                    workload=row["workload"],
                    compiler=row["compiler"],
                    moved=_moved(row),
                    role=row["role"],
                    mode=mode,
                    metric=TIME_OF_MODE[mode],
                    time=judged[0][index],
                    to_baseline_a=paired_ratio(sides.one) if sides.one else None,
                    to_baseline_b=paired_ratio(sides.other) if sides.other else None,
                    to_baseline=judged[1][index],
                    blocks_a=blocks[index][0],
                    blocks_b=blocks[index][1],
                )
            )
    return tuple(found)


def _by_cell(trials: pl.DataFrame, mode: str) -> dict[str, pl.DataFrame]:
    chosen = trials.filter((pl.col("mode") == mode) & pl.col("role").is_in(["measured", "reference"]))
    return {key[0]: part for key, part in grouped(chosen, ["cell_id"])}


def _to_baselines(parts: Mapping[str, pl.DataFrame], metric: str, mode: str) -> dict[str, tuple[float, ...]]:
    """Return the log of each cell over the baseline of its own block, for each block that has both."""
    values: dict[str, tuple[Key, dict[Key, float]]] = {}
    bases: dict[Key, dict[Key, float]] = {}
    found: dict[str, tuple[float, ...]] = {}
    for cell, part in parts.items():
        row = part.row(0, named=True)
        unit = tuple(row[name] for name in UNIT)
        if row["role"] == "measured" and row["is_baseline"]:
            bases[unit] = by_block(part, metric, mode)
        elif row["role"] == "measured":
            values[cell] = unit, by_block(part, metric, mode)
    for cell, (unit, own) in values.items():
        base = bases.get(unit, {})
        logs = {block: math.log(own[block] / base[block]) for block in own if block in base}
        found[cell] = tuple(over_hosts_of(logs, parts[cell]))
    return found


def _judged(pairs: Sequence[Sides], margin: float) -> list[Agreement | None]:
    """Return whether each pair agrees, None where a side has no block."""
    found = iter(agreements([pair for pair in pairs if pair.one and pair.other], margin))
    return [next(found) if pair.one and pair.other else None for pair in pairs]


@dataclass(frozen=True)
class _Judged:
    effect: Effect
    judgement: Judgement


def _effects(a: Tidy, b: Tidy, margin: float) -> tuple[ComparedEffect, ...]:
    held = [_main(one) for one in (a, b)]
    keys = list(dict.fromkeys((*held[0], *held[1])))
    pairs = [_sides(held[0].get(key), held[1].get(key)) for key in keys]
    return tuple(
        _compared(held[0].get(key), held[1].get(key), size)
        for key, size in zip(keys, _judged(pairs, margin), strict=True)
    )


def _main(found: Tidy) -> dict[Hashable, _Judged]:
    """Return the judged effects by what they are effects of; the same workload may have several sizes, in order."""
    held: dict[Hashable, _Judged] = {}
    for one in gather(found, Question()):
        for effect, judgement in zip(one.effects, one.judgements, strict=True):
            if judgement is None or effect.kind not in MAIN:
                continue
            named = (effect.workload, effect.compiler, effect.mode, effect.metric, effect.stage, effect.centre)
            key = (*named, effect.knob, effect.base_level, effect.level)
            number = sum(1 for other in held if isinstance(other, tuple) and other[:-1] == key)
            held[*key, number] = _Judged(effect, judgement)
    return held


def _sides(a: _Judged | None, b: _Judged | None) -> Sides:
    if a is None or b is None:
        return Sides((), ())
    allowed = a.effect.allowance, b.effect.allowance
    return Sides(
        a.effect.logs,
        b.effect.logs,
        exact=a.effect.exact and b.effect.exact,
        allowance=Allowance(sum(one.offset for one in allowed), max(one.step for one in allowed)),
    )


def _compared(a: _Judged | None, b: _Judged | None, size: Agreement | None) -> ComparedEffect:
    effect = next(one.effect for one in (a, b) if one is not None)
    verdict_a, verdict_b = (None if one is None else one.judgement.verdict for one in (a, b))
    key = a is not None and a.judgement.is_different
    return ComparedEffect(
        workload=effect.workload,
        compiler=effect.compiler,
        mode=effect.mode,
        metric=effect.metric,
        stage=effect.stage,
        centre=effect.centre,
        knob=str(effect.knob),
        base_level=effect.base_level,
        level=effect.level,
        ratio_a=None if a is None else a.effect.ratio,
        ratio_b=None if b is None else b.effect.ratio,
        verdict_a=verdict_a,
        verdict_b=verdict_b,
        pairs_a=0 if a is None else a.effect.pairs,
        pairs_b=0 if b is None else b.effect.pairs,
        size=size,
        key=key,
        reproduced=_reproduced(a, b) if a is not None and key else None,
    )


def _reproduced(a: _Judged, b: _Judged | None) -> bool:
    """Whether B confirms what A says, by the rules that gave A its verdict, without adjustment for many tests.

    A has named its effects before B is looked at, and all of them have to be confirmed, each by a test of its own: that
    does not get easier with their number (Berger 1982, "Multiparameter hypothesis testing and acceptance sampling").
    """
    if b is None or b.effect.ratio is None or a.effect.ratio is None:
        return False
    if b.judgement.verdict in (a.judgement.verdict, NO_EFFECT):
        return b.judgement.verdict == a.judgement.verdict
    return b.effect.ratio.side == (1 if a.effect.ratio.value > 1.0 else -1)


def count_sizes(found: Iterable[ComparedEffect]) -> dict[str, int]:
    """Return how many effects agree in size, by state; ``unknown`` where a side has none."""
    counts: dict[str, int] = {}
    for effect in found:
        state = "unknown" if effect.size is None else effect.size.state
        counts[state] = counts.get(state, 0) + 1
    return dict(sorted(counts.items()))


def side_by_side_data(found: SideBySide) -> dict[str, Any]:
    """Return a comparison as plain data, for JSON; cells have names instead of their levels."""
    cells = [
        {"cell_id": one.cell_id, "workload": one.workload, "compiler": one.compiler, "name": one.name}
        | {name: value for name, value in plain_data(one).items() if name not in ("moved", "role")}
        for one in found.cells
    ]
    return {**plain_data(found), "cells": cells}
