"""How trials ended under two builds: statuses by build, and the configurations that became wrong or failed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from ablatrix.analysis.builds.values import BUILD, WORSE, Outcomes, Turn, Turned
from ablatrix.analysis.diagnosis import Setting, Settings, Unit
from ablatrix.analysis.reasons import KnobLevels
from ablatrix.records.status import NOT_RUN, STATUSES, Status

TURNS: tuple[Turn, ...] = (*WORSE, "no longer fails", "now supported")
Counts = Mapping[str, int]


def outcomes_of(units: Sequence[Unit], base: str, head: str) -> tuple[Outcomes, ...]:
    """Return how the trials of each workload and compiler ended under two builds, in the order of the units."""
    found = []
    for unit in units:
        pairs = _pairs(unit, base, head)
        if pairs:
            before, after = (_ended(unit, [pair[side] for pair in pairs]) for side in (0, 1))
            worst = [_worst(unit, [pair[side] for pair in pairs]) for side in (0, 1)]
            found.append(
                Outcomes(
                    workload=unit.workload,
                    compiler=unit.compiler,
                    before=before,
                    after=after,
                    worst_before=worst[0],
                    worst_after=worst[1],
                )
            )
    return tuple(found)


def turned_of(units: Sequence[Unit], base: str, head: str) -> tuple[Turned, ...]:
    """Return the configurations that ended in another way under the second build, worse ones first.

    Trials that were not run say nothing, and neither does a configuration without a trial under one of the builds.
    """
    found = [
        Turned(
            workload=unit.workload,
            compiler=unit.compiler,
            mode=mode,
            settings=KnobLevels({one.knob: one.level for one in here if one.knob != BUILD}),
            turn=turn,
            before=before,
            after=after,
        )
        for unit in units
        for here, there in _pairs(unit, base, head)
        for mode in ("cold", "hot")
        if (before := _ended(unit, [here], mode)) and (after := _ended(unit, [there], mode))
        for turn in _turns(before, after)
    ]
    return tuple(sorted(found, key=lambda one: TURNS.index(one.turn)))


def _turns(before: Counts, after: Counts) -> Iterator[Turn]:
    wrong, broken = ([_has(one, kind) for one in (before, after)] for kind in ("wrong", "broken"))
    if wrong == [False, True]:
        yield "newly wrong"
    if broken == [False, True]:
        yield "newly failed"
    if Status.UNSUPPORTED in after and Status.UNSUPPORTED not in before:
        yield "newly unsupported"
    if (wrong[0] or broken[0]) and not (wrong[1] or broken[1]) and Status.OK in after:
        yield "no longer fails"
    if Status.UNSUPPORTED in before and Status.UNSUPPORTED not in after and Status.OK in after:
        yield "now supported"


def _has(counts: Counts, kind: Literal["wrong", "broken"]) -> bool:
    """Return whether trials had wrong outputs, or failed in another way."""
    failures = [name for name in counts if Status(name).is_failure]
    return any((name == Status.WRONG_OUTPUT) == (kind == "wrong") for name in failures)


def _pairs(unit: Unit, base: str, head: str) -> list[tuple[Settings, Settings]]:
    """Return the configurations under both builds: (under base, under head)."""
    found = []
    for settings in unit.rows:
        if Setting(BUILD, base) in settings:
            other = tuple(Setting(BUILD, head) if one.knob == BUILD else one for one in settings)
            if other in unit.rows:
                found.append((settings, other))
    return found


def _ended(unit: Unit, several: Sequence[Settings], mode: str | None = None) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for settings in several:
        for status, of_mode in unit.part(settings, "status", "mode").iter_rows():
            if status not in NOT_RUN and mode in (None, of_mode):
                counts[status] += 1
    return {name: counts[name] for name in STATUSES if counts[name]}


def _worst(unit: Unit, several: Sequence[Settings]) -> float | None:
    values = [
        value
        for settings in several
        for status, value in unit.part(settings, "status", "worst_ratio").iter_rows()
        if status == Status.OK and value is not None
    ]
    return max(values, default=None)
