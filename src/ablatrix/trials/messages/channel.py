"""Channels between the runner, the fork servers and the workers: Unix sockets, with file descriptors."""

import select
import socket
import struct
from collections.abc import Sequence

from pydantic import TypeAdapter

from ablatrix.errors import TrialError
from ablatrix.trials.messages.message import M, Message, decode, encode

_HEADER = struct.Struct("!Q")
_MAX_DESCRIPTORS = 4


class ChannelClosed(TrialError):
    """The other end is gone."""


class ChannelGarbled(ChannelClosed):
    """What was received is not a message that was expected: the other end is there, but cannot be understood."""


class ChannelTimeout(TrialError):
    """The other end did not answer in time."""


class Channel:
    """One end of a message channel."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for ``select``."""
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send one message, with open descriptors for the other process.

        Raises:
            ChannelClosed: The other end is gone.
        """
        data = encode(message)
        try:
            socket.send_fds(self._socket, [_HEADER.pack(len(data))], list(descriptors))
            self._socket.sendall(data)
        except OSError as error:
            raise ChannelClosed(f"channel: cannot send: {error}") from error

    def receive(self, kind: TypeAdapter[M], timeout_s: float | None = None) -> tuple[M, list[int]]:
        """Return the next message and the descriptors that came with it.

        Args:
            kind: Which messages are expected.
            timeout_s: How long to wait, None for as long as it takes.

        Raises:
            ChannelClosed: The other end is gone.
            ChannelGarbled: What was received is not such a message, so nothing after it can be read either.
            ChannelTimeout: Nothing came within ``timeout_s`` seconds.
        """
        if timeout_s is not None and not select.select([self._socket], [], [], max(0.0, timeout_s))[0]:
            raise ChannelTimeout(f"channel: no message within {timeout_s:.1f} s")
        try:
            header, descriptors, _, _ = socket.recv_fds(self._socket, _HEADER.size, _MAX_DESCRIPTORS)
            header += self._exactly(_HEADER.size - len(header)) if header else b""
            if not header:
                raise ChannelClosed("channel: the other end is gone")
            data = self._exactly(_HEADER.unpack(header)[0])
        except OSError as error:
            raise ChannelClosed(f"channel: cannot receive: {error}") from error
        except (OverflowError, MemoryError) as error:  # something else wrote into it: this is not a length
            raise ChannelGarbled(f"channel: what was received is not a message: {error}") from error
        try:
            return decode(data, kind), descriptors
        except TrialError as error:
            raise ChannelGarbled(f"channel: {error}") from None

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._socket.recv(min(size, 1 << 20))
            if not part:
                raise ChannelClosed("channel: the other end is gone in the middle of a message")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def open_pair() -> tuple[Channel, socket.socket]:
    """Return this process's end, and the socket to hand to another process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Channel(ours), theirs
