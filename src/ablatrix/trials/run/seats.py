"""The slots of a run: connecting, comparing hosts, offering units, pulling what they bring, and what a loss means.

Nothing here waits for one slot: each is a generator that yields what it wants to ask and is sent the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Literal, Protocol

from ablatrix.errors import AblatrixError, TrialError
from ablatrix.trials.host import utc_now
from ablatrix.trials.messages import Interrupt, decode, encode
from ablatrix.trials.results import Progress
from ablatrix.trials.run.units import Line, Unit, read_kept
from ablatrix.trials.slots import (
    ANSWER,
    PIECE_BYTES,
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Ended,
    Entry,
    Field,
    Fingerprint,
    Kept,
    LeaveRequest,
    Offer,
    OfferNote,
    OfferRequest,
    Prepared,
    PullRequest,
    Refused,
    Request,
    Setup,
    SetUpRequest,
    Site,
    SlotBook,
    SlotLost,
    SlotState,
    SpoolCopy,
    Told,
    Transport,
    choose_reference,
    difference_text,
    read_fingerprint,
    stratum_of,
)

_log = logging.getLogger(__name__)

SILENCE_S = 60.0
"""Without an answer for so long, a slot is lost: a keeper answers at once."""
OPENING_S = 120.0
PULL_S, IDLE_S, TURN_S = 0.5, 0.3, 0.05
STATES_S, SITES_S, GRACE_S = 1.0, 5.0, 20.0
LOSSES = 2
Drive = Generator[Request | float, Answer | None, None]
"""Yields a request, to be sent its answer, or seconds to wait."""


MakeSetup = Callable[["Seat", str], Setup]
"""Returns what a slot needs, of the slot and the id of the run."""


class Office(Protocol):
    """Whom slots bring units to."""

    def offer(self, seat: Seat, unit: Unit) -> Offer:
        """Write an offer down and return it."""

    def brought(self, unit: Unit, note: OfferNote, lines: Sequence[Line], *, is_whole: bool) -> None:
        """Take what was brought of a unit to its end."""

    def lose(self, unit: Unit, note: OfferNote, lines: Sequence[Line], reason: str) -> None:
        """Take what came of a unit that was lost."""

    def patience_s(self, unit: Unit) -> float:
        """Return for how long a slot that runs a unit may have nothing to say."""


@dataclass
class Seat:
    """A slot as the run knows it.

    Attributes:
        slot: Its name.
        site: Where it is.
        state: What it does; ``what`` says more.
        host_id, stratum, machine, spools: From its description.
        note, unit, lines: The offer that it runs, its unit, and what was pulled of it.
        adopted: A unit that it was running before the run was started again.
    """

    slot: str
    site: Site
    transport: Transport | None = None
    drive: Drive | None = None
    state: Literal["opening", "idle", "busy", "refused", "closed"] = "opening"
    what: str = ""
    host_id: str = ""
    stratum: str = ""
    machine: str = ""
    spools: tuple[str, ...] = ()
    note: OfferNote | None = None
    unit: Unit | None = None
    lines: list[Line] = field(default_factory=list)
    adopted: tuple[Unit, OfferNote] | None = None
    description: Description | None = None
    blocks: int = 0
    losses: int = 0
    heard: str = ""
    asked_at: float | None = None
    resume_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it takes part."""
        return self.state in ("opening", "idle", "busy")


@dataclass(frozen=True, kw_only=True)
class HostReport:
    """Whether a host may take part in a run from here.

    Attributes:
        host: Its name, for people.
        host_id, stratum: As records have them; empty where the host has not answered, or may not.
        refusal: Why it may not; empty where it may.
    """

    host: str
    host_id: str
    stratum: str
    refusal: str


class Seats:
    """All slots of a run.

    Attributes:
        bring_late: Called with lines that come of an offer that was given up before.
    """

    def __init__(
        self, where: Field, book: SlotBook, setup: Callable[[Seat, str], Setup] | None, progress: Progress
    ) -> None:
        """Begin, without connecting.

        Args:
            where: The hosts.
            book: What is known of offers, on disk.
            setup: Returns what a slot needs, given the id of the run; None only to look at hosts.
            progress: Notified of what happens.
        """
        self._field, self._book, self._setup, self._progress = where, book, setup, progress
        self._seats: list[Seat] = []
        self._reference: Fingerprint | None = book.reference()
        self._programs: dict[str, tuple[str, str]] = {}
        self._stopping_since: float | None = None
        self._shown_at = self._looked_at = 0.0
        self._office: Office | None = None
        self._next: Callable[[Seat], Unit | None] = lambda seat: None
        self.bring_late: Callable[[Sequence[Line], OfferNote], None] = lambda lines, note: None

    @property
    def open_seats(self) -> list[Seat]:
        """The slots that take part."""
        return [seat for seat in self._seats if seat.is_open]

    @property
    def busy(self) -> bool:
        """Whether any slot runs something."""
        return any(seat.unit is not None for seat in self.open_seats)

    def why_closed(self) -> str:
        """Return why each slot takes no part, in one line."""
        return "; ".join(f"{seat.slot}: {seat.what}" for seat in self._seats if not seat.is_open) or "there is none"

    def open(self, interrupt: Interrupt) -> None:
        """Connect to all hosts, compare them, and set up those that may take part.

        Raises:
            TrialError: None may.
        """
        self.look(interrupt)
        if not self.open_seats:
            raise TrialError(f"no host can take part: {self.why_closed()}")
        count = len({seat.host_id for seat in self.open_seats})
        strata = len({seat.stratum for seat in self.open_seats})
        of = f" of {strata} strata" if strata > 1 else ""
        self._progress.notice(f"{len(self.open_seats)} slots on {count} hosts{of}")

    def look(self, interrupt: Interrupt) -> list[HostReport]:
        """Connect to all hosts and compare them, and return what was found."""
        for site in self._field.sites():
            self._add(site)
        deadline = monotonic() + OPENING_S
        while any(seat.state == "opening" and seat.description is None for seat in self._seats):
            self.turn(lambda seat: None, None)
            if monotonic() > deadline:
                break
            interrupt.pause(TURN_S)
        if self._reference is None:
            described = [seat.description for seat in self.open_seats if seat.description is not None]
            self._reference = choose_reference(read_fingerprint(), [one.fingerprint for one in described])
            self._book.keep_reference(self._reference)
        while any(seat.state == "opening" for seat in self._seats):
            self.turn(lambda seat: None, None)
            interrupt.pause(TURN_S)
        self._show()
        return [
            HostReport(
                host=seat.site.name,
                host_id=seat.host_id,
                stratum=seat.stratum,
                refusal="" if seat.is_open else seat.what,
            )
            for seat in self._seats
        ]

    def turn(self, next_unit: Callable[[Seat], Unit | None], office: Office | None) -> None:
        """Let each slot go one step on."""
        self._next, self._office = next_unit, office
        for seat in self._seats:
            if seat.is_open:
                try:
                    self._step(seat)
                except SlotLost as error:
                    self._lose(seat, str(error))
        now = monotonic()
        if office is not None and self._stopping_since is None and now - self._looked_at > SITES_S:
            self._looked_at = now
            known = {seat.site.key for seat in self._seats}
            for site in self._field.sites():
                if site.key not in known:
                    self._add(site)
        if now - self._shown_at > STATES_S:
            self._show()

    def with_spool(self, offer_id: str) -> Seat | None:
        """Return the slot on whose host an offer's spool lies."""
        return next((seat for seat in self.open_seats if offer_id in seat.spools), None)

    def stop(self) -> None:
        """Have all slots end what they run, and say what they have."""
        self._stopping_since = monotonic()

    def drop_busy(self, office: Office) -> None:
        """Give up what did not come in time."""
        for seat in self.open_seats:
            if seat.unit is not None:
                self._give_up(seat, "it did not stop in time", office)

    def leave(self) -> None:
        """Let all hosts go. What lies there of units that were not brought stays for a restart."""
        forget = not self._book.notes()
        for seat in self._seats:
            if seat.transport is None:
                continue
            try:
                if seat.is_open:
                    if seat.asked_at is not None:  # such as that what it brought last is written
                        self._await(seat)
                    seat.transport.send(encode(LeaveRequest(forget=forget)))
                    self._await(seat)
            except SlotLost as error:
                _log.info("slot %s did not say goodbye: %s", seat.slot, error)
            seat.transport.close()
            if seat.is_open:
                seat.state, seat.what = "closed", "the run ended"
        self._show()

    def _await(self, seat: Seat) -> None:
        deadline = monotonic() + GRACE_S
        while seat.transport is not None and seat.transport.receive() is None and monotonic() < deadline:
            sleep(TURN_S)

    def _add(self, site: Site) -> None:
        number = sum(seat.site.name == site.name for seat in self._seats)
        words = site.name if not number else f"{site.name}-{number}"
        name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in words)
        seat = Seat(slot=name if name.startswith(self._field.word) else f"{self._field.word}-{name}", site=site)
        seat.losses = max((one.losses for one in self._seats if one.site.name == site.name), default=0)
        self._seats.append(seat)
        if site.refusal:
            self._close(seat, site.refusal, refused=True)
        elif seat.losses >= LOSSES:
            self._close(seat, f"its host was lost {seat.losses} times")
        else:
            self._connect(seat)

    def _connect(self, seat: Seat) -> None:
        seat.state, seat.asked_at, seat.resume_at, seat.description = "opening", None, 0.0, None
        try:
            seat.transport = seat.site.connect(self._book.run_id)
        except SlotLost as error:
            self._close(seat, str(error))
            return
        seat.drive = self._drive(seat)

    def _step(self, seat: Seat) -> None:
        assert seat.drive is not None and seat.transport is not None
        answer: Answer | None = None
        now = monotonic()
        if seat.asked_at is not None:
            data = seat.transport.receive()
            if data is None:
                limit = OPENING_S if seat.description is None else SILENCE_S
                if now - seat.asked_at > limit:
                    raise SlotLost(f"it has not answered for {limit:.0f} s")
                return
            seat.asked_at, seat.heard = None, utc_now()
            answer = decode(data, ANSWER)
        elif now < seat.resume_at:
            return
        try:
            wish = seat.drive.send(answer)
        except StopIteration:
            return
        except AblatrixError as error:  # what came of it is not what a slot sends
            raise SlotLost(str(error)) from None
        if isinstance(wish, float):
            seat.resume_at = now + wish
        else:
            seat.transport.send(encode(wish))
            seat.asked_at = now

    def _drive(self, seat: Seat) -> Drive:
        """Describe, compare, set up, bring what lies there, then take units."""
        described = yield DescribeRequest()
        if not isinstance(described, Description):
            raise SlotLost(_reason(described))
        seat.description, seat.host_id, seat.machine = described, described.host_id, described.machine
        seat.spools = described.spools.get(self._book.run_id, ())
        while self._reference is None:
            yield IDLE_S
        refusal = described.refusal or difference_text(self._reference, described.fingerprint)
        if refusal:
            self._close(seat, refusal, refused=True)
            return
        seat.stratum = stratum_of(described.fingerprint)
        if self._setup is None:
            seat.state = "idle"
            return
        answer = yield SetUpRequest(setup=self._setup(seat, self._book.run_id))
        if isinstance(answer, Refused):
            raise SlotLost(answer.reason)
        seat.state, seat.what = "idle", ""
        while self._office is None:
            yield IDLE_S
        yield from self._bring_late(seat)
        while True:
            if seat.adopted is not None:
                seat.unit, seat.note = seat.adopted
                seat.adopted = None
                self._progress.notice(f"{seat.slot} goes on with {seat.unit.name}")
            else:
                seat.unit = self._next(seat)
                if seat.unit is None:
                    yield IDLE_S
                    continue
                answer = yield OfferRequest(offer=self._office.offer(seat, seat.unit))
                if isinstance(answer, Refused):
                    raise SlotLost(answer.reason)
            seat.state, seat.what = "busy", seat.unit.name
            yield from self._serve(seat)
            seat.state, seat.what = "idle", ""

    def _serve(self, seat: Seat) -> Drive:
        """Pull the spool of the offer that a slot runs to its end, and bring what is in it."""
        unit, note, office = seat.unit, seat.note, self._office
        assert unit is not None and note is not None and office is not None
        copy = self._book.copy(note.offer_id)
        seat.lines = []
        patience = office.patience_s(unit)
        yield from self._pull(
            seat, note.offer_id, copy, lambda entry: self._take(seat, entry, str(copy.path)), patience
        )
        assert copy.ended is not None
        if copy.ended.how == "failed":
            raise SlotLost(copy.ended.message)
        office.brought(unit, note, seat.lines, is_whole=copy.ended.how == "done")
        seat.blocks += len(unit.blocks)
        seat.unit = seat.note = None
        seat.lines = []
        yield AcknowledgeRequest(offer_id=note.offer_id)

    def _pull(
        self, seat: Seat, offer_id: str, copy: SpoolCopy, take: Callable[[Entry], None], patience_s: float = SILENCE_S
    ) -> Drive:
        """Copy a spool to its end; what was copied before is taken first."""
        cancelled: bool | None = None
        grew_at = monotonic()
        for entry in copy.new_entries():
            take(entry)
        while copy.ended is None:
            if self._stopping_since is not None:
                hard = monotonic() - self._stopping_since > GRACE_S
                if cancelled is not hard:
                    cancelled = hard
                    yield CancelRequest(hard=hard)
            chunk = yield PullRequest(offer_id=offer_id, offset=copy.size, limit=PIECE_BYTES)
            if not isinstance(chunk, Chunk):
                raise SlotLost(_reason(chunk))
            if copy.accept(chunk):
                grew_at = monotonic()
                for entry in copy.new_entries():
                    take(entry)
            elif monotonic() - grew_at > patience_s:
                raise SlotLost(f"its runner hangs: it has had nothing to say for {patience_s:.0f} s")
            elif chunk.is_running or chunk.data:
                yield PULL_S
            else:
                raise SlotLost(chunk.ending or "its runner is gone")

    def _take(self, seat: Seat, entry: Entry, location: str) -> None:
        match entry:
            case Kept():
                record, samples = read_kept(entry, location)
                seat.lines.append((record, samples))
                self._book.log(seat.slot, f"{utc_now()} {record.trial_id} attempt {record.attempt}: {record.status}")
            case Told():
                self._book.log(seat.slot, f"{utc_now()} {entry.text} {entry.trial_id}".rstrip())
                if entry.is_notice:
                    self._progress.notice(f"{seat.slot}: {entry.text}")
            case Prepared():
                self._compare_programs(seat, entry)
            case Ended():
                self._book.log(seat.slot, f"{utc_now()} {entry.how} {entry.message}".rstrip())

    def _compare_programs(self, seat: Seat, entry: Prepared) -> None:
        """Refuse a host on which a workload became another program than on those before.

        Raises:
            SlotLost: It did.
        """
        for workload, digest in entry.programs.items():
            first, slot = self._programs.setdefault(workload, (digest, seat.slot))
            if first != digest:
                seat.losses = LOSSES
                raise SlotLost(
                    f"the prepared program of {workload} is another one there (SHA-256 {digest[:12]}) than on {slot} "
                    f"({first[:12]})"
                )

    def _bring_late(self, seat: Seat) -> Drive:
        """Bring what lies on a host of offers that were given up: nothing that was measured is lost."""
        awaited = None if seat.adopted is None else seat.adopted[1].offer_id
        for offer_id in (one for one in seat.spools if one != awaited):
            note = OfferNote(
                offer_id=offer_id,
                blocks=(),
                host_id=seat.host_id,
                slot=seat.slot,
                stratum=seat.stratum,
                machine=seat.machine,
                attempts={},
                lost="it was given up before its records came",
            )
            copy, lines = self._book.copy(offer_id), list[Line]()

            def take(entry: Entry, lines: list[Line] = lines, path: str = str(copy.path)) -> None:
                if isinstance(entry, Kept):
                    lines.append(read_kept(entry, path))

            try:
                if awaited is None:  # else it runs what is awaited, and nothing else
                    yield CancelRequest(hard=True)
                yield from self._pull(seat, offer_id, copy, take)
            except SlotLost as error:
                _log.info("spool %s of slot %s ends early: %s", offer_id, seat.slot, error)
            self.bring_late(lines, note)
            self._book.forget(offer_id)
            yield AcknowledgeRequest(offer_id=offer_id)

    def _lose(self, seat: Seat, reason: str) -> None:
        """Give up what a slot runs; open it again, unless it was lost before."""
        seat.losses += 1
        for other in self._seats:
            if other.site.name == seat.site.name:
                other.losses = max(other.losses, seat.losses)
        self._progress.notice(f"{seat.slot} is lost: {reason}")
        if seat.transport is not None:
            seat.transport.close()
        if seat.unit is not None and self._office is not None:
            self._give_up(seat, reason, self._office)
        if seat.adopted is not None and self._office is not None:
            seat.unit, seat.note = seat.adopted
            copy = self._book.copy(seat.note.offer_id)
            seat.lines = [read_kept(one, str(copy.path)) for one in copy.new_entries() if isinstance(one, Kept)]
            self._give_up(seat, reason, self._office)
        if seat.losses >= LOSSES:
            self._close(seat, f"lost {seat.losses} times, the last time because {reason}")
        elif not seat.site.is_there():
            self._close(seat, f"its host is gone: {reason}")
        elif self._stopping_since is None:
            self._connect(seat)
        else:
            self._close(seat, reason)

    def _give_up(self, seat: Seat, reason: str, office: Office) -> None:
        unit, note, lines = seat.unit, seat.note, seat.lines
        seat.unit = seat.note = seat.adopted = None
        seat.lines = []
        if unit is not None and note is not None:
            office.lose(unit, note, lines, reason)

    def _close(self, seat: Seat, why: str, *, refused: bool = False) -> None:
        seat.state, seat.what = ("refused" if refused else "closed"), why
        self._progress.notice(f"{seat.slot} takes no part: {why}")
        if refused and seat.transport is not None:
            seat.transport.close()

    def _show(self) -> None:
        self._shown_at = monotonic()
        self._book.show(
            [
                SlotState(
                    slot=seat.slot,
                    host=seat.site.name,
                    host_id=seat.host_id,
                    stratum=seat.stratum,
                    state=seat.state,
                    what=seat.what,
                    blocks=seat.blocks,
                    losses=seat.losses,
                    heard_utc=seat.heard,
                )
                for seat in self._seats
            ]
        )


def _reason(answer: Answer | None) -> str:
    return answer.reason if isinstance(answer, Refused) else f"it answered with {type(answer).__name__}"
