"""Slots by files that both sides can reach, as on a cluster whose hosts share a file system: one file a message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep, time

from ablatrix.trials.slots.book import write_whole
from ablatrix.trials.slots.keeper import Keeper
from ablatrix.trials.slots.site import SlotLost

CHECK_S, ALIVE_S, SILENT_S = 0.1, 2.0, 30.0
LEAVE, ALIVE = "leave", "alive"


class MailTransport:
    """The run's side of a mailbox."""

    def __init__(self, directory: Path, is_there: Callable[[], bool]) -> None:
        """Begin to write where nothing was written before, or go on after what was.

        Args:
            directory: The mailbox.
            is_there: Whether the other side is still there.
        """
        self._directory, self._is_there = directory, is_there
        directory.mkdir(parents=True, exist_ok=True)
        numbers = [int(one.name.partition("-")[2]) for one in directory.glob("request-*")]
        self._number = max(numbers, default=-1)

    def send(self, request: bytes) -> None:
        """Write a request."""
        (self._directory / f"answer-{self._number}").unlink(missing_ok=True)
        (self._directory / f"request-{self._number}").unlink(missing_ok=True)
        self._number += 1
        try:
            write_whole(self._directory / f"request-{self._number}", request)
        except OSError as error:
            raise SlotLost(f"{error.filename or self._directory}: {error.strerror}") from None

    def receive(self) -> bytes | None:
        """Return the answer, if there is one."""
        is_there = self._is_there()  # before the answer is looked for: it may be the last one
        try:
            return (self._directory / f"answer-{self._number}").read_bytes()
        except FileNotFoundError:
            if not is_there:
                raise SlotLost("its job has ended") from None
            return None

    def close(self) -> None:
        """Ask the other side to leave."""
        (self._directory / LEAVE).touch()


def serve(directory: Path, host: str, root: Path | None, locks: Path | None = None) -> None:
    """Answer the requests of a mailbox until it is asked to leave or nobody asks."""
    keeper = Keeper(root, host, (), locks)
    done, touched = -1, 0.0
    try:
        while not (directory / LEAVE).exists() and not keeper.is_abandoned:
            requests = [int(one.name.partition("-")[2]) for one in directory.glob("request-*")]
            newest = max(requests, default=-1)
            if newest > done:
                answer = keeper.handle((directory / f"request-{newest}").read_bytes())
                write_whole(directory / f"answer-{newest}", answer)
                done = newest
            if monotonic() - touched > ALIVE_S:
                (directory / ALIVE).touch()
                touched = monotonic()
            sleep(CHECK_S)
    finally:
        keeper.leave()
        (directory / LEAVE).touch()


def is_served(directory: Path) -> bool:
    """Return whether somebody answers a mailbox: it was touched lately, and nobody has left it."""
    try:
        return not (directory / LEAVE).exists() and time() - (directory / ALIVE).stat().st_mtime < SILENT_S
    except FileNotFoundError:
        return False
