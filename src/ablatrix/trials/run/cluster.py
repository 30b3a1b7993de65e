"""A run over slots on several hosts: each takes a unit at a time, and this process alone writes the results."""

from __future__ import annotations

import gc
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Protocol

from ablatrix.errors import TrialError
from ablatrix.records.machine import cores_allowed
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Design, Trial
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.host import place_runs
from ablatrix.trials.messages import Interrupt, Interrupted
from ablatrix.trials.results import Batch, Ledger, Line, Progress
from ablatrix.trials.run.block_runner import out_of_budget
from ablatrix.trials.run.dialogue import DISK_S, TURN_S
from ablatrix.trials.run.lost import lost
from ablatrix.trials.run.seat import Seat
from ablatrix.trials.run.seats import Seats
from ablatrix.trials.run.units import (
    Unit,
    as_lost,
    as_not_final,
    in_keeps,
    loss,
    make_units,
    offer_id_of,
    read_kept,
    unit_design,
    with_host,
)
from ablatrix.trials.run.workplace import Following, Pairs
from ablatrix.trials.slots import Kept, Offer, OfferNote, SlotBook

_log = logging.getLogger(__name__)

PREPARING_S = 1200.0
MOST_TOGETHER = 256
"""Units that are settled with one wait for the disk."""
OBJECTS = 50_000
"""New objects between two searches for cycles while units run; 700 without a say."""
STOP_S = 60.0
"""How long slots have to bring what they have after the user asked to stop."""


class Planner(Protocol):
    """Who plans what runs, and takes what came of it."""

    @property
    def design(self) -> Design:
        """The design as it is."""

    def budget_left_s(self) -> float | None:
        """Return what is left of the study's time; None without a limit."""

    def settle(self, trials: Mapping[str, Trial], made: Sequence[Line]) -> None:
        """Write the lines of one block."""


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Units whose lines are on their way to the disk, which ``done`` waits for."""

    units: Sequence[Unit]
    batch: Batch
    done: Future[None]


@contextmanager
def _cycles_seldom_sought() -> Iterator[None]:
    """Have Python seldom look for cycles: what slots bring has none, and looking goes through all that is held."""
    before = gc.get_threshold()
    if 0 < before[0] < OBJECTS:
        gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Cluster:
    """The workplace of a run over slots. What comes is settled in the order of the design.

    Another thread waits for the disk, so that this one hears and offers meanwhile; what came by then goes together.
    """

    def __init__(
        self,
        resolved: ResolvedStudy,
        ledger: Ledger,
        book: SlotBook,
        seats: Seats,
        interrupt: Interrupt,
        progress: Progress,
        session: Planner,
    ) -> None:
        """Begin, without asking any host.

        Args:
            resolved: The study with its catalogue.
            ledger: Numbers attempts, and writes records.
            book: What is known of offers, on disk.
            seats: The slots.
            interrupt: Ends the run.
            progress: Notified of what happens.
            session: Has the design, and takes the lines of each block in its order.
        """
        self._resolved, self._ledger, self._book, self._seats = resolved, ledger, book, seats
        self._interrupt, self._progress = interrupt, progress
        self._session = session
        self._stride = resolved.study.protocol.repeats + 2
        self._queue: deque[Unit] = deque()
        self._order: deque[Unit] = deque()
        self._offers: dict[int, list[str]] = {}  # of units whose lines are not in the results yet
        self._reserved: dict[str, int] = {}
        self._settling: Settling | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._threads = place_runs(resolved.study.protocol.threads, resolved.study.protocol.cpus)[0]

    @property
    def is_several(self) -> bool:
        """Units run beside each other."""
        return True

    @property
    def at_once(self) -> int:
        """How many untimed compiles run beside each other on a host, taken from this one."""
        return max(1, cores_allowed() // self._threads)

    def recover(self) -> None:
        """Write what came whole, or was lost, before an earlier run died: its spools are on this disk."""
        notes = [(note, self._book.copy(note.offer_id)) for note in self._book.notes()]
        lines: list[tuple[OfferNote, list[Line]]] = []
        for note, copy in notes:
            kept = [read_kept(one, str(copy.path)) for one in copy.new_entries() if isinstance(one, Kept)]
            if note.lost:
                lines.append((note, as_lost(kept, note)))
            elif copy.ended is not None:
                lines.append((note, kept if copy.ended.how == "done" else as_not_final(kept)))
        self._ledger.read()
        with self._ledger.begin(set()):
            for note, held in lines:
                self._write_unseen(held)
                self._book.forget(note.offer_id)

    def open(self, stack: ExitStack, cells: Iterable[Cell]) -> None:
        """Ask all hosts what they have, and set up slots on those that may take part.

        Raises:
            TrialError: None may.
        """
        del cells  # slots prepare what their blocks need
        stack.callback(self._disk.shutdown)
        stack.callback(self._seats.leave)
        self._seats.open(self._interrupt)
        self._seats.bring_late_to(self._write_late)
        there = set().union(*(seat.spools for seat in self._seats.open_seats))
        for note in self._book.notes():
            if note.offer_id not in there:  # its host did not come back; what it sent before is here
                copy = self._book.copy(note.offer_id)
                kept = [read_kept(one, str(copy.path)) for one in copy.new_entries() if isinstance(one, Kept)]
                self._write_late(kept, replace(note, lost="its host did not come back"))
                self._book.forget(note.offer_id)

    def prepare(self, cells: Iterable[Cell]) -> None:
        """Leave it to the slots: each prepares what its blocks need, once."""

    def run(self, blocks: Sequence[Pairs], following: Following) -> None:
        """Run blocks as units on whichever slot is free, and return when all are settled, and what was late is brought.

        Raises:
            Interrupted: The user asked to stop; what was brought is settled.
            TrialError: No slot is left.
        """
        del following  # a slot knows the next block of its unit
        units = make_units(blocks)
        self._order.extend(units)
        self._adopt(units)
        try:
            with _cycles_seldom_sought():
                while self._order or self._settling is not None or self._seats.is_late_awaited:
                    self._turn()
        except (Interrupted, TrialError):
            self._stop()
            raise

    def _turn(self) -> None:
        self._seats.turn(self._next_unit, self)
        self._flush()
        if not self._seats.is_any_open and not all(unit.is_done for unit in self._order):
            raise TrialError(
                f"no slot is left: {self._seats.why_closed()}; see ablatrix cluster check, and run the same command "
                "again, which resumes"
            )
        is_awaited = self._settling is not None or self._seats.is_disk_awaited
        self._interrupt.pause(DISK_S if is_awaited else TURN_S)

    def offer(self, seat: Seat, unit: Unit) -> Offer:
        """Write down that a unit is offered to a slot, and return the offer."""
        attempts = {trial.trial_id: self._next_range(trial.trial_id) for trial in unit.trials}
        self._reserved |= {trial_id: first + self._stride for trial_id, first in attempts.items()}
        offer_id = offer_id_of(self._book.run_id, unit, attempts)
        unit.stratum = unit.stratum or seat.stratum
        note = OfferNote(
            offer_id=offer_id,
            blocks=unit.block_ids,
            host_id=seat.host_id,
            slot=seat.slot,
            stratum=seat.stratum,
            machine=seat.machine,
            attempts=attempts,
        )
        self._book.write(note)
        seat.note = note
        design = unit_design(self._session.design, unit)
        return Offer(offer_id=offer_id, design=design, attempts=attempts, budget_left_s=self._session.budget_left_s())

    def brought(self, unit: Unit, note: OfferNote, lines: Sequence[Line], *, is_whole: bool) -> None:
        """Take what a slot brought of a unit to its end; a torn one runs again whole, at the next run."""
        unit.brought += lines if is_whole else as_not_final(lines)
        unit.is_done = is_whole
        self._to_forget(unit, note)

    def lose(self, unit: Unit, note: OfferNote, lines: Sequence[Line], reason: str) -> None:
        """Take what came of a unit that was lost, none of which counts, and offer it again, inside its stratum."""
        note = replace(note, lost=reason)
        self._book.write_loss(note)
        unit.brought += as_lost(lines, note)
        known = {line.brief.trial_id for line in lines}
        pairs = [pair for block in unit.blocks for pair in block if pair[0].trial_id not in known]
        outcomes = [lost(trial, cell, Status.NODE_LOST, loss(note)) for trial, cell in pairs]
        if outcomes:
            last = self._stride - 1  # of the offer's numbers: no attempt that comes late has it
            made = self._ledger.make(self._resolved, outcomes, final=False)
            first = note.attempts
            unit.brought += [with_host(line, note, first[line.brief.trial_id] + last) for line in made]
        self._to_forget(unit, note)
        self._queue.appendleft(unit)

    def patience_s(self, unit: Unit) -> float:
        """Return for how long a slot may have nothing to say: while it prepares, builds, or times one block."""
        protocol = self._resolved.study.protocol
        longest = max(len(block) for block in unit.blocks)
        return PREPARING_S + max(protocol.cold.timeout_s, protocol.hot.timeout_s * longest)

    def _to_forget(self, unit: Unit, note: OfferNote) -> None:
        self._offers.setdefault(id(unit), []).append(note.offer_id)

    def _next_unit(self, seat: Seat) -> Unit | None:
        """Return the next unit for a slot: one of its stratum, or of none yet, or of one that has no slot left."""
        left = self._session.budget_left_s()
        while left == 0.0 and self._queue:
            unit = self._queue.popleft()
            pairs = [pair for block in unit.blocks for pair in block]
            outcomes = out_of_budget(self._resolved.study.protocol.budget_s, pairs)
            unit.brought += self._ledger.make(self._resolved, outcomes)
            unit.is_done = True
        first = self._queue[0] if self._queue else None
        if first is not None and first.stratum in (None, seat.stratum):  # nearly always, and slots are many
            return self._queue.popleft()
        strata = {one.stratum for one in self._seats.open_seats}
        for unit in self._queue:
            if unit.stratum in (None, seat.stratum) or unit.stratum not in strata:
                self._queue.remove(unit)
                if unit.stratum not in (None, seat.stratum):
                    self._progress.notice(f"{unit.name}: no host of its stratum is left; it moves to {seat.slot}")
                    unit.stratum = seat.stratum
                return unit
        return None

    def _next_range(self, trial_id: str) -> int:
        """Return the first of the numbers of attempts that no offer of a trial has had."""
        first = max(self._ledger.next_attempt(trial_id), self._reserved.get(trial_id, 0))
        return -(-first // self._stride) * self._stride

    def _adopt(self, units: Sequence[Unit]) -> None:
        """Give units that slots were running when an earlier run died to these slots, the others to whoever is free."""
        notes = {note.blocks: note for note in self._book.notes()}
        for unit in units:
            note = notes.get(unit.block_ids)
            seat = None if note is None else self._seats.with_spool(note.offer_id)
            if note is not None and seat is not None and seat.adopted is None:
                self._reserved |= {trial: first + self._stride for trial, first in note.attempts.items()}
                unit.stratum = note.stratum
                seat.adopted = (unit, note)
            else:
                self._queue.append(unit)

    def _flush(self) -> None:
        """Settle units in the order of the design, as far as they are done and the disk is free."""
        if self._settling is not None and not self._settling.done.done():
            return
        self._finish_settling()
        done: list[Unit] = []
        while self._order and self._order[0].is_done and len(done) < MOST_TOGETHER:
            done.append(self._order.popleft())
        if done:
            self._settle(done)

    def _settle(self, units: Sequence[Unit]) -> None:
        """Begin to have the lines of units in the results, on disk with one wait for all."""
        with self._ledger.together() as batch:
            for unit in units:
                trials = {trial.trial_id: trial for trial in unit.trials}
                for unseen in self._unseen(unit.brought):
                    self._session.settle(trials, unseen)
        offers = [offer_id for unit in units for offer_id in self._offers.pop(id(unit), [])]
        done = self._disk.submit(self._write_down, batch, offers)
        self._settling = Settling(units=units, batch=batch, done=done)

    def _write_down(self, batch: Batch, offers: Sequence[str]) -> None:
        """Have lines on disk, then forget the offers that they came from."""
        self._ledger.to_disk(batch)
        for offer_id in offers:
            self._book.forget(offer_id)

    def _finish_settling(self) -> None:
        """Wait until lines that are on their way are in the results.

        Raises:
            RecordError: The disk refuses them.
        """
        if self._settling is None:
            return
        settling, self._settling = self._settling, None
        settling.done.result()
        self._ledger.tell(settling.batch)
        for unit in settling.units:
            unit.brought = []

    def _stop(self) -> None:
        """Have all slots bring what they have, and settle it, as far as it comes in time."""
        self._queue.clear()
        self._seats.stop()
        deadline = monotonic() + STOP_S
        while self._seats.busy and monotonic() < deadline:
            self._seats.turn(lambda seat: None, self)
            sleep(TURN_S)
        self._seats.drop_busy(self)
        self._finish_settling()
        self._settle(list(self._order))
        self._order.clear()
        self._finish_settling()

    def _write_late(self, lines: Sequence[Line], note: OfferNote) -> None:
        """Write what came of an offer that was given up before: it does not count, and is not lost."""
        if self._settling is not None:  # one writes at a time; whether the disk refused that is asked later
            wait([self._settling.done])
        self._write_unseen(as_lost(lines, note))

    def _write_unseen(self, lines: Sequence[Line]) -> None:
        for unseen in self._unseen(lines):
            self._ledger.write(unseen)

    def _unseen(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """Yield lines as they were kept, without those of attempts that have one in the results."""
        for held in in_keeps(lines):
            found: dict[tuple[str, int], Line] = {}
            for line in held:
                key = line.brief.trial_id, line.brief.attempt
                if not self._ledger.is_written(*key):
                    found.setdefault(key, line)
            if found:
                yield list(found.values())
