"""What a run says to a slot, from its description to the last line of its spool.

Nothing here waits for one slot: each dialogue is a generator that yields what it wants to ask and is sent the answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from time import monotonic

from ablatrix.trials.host import utc_now
from ablatrix.trials.results import Line, Progress
from ablatrix.trials.run.seat import Drive, MakeSetup, Office, OnDisk, Seat
from ablatrix.trials.run.units import Unit, read_kept
from ablatrix.trials.slots import (
    PIECE_BYTES,
    AcknowledgeRequest,
    Answer,
    CancelRequest,
    Chunk,
    DescribeRequest,
    Description,
    Ended,
    Entry,
    Fingerprint,
    Kept,
    OfferNote,
    OfferRequest,
    Prepared,
    PullRequest,
    Refused,
    Request,
    SetUpRequest,
    SlotBook,
    SlotLost,
    SpoolCopy,
    Told,
    difference_text,
    stratum_of,
)

_log = logging.getLogger(__name__)

SILENCE_S = 60.0
"""Without an answer for so long, a slot is lost: a keeper answers at once."""
OPENING_S = 120.0
LOOK_S, LOOK_EACH_S, IDLE_S, TURN_S = 0.5, 0.01, 0.3, 0.05
STATES_S, SITES_S, GRACE_S = 1.0, 5.0, 20.0
DISK_S = 0.005
"""How long a run sleeps while the disk is awaited."""
LOSSES = 2
Take = Callable[[Sequence[Entry]], None]


class Dialogue:
    """How a run talks to its slots.

    Attributes:
        reference: What hosts are compared with; None until enough have described themselves.
        office: Whom units are brought to; None while no blocks are run.
        next_unit: Returns the next unit for a slot, None for none now.
        stopping_since: When the user asked to stop, on the monotonic clock.
        bring_late: Called with lines that come of an offer that was given up before.
        look_s: How long a slot has time to say what is new of the offer that it runs.
    """

    def __init__(self, book: SlotBook, setup: MakeSetup | None, progress: Progress) -> None:
        self._book, self._setup, self._progress = book, setup, progress
        self._programs: dict[str, tuple[str, str]] = {}
        self._brought: set[str] = set()
        self.reference: Fingerprint | None = book.reference()
        self.office: Office | None = None
        self.next_unit: Callable[[Seat], Unit | None] = lambda seat: None
        self.stopping_since: float | None = None
        self.look_s = LOOK_S
        self.bring_late: Callable[[Sequence[Line], OfferNote], None] = lambda lines, note: None

    def close(self, seat: Seat, why: str, *, refused: bool = False) -> None:
        """Let a slot take no part; ``refused`` before it did anything."""
        seat.state, seat.what = ("refused" if refused else "closed"), why
        self._progress.notice(f"{seat.slot} takes no part: {why}")
        if refused and seat.transport is not None:
            seat.transport.close()

    def drive(self, seat: Seat) -> Drive:
        """Describe, compare, set up, bring what lies there, then take units."""
        described = yield DescribeRequest()
        if not isinstance(described, Description):
            raise SlotLost(_reason(described))
        seat.description, seat.host_id, seat.machine = described, described.host_id, described.machine
        seat.spools = described.spools.get(self._book.run_id, ())
        seat.has_late = bool(seat.spools)
        while self.reference is None:
            yield IDLE_S
        refusal = described.refusal or difference_text(self.reference, described.fingerprint)
        if refusal:
            self.close(seat, refusal, refused=True)
            return
        seat.stratum = stratum_of(described.fingerprint)
        if self._setup is None:
            seat.state = "idle"
            return
        answer = yield SetUpRequest(setup=self._setup(seat, self._book.run_id))
        if isinstance(answer, Refused):
            raise SlotLost(answer.reason)
        seat.state, seat.what = "idle", ""
        while self.office is None:
            yield IDLE_S
        yield from self._bring_late(seat)
        seat.has_late = False
        brought: tuple[SpoolCopy, ...] = ()
        while True:
            first: Chunk | None = None
            if seat.adopted is not None:
                seat.unit, seat.note = seat.adopted
                seat.adopted = None
                self._progress.notice(f"{seat.slot} goes on with {seat.unit.name}")
            else:
                seat.unit = self.next_unit(seat)
                if seat.unit is None:
                    if brought:
                        yield OnDisk(brought)
                        yield AcknowledgeRequest(offer_id=seat.acknowledged)
                        brought, seat.acknowledged = (), ""
                    yield IDLE_S
                    continue
                offer = self.office.offer(seat, seat.unit)
                yield OnDisk(brought)
                seat.state, seat.what = "busy", seat.unit.name
                told = seat.acknowledged
                asked = OfferRequest(offer=offer, acknowledged=told, limit=PIECE_BYTES, wait_s=self.look_s)
                first = _chunk((yield asked))
            seat.state, seat.what = "busy", seat.unit.name
            copy = yield from self._serve(seat, first)
            brought = (copy,)
            seat.state, seat.what = "idle", ""

    def _serve(self, seat: Seat, first: Chunk | None) -> Generator[Request | float | OnDisk, Answer | None, SpoolCopy]:
        """Pull the spool of the offer that a slot runs to its end, and bring what is in it; return the copy."""
        unit, note, office = seat.unit, seat.note, self.office
        assert unit is not None and note is not None and office is not None
        copy = self._book.copy(note.offer_id)
        seat.lines = []

        def take(entries: Sequence[Entry]) -> None:
            self._take(seat, entries, str(copy.path))

        yield from self._pull(seat, note.offer_id, copy, take, office.patience_s(unit), first)
        assert copy.ended is not None
        if copy.ended.how == "failed":
            raise SlotLost(copy.ended.message)
        office.brought(unit, note, seat.lines, is_whole=copy.ended.how == "done")
        self._brought.add(note.offer_id)
        seat.blocks += len(unit.blocks)
        seat.unit = seat.note = None
        seat.lines, seat.acknowledged = [], note.offer_id
        return copy

    def _pull(
        self,
        seat: Seat,
        offer_id: str,
        copy: SpoolCopy,
        take: Take,
        patience_s: float = SILENCE_S,
        first: Chunk | None = None,
    ) -> Drive:
        """Copy a spool to its end; what was copied before is taken first, then a piece that came with the offer."""
        cancelled: bool | None = None
        grew_at, wait_s = monotonic(), 0.0
        take(copy.new_entries())
        while copy.ended is None:
            if self.stopping_since is not None:
                hard = monotonic() - self.stopping_since > GRACE_S
                if cancelled is not hard:
                    cancelled = hard
                    yield CancelRequest(hard=hard)
            before = copy.size
            chunk, first = first, None
            if chunk is None:
                asked = PullRequest(offer_id=offer_id, offset=before, limit=PIECE_BYTES, wait_s=wait_s)
                chunk = _chunk((yield asked))
            if copy.accept(chunk):
                grew_at = monotonic()
                take(copy.new_entries())
                wait_s = self.look_s if copy.size - before < PIECE_BYTES else 0.0
            elif monotonic() - grew_at > patience_s:
                raise SlotLost(f"its runner hangs: it has had nothing to say for {patience_s:.0f} s")
            elif chunk.data:  # damaged, or of another place
                yield IDLE_S
            elif chunk.is_running:
                wait_s = self.look_s  # the host waits
            else:
                raise SlotLost(chunk.ending or "its runner is gone")

    def _take(self, seat: Seat, entries: Sequence[Entry], location: str) -> None:
        now, told = utc_now(), list[str]()
        try:
            for entry in entries:
                match entry:
                    case Kept():
                        line = read_kept(entry, location)
                        seat.lines.append(line)
                        brief = line.brief
                        told.append(f"{now} {brief.trial_id} attempt {brief.attempt}: {brief.status}")
                    case Told():
                        told.append(f"{now} {entry.text} {entry.trial_id}".rstrip())
                        if entry.is_notice:
                            self._progress.notice(f"{seat.slot}: {entry.text}")
                    case Prepared():
                        self._compare_programs(seat, entry)
                    case Ended():
                        told.append(f"{now} {entry.how} {entry.message}".rstrip())
        finally:
            self._book.log(seat.slot, told)

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
            if offer_id in self._brought:  # only the host does not know
                yield AcknowledgeRequest(offer_id=offer_id)
                continue
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

            def take(entries: Sequence[Entry], lines: list[Line] = lines, path: str = str(copy.path)) -> None:
                lines += [read_kept(entry, path) for entry in entries if isinstance(entry, Kept)]

            try:
                if awaited is None:  # else it runs what is awaited, and nothing else
                    yield CancelRequest(hard=True)
                yield from self._pull(seat, offer_id, copy, take)
            except SlotLost as error:
                _log.info("spool %s of slot %s ends early: %s", offer_id, seat.slot, error)
            self.bring_late(lines, note)
            self._book.forget(offer_id)
            yield AcknowledgeRequest(offer_id=offer_id)


def _chunk(answer: Answer | None) -> Chunk:
    """Return an answer that is a piece of a spool.

    Raises:
        SlotLost: It is not.
    """
    if not isinstance(answer, Chunk):
        raise SlotLost(_reason(answer))
    return answer


def _reason(answer: Answer | None) -> str:
    return answer.reason if isinstance(answer, Refused) else f"it answered with {type(answer).__name__}"
