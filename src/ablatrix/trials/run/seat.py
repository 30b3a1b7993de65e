"""A slot as a run knows it, and whom it brings units to."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ablatrix.trials.results import Line
from ablatrix.trials.run.units import Unit
from ablatrix.trials.slots import Answer, Description, Offer, OfferNote, Request, Setup, Site, SpoolCopy, Transport


@dataclass(frozen=True)
class OnDisk:
    """A wish: to go on when what was written is on disk, with that of all slots that wait for it.

    Attributes:
        copies: Copies of spools that must be there, too.
    """

    copies: tuple[SpoolCopy, ...] = ()


Drive = Generator[Request | float | OnDisk, Answer | None, None]
"""Yields a request, to be sent its answer, seconds to wait, or that what was written be on disk."""
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
        has_late: Whether spools lie there of offers that were given up, which the run has not brought yet.
        acknowledged: An offer whose records the run has, which the slot is told of with what it is asked next.
        awaits: What must be on disk before it goes on.
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
    has_late: bool = False
    acknowledged: str = ""
    awaits: OnDisk | None = None
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
