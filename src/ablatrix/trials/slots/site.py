"""Where slots can be: the hosts of a cluster, and the way to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SlotLost(Exception):
    """A slot, its host or the way to it is gone; the message says what is known."""


class Transport(Protocol):
    """The way to the keeper of one slot: one request at a time, and nothing here waits."""

    def send(self, request: bytes) -> None:
        """Send a request.

        Raises:
            SlotLost: It cannot be sent.
        """

    def receive(self) -> bytes | None:
        """Return the answer to the last request; None while there is none.

        Raises:
            SlotLost: There will be none.
        """

    def close(self) -> None:
        """End the keeper, whatever it does."""


class Site(Protocol):
    """A host of a cluster."""

    @property
    def key(self) -> str:
        """What names it within its cluster, as long as it lives."""

    @property
    def name(self) -> str:
        """Its name, for people."""

    @property
    def refusal(self) -> str:
        """Why no slot can be there, empty where one can."""

    def connect(self, run_id: str) -> Transport:
        """Return the way to the slot of a run on this host: to the one that is there, or to a new one.

        Raises:
            SlotLost: There can be none.
        """

    def is_there(self) -> bool:
        """Return whether the cluster still has the host."""


class Field(Protocol):
    """The hosts of a cluster. Use as a context."""

    @property
    def word(self) -> str:
        """What it is called in names of slots."""

    def sites(self) -> Sequence[Site]:
        """Return the hosts that the cluster has now."""

    def __enter__(self) -> Field:
        """Connect."""

    def __exit__(self, *_: object) -> None:
        """Disconnect; what runs goes on."""
