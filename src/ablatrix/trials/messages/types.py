"""What a process that tries a type is asked, and what it answers; each in a file."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.task import PrepareTask, TrialTask


@dataclass(frozen=True, kw_only=True)
class TypeOrder(Message):
    """Prepare a small workload of the type here, compile it and run it.

    Attributes:
        prepare: The workload; nothing is kept of it.
        trial: The compiler at its defaults; nothing is timed.
    """

    prepare: PrepareTask
    trial: TrialTask


@dataclass(frozen=True, kw_only=True)
class TypeAnswer(Message):
    """Whether it ran.

    Attributes:
        failure: What went wrong, as a message; empty where it ran, right or wrong.
    """

    failure: str


TYPE_ORDER: TypeAdapter[TypeOrder] = TypeAdapter(TypeOrder)
TYPE_ANSWER: TypeAdapter[TypeAnswer] = TypeAdapter(TypeAnswer)
