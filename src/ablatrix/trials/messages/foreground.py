"""What a process is asked that repeats a trial for a person to look at, and what it answers; each in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from ablatrix.study.model import HotProtocol
from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.result import TrialResult
from ablatrix.trials.messages.task import PrepareTask, TrialTask


@dataclass(frozen=True, kw_only=True)
class RerunOrder(Message):
    """Repeat one trial in this process, without a record.

    Attributes:
        trial: What to do.
        program: Directory of the prepared program; None to prepare it here.
        prepare: Its workload; nothing is kept of it.
        protocol: How long warm-up and burst of a hot trial are.
        debug: Whether to open the debugger where the trial raises.
        dump: Directory for the compiler's stages of each task.
    """

    trial: TrialTask
    program: Path | None
    prepare: PrepareTask
    protocol: HotProtocol
    debug: bool
    dump: Path | None


@dataclass(frozen=True, kw_only=True)
class RerunAnswer(Message):
    """What became of it.

    Attributes:
        result: None where the workload could not be prepared, or the compiler not be imported.
        failure: Why not, as a message; empty where there is a result.
    """

    result: TrialResult | None
    failure: str = ""


RERUN_ORDER: TypeAdapter[RerunOrder] = TypeAdapter(RerunOrder)
RERUN_ANSWER: TypeAdapter[RerunAnswer] = TypeAdapter(RerunAnswer)
