"""When a (workload, compiler) has enough hot blocks: by the widths of its intervals, never by where they lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ablatrix.records.model import Stopping
from ablatrix.records.status import Status
from ablatrix.statistics.precision import Comparison, Widths, find_shortfall, measure_widths
from ablatrix.statistics.rounds import paired_levels, twin_levels
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import CONFIRMING_BLOCKS, HotProtocol
from ablatrix.trials.results import Finished

Levels = tuple[str | int | float | bool, ...]


class HotProgress:
    """Hot results of one (workload, compiler), replicate by replicate."""

    def __init__(self, cells: Iterable[Cell], primary: tuple[str, ...]) -> None:
        """Begin with the cells that are measured hot, the baseline among them, and the compiler's primary knobs."""
        self._cells = {cell.cell_id: cell for cell in cells}
        first = next(iter(self._cells.values()))
        self._comparison = Comparison(
            knobs=tuple(first.knobs),
            primary=primary,
            baseline=tuple(first.baseline[knob] for knob in first.knobs),
            configurations=tuple(tuple(cell.knobs.values()) for cell in self._cells.values()),
        )
        self._blocks: dict[int, dict[Levels, float]] = {}
        self._tries = 0
        self._unsupported = False

    def add(self, trials: Mapping[str, Trial], finished: Iterable[Finished]) -> None:
        """Add the trials of one block (or of one part of it); each is taken relative to its part's baseline."""
        made = list(finished)
        measured = [one.status for one in made if trials[one.trial_id].role == "measured"]
        self._unsupported = set(measured) == {Status.UNSUPPORTED}
        bursts = {one.trial_id: one.bursts_ms for one in made if one.status == Status.OK and one.bursts_ms}
        known = [
            (trials[trial_id], level)
            for trial_id, level in _with_twins(paired_levels(bursts), trials).items()
            if trials[trial_id].role == "measured" and trials[trial_id].cell_id in self._cells
        ]
        base = next((value for trial, value in known if self._levels(trial) == self._comparison.baseline), None)
        if base is None:
            return
        for trial, value in known:
            self._blocks.setdefault(trial.replicate, {})[self._levels(trial)] = value - base

    @property
    def baseline(self) -> Cell:
        """The baseline's cell, or the first one where it is not measured hot."""
        cells = list(self._cells.values())
        return next((cell for cell in cells if cell.knobs == cell.baseline), cells[0])

    def room_for_more(self, protocol: HotProtocol) -> bool:
        """Return whether blocks may be added after the present one, which is not counted yet."""
        return len(self._blocks) + 1 < protocol.max_blocks

    def tried(self) -> None:
        """Count a further block, whatever its result: one that keeps failing must not go on for ever."""
        self._tries += 1

    def decide(self, protocol: HotProtocol, budget_spent: bool) -> Stopping:
        """Return the decision on further blocks, from the widths reached."""
        ordered = [self._blocks[replicate] for replicate in sorted(self._blocks)]
        widths = measure_widths(ordered, self._comparison)
        targets = (protocol.effect_width, protocol.cell_width, protocol.blocks)
        now = find_shortfall(widths, *targets)
        decision: Literal["continue", "precise", "most_blocks", "budget", "unsupported"] = "continue"
        if now is None and self._was_precise(ordered, targets):
            decision = "precise"
        elif self._unsupported:  # and so would every further block be
            decision = "unsupported"
        elif len(ordered) >= protocol.max_blocks or self._tries >= protocol.max_blocks - protocol.blocks:
            decision = "most_blocks"
        elif len(ordered) >= protocol.blocks and budget_spent:
            decision = "budget"
        return Stopping(
            blocks=len(ordered),
            least_blocks=protocol.blocks,
            most_blocks=protocol.max_blocks,
            effect_target=protocol.effect_width,
            cell_target=protocol.cell_width,
            effect_half_width=_widest(widths, "effects"),
            cell_half_width=_widest(widths, "cells"),
            short_of=None if now is None else now.reason,
            decision=decision,
        )

    def _was_precise(self, ordered: Sequence[Mapping[Levels, float]], targets: tuple[float, float, int]) -> bool:
        """Return whether all was narrow enough without the last blocks, which confirm it."""
        before = ordered[: max(0, len(ordered) - CONFIRMING_BLOCKS)]
        return find_shortfall(measure_widths(before, self._comparison), *targets) is None

    def _levels(self, trial: Trial) -> Levels:
        return tuple(self._cells[trial.cell_id].knobs.values())


def _with_twins(levels: Mapping[str, float], trials: Mapping[str, Trial]) -> dict[str, float]:
    """Return levels by trial, of a configuration that has a twin in the block from both."""
    found = dict(levels)
    measured = {trials[one].cell_id: one for one in levels if trials[one].role == "measured"}
    for twin in (one for one in levels if trials[one].role == "twin"):
        if (own := measured.get(trials[twin].cell_id)) is not None:
            found[own], found[twin] = twin_levels(levels[own], levels[twin])
    return found


def _widest(widths: Widths, which: Literal["effects", "cells"]) -> float | None:
    found = [one.half_width for one in getattr(widths, which) if one.half_width is not None]
    return max(found, default=None)
