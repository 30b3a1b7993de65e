"""How a trial ended, and what each ending counts as: the one meaning of "failed", "unsupported" and "not run"."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Status(StrEnum):
    """How a trial ended.

    Every trial counts as exactly one of: ok, failed, unsupported, not run. Tables, pages, verdicts, progress and exit
    codes all count by these properties, so that they agree.
    """

    OK = "ok"
    """It ran to its end, and every comparison that was asked for held. Only such trials enter statistics."""

    PLAN_ERROR = "plan_error"
    """A failure: planning its tasks and their storage raised."""

    COMPILE_ERROR = "compile_error"
    """A failure: loading its prepared program, compiling or linking it raised."""

    RUN_ERROR = "run_error"
    """A failure: its first run, the check or a timed run raised."""

    WRONG_OUTPUT = "wrong_output"
    """A failure: an output lies outside the tolerance."""

    MISSING_CHECK = "missing_check"
    """A failure: an output that should have been compared was not, so it is unknown whether it is right."""

    TIMEOUT = "timeout"
    """A failure: no answer within the mode's limit of time."""

    OUT_OF_MEMORY = "out_of_memory"
    """A failure: it asked for more memory than there was, or than it was allowed."""

    CRASHED = "crashed"
    """A failure: a signal ended its process, or the process left before its result."""

    UNSUPPORTED = "unsupported"
    """No failure: the compiler or the machine does not have what was asked for, and said so."""

    INTERRUPTED = "interrupted"
    """Not run to its end: the user stopped the run. No final record has it; the same command runs the trial again."""

    NOT_RUN_BUDGET = "not_run_budget"
    """Not run: the study's budget of time was spent before its block began."""

    NOT_PREPARED = "not_prepared"
    """Not run: its workload could not be built or exported, or has no oracle, so that no compiler was given it."""

    NODE_LOST = "node_lost"
    """Not run to its end: its host died, or was cut off, before its block was there. No final record has it; the block
    runs again elsewhere, and it counts neither as a repeat nor against what was compiled."""

    PLACE_FAILED = "place_failed"
    """Not run to its end: the machine failed it (no disk space, no process or descriptor left, its server or process
    killed from outside). No final record has it; the same command runs the trial again, and it says nothing of what was
    compiled."""

    @property
    def ran(self) -> bool:
        """Whether the trial was run as far as it goes, whatever came of it."""
        return self.value not in NOT_RUN

    @property
    def is_failure(self) -> bool:
        """Whether the trial ran and did not end well. Neither what is unsupported nor what did not run is a failure."""
        return self.value in FAILURES

    @property
    def is_final(self) -> bool:
        """Whether a record of it may be final for its trial; one that was interrupted, lost or failed runs again."""
        return self not in (Status.INTERRUPTED, Status.NODE_LOST, Status.PLACE_FAILED)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read a member from its text, strictly too; a JSON Schema lists the texts inline."""
        return core_schema.no_info_after_validator_function(
            cls, core_schema.literal_schema([member.value for member in cls])
        )


CHINESE: Mapping[str, str] = MappingProxyType(
    {
        Status.OK.value: "成功",
        Status.PLAN_ERROR.value: "规划出错",
        Status.COMPILE_ERROR.value: "编译出错",
        Status.RUN_ERROR.value: "运行出错",
        Status.WRONG_OUTPUT.value: "输出错误",
        Status.MISSING_CHECK.value: "未经检查",
        Status.TIMEOUT.value: "超时",
        Status.OUT_OF_MEMORY.value: "内存不足",
        Status.CRASHED.value: "崩溃",
        Status.UNSUPPORTED.value: "不支持",
        Status.INTERRUPTED.value: "中断",
        Status.NOT_RUN_BUDGET.value: "超出预算未运行",
        Status.NOT_PREPARED.value: "负载准备失败",
        Status.NODE_LOST.value: "节点丢失",
        Status.PLACE_FAILED.value: "机器故障",
    }
)
"""What a Chinese paper calls a status; elsewhere it goes by its name."""
# Plain text, as tables have it: Polars compares no column of text with a member.
STATUSES: tuple[str, ...] = tuple(status.value for status in Status)
"""All statuses, in the order in which tables list them."""
NOT_RUN: tuple[str, ...] = (
    Status.INTERRUPTED.value,
    Status.NOT_RUN_BUDGET.value,
    Status.NOT_PREPARED.value,
    Status.NODE_LOST.value,
    Status.PLACE_FAILED.value,
)
"""Statuses of trials that did not run, or not to their end: they say nothing of their configuration."""
FAILURES: tuple[str, ...] = tuple(
    name for name in STATUSES if name not in (Status.OK.value, Status.UNSUPPORTED.value, *NOT_RUN)
)
"""Statuses of trials that ran and did not end well."""
