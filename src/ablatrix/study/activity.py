"""Which knobs of a screening do anything: by what was built at each level, never by times."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ablatrix.canonical import digest_value
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.records.model import Failure, Record
from ablatrix.records.status import Status

BUILT = frozenset({Status.OK, Status.WRONG_OUTPUT})
READ_BACK = frozenset({"threads", "arena", "library"})
"""Knobs that may act although the same is built, whatever their entry says that they affect."""


@dataclass(frozen=True)
class Activity:
    """What the knobs of a screening do to what is built.

    Attributes:
        active: Knobs that change it, or can act without, in the order of the study.
        idle: Knobs that leave it as it is, each with the programs that it left: by itself, and with all others moved.
        failed: Knobs whose configurations all fail, each with the status of its own.
    """

    active: tuple[str, ...]
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


Moved = frozenset[str]


def program_of(record: Record) -> str | None:
    """Return the digest of all that a trial ran with, but for its knobs; None where nothing was built.

    It covers the generated code, the plan and its memory, and what was read back: threads, environment, settings,
    versions.
    """
    built = record.compile
    if record.status not in BUILT or built is None:
        return None
    return digest_value(
        {
            "code": built.artifact_digest,
            "plan": None if record.plan is None else record.plan.digest,
            "memory": [built.compiler_planned_bytes, built.planned_bytes],
            "threads": record.meta.threads,
            "environment": record.meta.environment,
            "settings": record.meta.settings_in_force,
            "versions": record.meta.versions,
        }
    )


def find_activity(
    entry: CompilerEntry, moved: Mapping[str, Level], records: Mapping[Moved, Record], last: Moved
) -> Activity:
    """Return which knobs do anything.

    A knob is idle if two pairs of compiles are the same program: by itself and the baseline, and all moved and all but
    it. One that can act without a change of what is built stays, and so does one of which a compile failed, unless it
    fails by itself while the baseline does not.

    Args:
        entry: The compiler.
        moved: The level to which each knob is moved, in the order of the study.
        records: Of the compiles, by which knobs are moved.
        last: Which knobs are moved where each is tried as the last of all; see `ablatrix.study.far_end`.
    """
    programs = {one: program_of(record) for one, record in records.items()}
    nothing = Moved()
    active: list[str] = []
    idle: dict[str, tuple[str, ...]] = {}
    failed: dict[str, str] = {}
    for knob in moved:
        first = Moved({knob})
        pairs = [(nothing, first), *([(last - first, last)] if knob in last else [])]
        same = [programs[one] for one, other in pairs if _equal(programs, one, other)]
        held = entry.knob(knob)
        if held is not None and not held.changes_run and knob not in READ_BACK and len(same) == 2:
            idle[knob] = tuple(str(one) for one in same)
        elif _fails(records[first]) and records[nothing].status is Status.OK:
            failed[knob] = str(records[first].status)
        else:
            active.append(knob)
    return Activity(tuple(active), idle, failed)


def says_nothing(record: Record) -> bool:
    """Return whether a compile ended for no reason of its own: its server did not start, or it was not run at all."""
    return ended_for_no_reason(record.status, record.error)


def ended_for_no_reason(status: Status, error: Failure | None) -> bool:
    """Return the same of a trial that ended with a status and an error."""
    if status is Status.OK:
        return False
    told = error is not None and error.phase is not None
    return not status.ran or (status.is_failure and not told and status is not Status.WRONG_OUTPUT)


def _fails(record: Record) -> bool:
    """Return whether a compile failed of itself."""
    return record.status.is_failure and not says_nothing(record)


def _equal(programs: Mapping[Moved, str | None], one: Moved, other: Moved) -> bool:
    return programs.get(one) is not None and programs[one] == programs.get(other)


def by_moved_knobs(
    records: Iterable[Record], moved: Mapping[str, Level], baseline: Mapping[str, Level]
) -> dict[Moved, Record]:
    """Return records by which knobs of a screening they have moved from the baseline."""
    return {Moved(_moved(record.config.knobs, moved, baseline)): record for record in records}


def _moved(
    knobs: Mapping[str, Level | None], moved: Mapping[str, Level], baseline: Mapping[str, Level]
) -> Sequence[str]:
    return [knob for knob in moved if knobs[knob] != baseline[knob]]
