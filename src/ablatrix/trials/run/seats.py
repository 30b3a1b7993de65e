"""The slots of a run: connecting to hosts, letting each go one step on, and what a loss means."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep

from ablatrix.errors import AblatrixError, TrialError
from ablatrix.trials.host import utc_now
from ablatrix.trials.messages import Interrupt, encode
from ablatrix.trials.results import Line, Progress
from ablatrix.trials.run.dialogue import (
    GRACE_S,
    LOOK_EACH_S,
    LOOK_S,
    LOSSES,
    OPENING_S,
    SILENCE_S,
    SITES_S,
    STATES_S,
    TURN_S,
    Dialogue,
)
from ablatrix.trials.run.seat import HostReport, Office, OnDisk, Seat
from ablatrix.trials.run.units import Unit, read_kept
from ablatrix.trials.slots import (
    Answer,
    Field,
    Kept,
    LeaveRequest,
    OfferNote,
    Setup,
    Site,
    SlotBook,
    SlotLost,
    SlotState,
    choose_reference,
    decode_answer,
    read_fingerprint,
)

_log = logging.getLogger(__name__)


class Seats:
    """All slots of a run."""

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
        self._field, self._book, self._progress = where, book, progress
        self._dialogue = Dialogue(book, setup, progress)
        self._seats: list[Seat] = []
        self._shown_at = self._looked_at = 0.0
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="offers")
        self._on_disk: Future[None] | None = None
        self._waiting: list[tuple[Seat, OnDisk]] = []

    @property
    def open_seats(self) -> list[Seat]:
        """The slots that take part."""
        return [seat for seat in self._seats if seat.is_open]

    @property
    def is_any_open(self) -> bool:
        """Whether any slot takes part."""
        return any(seat.is_open for seat in self._seats)

    @property
    def is_late_awaited(self) -> bool:
        """Whether on some host there is what was measured for this run and not brought yet."""
        return any(seat.has_late for seat in self.open_seats)

    def bring_late_to(self, take: Callable[[Sequence[Line], OfferNote], None]) -> None:
        """Have lines that come of an offer that was given up before brought to somebody."""
        self._dialogue.bring_late = take

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
        if self._dialogue.reference is None:
            described = [seat.description for seat in self.open_seats if seat.description is not None]
            self._dialogue.reference = choose_reference(read_fingerprint(), [one.fingerprint for one in described])
            self._book.keep_reference(self._dialogue.reference)
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
        """Let each slot go one step on; those that wait for the disk do so together, while the others go on.

        Raises:
            OSError: The disk refuses what is noted of offers, or copied of spools.
        """
        self._dialogue.next_unit, self._dialogue.office = next_unit, office
        if self._on_disk is not None and self._on_disk.done():
            self._finish_waiting()
        going = self.open_seats
        self._dialogue.look_s = max(LOOK_S, LOOK_EACH_S * len(going))
        for seat in going:
            if seat.is_open and seat.awaits is None:
                try:
                    self._step(seat)
                except SlotLost as error:
                    self._lose(seat, str(error))
        if self._on_disk is None:
            self._waiting = [(seat, seat.awaits) for seat in going if seat.awaits is not None]
            if self._waiting:
                copies = [copy for _, wish in self._waiting for copy in wish.copies]
                self._on_disk = self._disk.submit(self._book.commit_later(copies))
        now = monotonic()
        if office is not None and self._dialogue.stopping_since is None and now - self._looked_at > SITES_S:
            self._looked_at = now
            known = {seat.site.key for seat in self._seats}
            for site in self._field.sites():
                if site.key not in known:
                    self._add(site)
        if now - self._shown_at > max(STATES_S, LOOK_EACH_S * len(going) / 2):
            self._show()

    @property
    def is_disk_awaited(self) -> bool:
        """Whether slots wait until what was noted of them is on disk."""
        return self._on_disk is not None

    def _finish_waiting(self) -> None:
        """Wait until what slots wait for is on disk, and let them go on."""
        if self._on_disk is None:
            return
        on_disk, self._on_disk = self._on_disk, None
        on_disk.result()
        for seat, wish in self._waiting:
            if seat.awaits is wish:
                seat.awaits = None

    def with_spool(self, offer_id: str) -> Seat | None:
        """Return the slot on whose host an offer's spool lies."""
        return next((seat for seat in self.open_seats if offer_id in seat.spools), None)

    def stop(self) -> None:
        """Have all slots end what they run, and say what they have."""
        self._dialogue.stopping_since = monotonic()

    def drop_busy(self, office: Office) -> None:
        """Give up what did not come in time."""
        for seat in self.open_seats:
            if seat.unit is not None:
                self._give_up(seat, "it did not stop in time", office)
                seat.has_late = True  # what it had measured by now stays there, for the next run

    def leave(self) -> None:
        """Let all hosts go. What lies there of units that were not brought stays for a restart."""
        self._disk.shutdown()
        is_whole = not self._book.notes()
        for seat in self._seats:
            if seat.transport is None:
                continue
            try:
                if seat.is_open:
                    if seat.asked_at is not None:  # such as that what it brought last is written
                        self._await(seat)
                    seat.transport.send(encode(LeaveRequest(forget=is_whole and not seat.has_late)))
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
            self._dialogue.close(seat, site.refusal, refused=True)
        elif seat.losses >= LOSSES:
            self._dialogue.close(seat, f"its host was lost {seat.losses} times")
        else:
            self._connect(seat)

    def _connect(self, seat: Seat) -> None:
        seat.state, seat.asked_at, seat.resume_at, seat.description = "opening", None, 0.0, None
        seat.awaits, seat.acknowledged = None, ""
        try:
            seat.transport = seat.site.connect(self._book.run_id)
        except SlotLost as error:
            self._dialogue.close(seat, str(error))
            return
        seat.drive = self._dialogue.drive(seat)

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
            answer = decode_answer(data)
        elif now < seat.resume_at:
            return
        try:
            wish = seat.drive.send(answer)
        except StopIteration:
            return
        except AblatrixError as error:  # what came of it is not what a slot sends
            raise SlotLost(str(error)) from None
        if isinstance(wish, OnDisk):
            seat.awaits = wish
        elif isinstance(wish, float):
            seat.resume_at = now + wish
        else:
            seat.transport.send(encode(wish))
            seat.asked_at = now

    def _lose(self, seat: Seat, reason: str) -> None:
        """Give up what a slot runs; open it again, unless it was lost before."""
        seat.losses += 1
        for other in self._seats:
            if other.site.name == seat.site.name:
                other.losses = max(other.losses, seat.losses)
        self._progress.notice(f"{seat.slot} is lost: {reason}")
        if seat.transport is not None:
            seat.transport.close()
        if seat.unit is not None and self._dialogue.office is not None:
            self._give_up(seat, reason, self._dialogue.office)
        if seat.adopted is not None and self._dialogue.office is not None:
            seat.unit, seat.note = seat.adopted
            copy = self._book.copy(seat.note.offer_id)
            seat.lines = [read_kept(one, str(copy.path)) for one in copy.new_entries() if isinstance(one, Kept)]
            self._give_up(seat, reason, self._dialogue.office)
        if seat.losses >= LOSSES:
            self._dialogue.close(seat, f"lost {seat.losses} times, the last time because {reason}")
        elif not seat.site.is_there():
            self._dialogue.close(seat, f"its host is gone: {reason}")
        elif self._dialogue.stopping_since is None:
            self._connect(seat)
        else:
            self._dialogue.close(seat, reason)

    def _give_up(self, seat: Seat, reason: str, office: Office) -> None:
        unit, note, lines = seat.unit, seat.note, seat.lines
        seat.unit = seat.note = seat.adopted = None
        seat.lines = []
        if unit is not None and note is not None:
            office.lose(unit, note, lines, reason)

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
