"""SIGINT, SIGTERM and SIGHUP, acted on only while waiting, so that no record is half written."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import FrameType

from ablatrix.trials.messages.channel import Channel, ChannelTimeout


class Interrupted(Exception):
    """The user asked to stop, by the signal ``signal``."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.signal = number


class Interrupt:
    """Catches the signals while it is entered, and wakes whoever waits. Outside the main thread it does nothing.

    A hang-up (its terminal was closed) is left alone where it is ignored, as under nohup(1).
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        os.set_blocking(self._read, False)
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            is_deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            for number in (signal.SIGINT, signal.SIGTERM, *(() if is_deaf else (signal.SIGHUP,))):
                self._before[number] = signal.signal(number, self._catch)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def check(self) -> None:
        """Raise Interrupted when a signal came."""
        if self.number is not None:
            raise Interrupted(self.number)

    def wait(self, channel: Channel, timeout_s: float) -> None:
        """Wait until the channel has something to read.

        Raises:
            Interrupted: A signal came first.
            ChannelTimeout: Nothing came within ``timeout_s`` seconds.
        """
        deadline = monotonic() + timeout_s
        while True:
            self.check()
            ends = [channel.fileno(), self._read]
            ready = select.select(ends, [], [], max(0.0, deadline - monotonic()))[0]
            if channel.fileno() in ready:
                self.check()
                return
            if not ready:
                raise ChannelTimeout(f"no message within {timeout_s:.1f} s")

    def pause(self, timeout_s: float) -> None:
        """Wait for some seconds.

        Raises:
            Interrupted: A signal came first.
        """
        self.check()
        select.select([self._read], [], [], timeout_s)
        self.check()

    def _catch(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        with suppress(BlockingIOError):
            os.write(self._write, b"!")
