"""Orders to fork servers, and waiting for what they reply."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ablatrix.errors import TrialError
from ablatrix.trials.messages import REPLY, Channel, ChannelClosed, ChannelGarbled, ChannelTimeout, Failed, Order, Reply

START_TIMEOUT_S = 300.0
REPLY_TIMEOUT_S = 60.0
GONE = "the fork server is gone: somebody ended it, or the kernel did for want of memory"
R = TypeVar("R", bound=Reply)


class ProgramLoadError(TrialError):
    """A server cannot load a prepared program.

    Attributes:
        directory: The program's.
    """

    def __init__(self, message: str, directory: Path) -> None:
        super().__init__(message)
        self.directory = directory


def give(channel: Channel, order: Order, expected: type[R], descriptors: Sequence[int] = ()) -> R:
    """Give an order to a fork server and return its reply.

    Args:
        channel: To the server.
        order: What it is to do.
        expected: The reply when it has done so.
        descriptors: Open descriptors that it needs for that.

    Raises:
        ChannelClosed: The server is gone.
        TrialError: It could not do it.
    """
    try:
        channel.send(order, descriptors)
    except ChannelClosed as error:
        raise ChannelClosed(GONE) from error
    return await_reply(channel, order.do, expected)


def await_reply(channel: Channel, what: str, expected: type[R]) -> R:
    """Return a fork server's reply to the order ``what``.

    Raises:
        ChannelClosed: The server is gone.
        TrialError: It could not do it.
    """
    try:
        reply, _ = channel.receive(REPLY, REPLY_TIMEOUT_S)
    except ChannelGarbled:  # it is there, and says what nobody understands
        raise
    except ChannelClosed as error:
        raise ChannelClosed(GONE) from error
    except ChannelTimeout:
        raise TrialError(f"the fork server did not answer '{what}' within {REPLY_TIMEOUT_S:.0f} s") from None
    if isinstance(reply, expected):
        return reply
    raise TrialError(f"the fork server failed on '{what}': {_why(reply)}")


def await_message(channel: Channel, expected: type[R]) -> R:
    """Wait until a server that was started has come so far, and return what it says then.

    Raises:
        TrialError: It has not; the message has its reason.
    """
    reply, _ = channel.receive(REPLY, START_TIMEOUT_S)
    if not isinstance(reply, expected):
        raise TrialError(_why(reply))
    return reply


def _why(reply: Reply) -> str:
    return reply.error if isinstance(reply, Failed) else f"it replied '{reply.reply}'"
