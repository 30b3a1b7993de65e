"""What a process that observes passes is asked, and what it answers; each in a file."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from ablatrix.compilers.passes import ObservedPasses
from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.task import PrepareTask, TrialTask


@dataclass(frozen=True, kw_only=True)
class PassOrder(Message):
    """Prepare a workload here, and observe which passes a compiler runs on it.

    Attributes:
        prepare: The workload; nothing is kept of it.
        trial: The compiler and its configuration; nothing is timed or checked.
    """

    prepare: PrepareTask
    trial: TrialTask


@dataclass(frozen=True, kw_only=True)
class PassAnswer(Message):
    """Which passes ran, or why that is not known.

    Attributes:
        observed: What ran; None where that failed.
        versions: Versions of what generates code.
        failure: What went wrong, as a message; empty where nothing did.
    """

    observed: ObservedPasses | None
    versions: dict[str, str]
    failure: str = ""


PASS_ORDER: TypeAdapter[PassOrder] = TypeAdapter(PassOrder)
PASS_ANSWER: TypeAdapter[PassAnswer] = TypeAdapter(PassAnswer)
