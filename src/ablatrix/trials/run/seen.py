"""What a screening shows so far, from the records of its timed trials: as the analysis sees it, to go on by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ablatrix.compilers.catalogue import Level
from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.statistics.rounds import paired_levels
from ablatrix.statistics.screening.observed import Observed, observe, observe_corners, observe_groups, observe_orders
from ablatrix.study.stage_choice import StageChoice


def observed(screen: StageChoice, records: Sequence[Record]) -> Observed:
    """Return what a screening shows of hot times, or of cold ones where it has no hot trials.

    Args:
        screen: What it was.
        records: Of its measured trials.
    """
    knobs = tuple(screen.levels)

    def levels(record: Record) -> tuple[Level | None, ...]:
        return tuple(record.config.knobs[knob] for knob in knobs)

    mode = "hot" if any(record.mode == "hot" for record in records) else "cold"
    own = [record for record in records if record.mode == mode]
    blocks = [{levels(record): value for record, value in block} for block in _values(own, mode)]
    if screen.design == "groups":
        return _of_groups(screen, own, blocks)
    if screen.orders:
        return observe_orders(list(screen.levels.values()), screen.orders, blocks)
    if screen.corners:
        return observe_corners({levels(one): screen.corners[one.cell_id] for one in records}, blocks)
    issued = [levels(record) for record in records]
    return observe(list(screen.levels.values()), issued, blocks, screen.design, screen.resolution)


def _of_groups(screen: StageChoice, records: Sequence[Record], blocks: Sequence[Mapping[Any, float]]) -> Observed:
    knobs = tuple(screen.levels)

    def levels(knobs_of: Mapping[str, Level | None]) -> tuple[Level | None, ...]:
        return tuple(knobs_of[knob] for knob in knobs)

    ended: dict[tuple[Level | None, ...], set[Status]] = {}
    for record in records:
        ended.setdefault(levels(record.config.knobs), set()).add(record.status)
    broken = {status for status in Status if status.is_failure or status is Status.UNSUPPORTED}
    fails = [one for one, held in ended.items() if held <= broken]
    return observe_groups(
        list(screen.levels.values()),
        list(ended),
        blocks,
        idle=[number for number, knob in enumerate(knobs) if knob in screen.idle],
        baseline=levels(records[0].config.baseline) if records else (),
        fails=fails,
    )


def _values(records: Iterable[Record], mode: str) -> Iterator[list[tuple[Record, float]]]:
    """Yield the logs of the times of each block."""
    blocks: dict[str, list[Record]] = {}
    for record in records:
        if record.status is Status.OK and record.runtime is not None:
            blocks.setdefault(record.block_id, []).append(record)
    for block in blocks.values():
        if mode == "cold":
            times = ((record, record.runtime.compile_first_run_ms) for record in block if record.runtime is not None)
            yield [(record, math.log(time)) for record, time in times if time]
            continue
        bursts = {
            record.trial_id: record.runtime.burst_ms_min
            for record in block
            if record.runtime is not None and record.runtime.burst_ms_min
        }
        levels = paired_levels(bursts)
        yield [(record, levels[record.trial_id]) for record in block if record.trial_id in levels]
