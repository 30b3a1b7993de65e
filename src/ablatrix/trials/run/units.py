"""Units: blocks that run on one host together, what was brought of them, and what of it counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ablatrix.canonical import content_id
from ablatrix.records.model import Failure, Machine, TrialMachine
from ablatrix.records.place import Place
from ablatrix.records.status import Status
from ablatrix.records.titles import Titles
from ablatrix.study.design import Design, Trial
from ablatrix.study.design_file import design_text
from ablatrix.trials.results import Line, read_whole
from ablatrix.trials.run.workplace import Pairs
from ablatrix.trials.slots import Kept, OfferNote


@dataclass(eq=False)
class Unit:
    """All blocks of one workload on one compiler in one repeat and mode, which run on one host.

    Attributes:
        blocks: The blocks, each with its trials and their cells.
        stratum: Of the host that it was first offered to, None before.
        brought: What came of it so far, attempts that were lost included.
        is_done: Whether all of it has come.
    """

    blocks: list[Pairs]
    stratum: str | None = None
    brought: list[Line] = field(default_factory=list)
    is_done: bool = False

    @property
    def block_ids(self) -> tuple[str, ...]:
        """Ids of the blocks."""
        return tuple(block[0][0].block_id for block in self.blocks)

    @property
    def trials(self) -> list[Trial]:
        """Its trials in run order."""
        return [trial for block in self.blocks for trial, _ in block]

    @property
    def name(self) -> str:
        """What it is, for people."""
        trial, cell = self.blocks[0][0]
        compiler = next((one.compiler for _, one in self.blocks[0] if one.compiler != "eager"), cell.compiler)
        return f"{cell.workload} on {compiler}, {trial.mode}, repeat {trial.replicate}"


def unit_of(block: Pairs) -> tuple[object, ...]:
    """Return what blocks of one unit have in common; the parts of a repeat that was split are of one unit."""
    trial, cell = block[0]
    compiler = next((one.compiler for _, one in block if one.compiler != "eager"), cell.compiler)
    return cell.workload, compiler, trial.mode, trial.replicate, trial.stage, trial.role == "probe"


def make_units(blocks: Iterable[Pairs]) -> list[Unit]:
    """Return blocks as units, in the order of their first blocks."""
    held: dict[tuple[object, ...], list[Pairs]] = {}
    for block in blocks:
        held.setdefault(unit_of(block), []).append(block)
    return [Unit(group) for group in held.values()]


def unit_design(design: Design, unit: Unit) -> str:
    """Return the text of the part of a design that a unit needs; what things are called is not of it."""
    cells = {cell.cell_id: cell for block in unit.blocks for _, cell in block}
    part = replace(design, cells=tuple(cells.values()), trials=tuple(unit.trials), titles=Titles())
    return design_text(part, indent=None)


def offer_id_of(run_id: str, unit: Unit, attempts: dict[str, int]) -> str:
    """Return the id of an offer of a unit."""
    return content_id({"run": run_id, "blocks": list(unit.block_ids), "attempts": attempts})


def read_kept(entry: Kept, location: str) -> Line:
    """Return the line of an entry, whose record its host validated.

    Raises:
        RecordError: It breaks the schema.
    """
    return read_whole(entry.record, entry.samples, location)


def in_keeps(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield lines as they were kept: all of one attempt of a hot block together, a cold trial by itself."""

    def key(numbered: tuple[int, Line]) -> tuple[object, ...]:
        number, brief = numbered[0], numbered[1].brief
        return (brief.block_id, brief.attempt, brief.status) if brief.mode == "hot" else (number,)

    for _, group in itertools.groupby(enumerate(lines), key=key):
        yield [line for _, line in group]


def as_not_final(lines: Iterable[Line]) -> list[Line]:
    """Return lines of a unit that was stopped: it runs again whole, so that none of them counts."""
    return [line.changed(final=False) for line in lines]


def as_lost(lines: Iterable[Line], note: OfferNote) -> list[Line]:
    """Return lines of a unit that was lost; what they had measured stays in them."""
    return [line.changed(status=Status.NODE_LOST, final=False, error=line.brief.error or loss(note)) for line in lines]


def with_host(line: Line, note: OfferNote, attempt: int) -> Line:
    """Return the line of a trial that was lost before it had one: of the host that it was lost on."""
    machine = Machine.model_validate_json(note.machine)
    meta = line.record.meta.model_copy(
        update={
            "machine": TrialMachine(**dict(machine)),
            "place": Place(host_id=note.host_id, slot=note.slot, stratum=note.stratum),
        }
    )
    record_id = content_id({"trial": line.brief.trial_id, "attempt": attempt})
    return line.changed(meta=meta, final=False, attempt=attempt, record_id=record_id)


def loss(note: OfferNote) -> Failure:
    """Return the failure of a trial whose unit was lost."""
    return Failure(type=Status.NODE_LOST, message=f"slot {note.slot} was lost: {note.lost}", phase=None)
