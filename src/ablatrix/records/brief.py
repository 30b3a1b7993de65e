"""What a run needs of a record: which trial it is of, how that ended, and what decides on what runs next.

A record that came as a line from a host was validated there, by the same code, before it was sent. The process that
writes the lines of a thousand hosts reads no more of each than this, which takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from ablatrix.records.model import SCHEMA_VERSION, Failure, Mode, Record, Role
from ablatrix.records.part import Count, Level, Milliseconds, Seconds
from ablatrix.records.status import Status


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief:
    """What a run needs of a record.

    Attributes:
        record_id, trial_id, cell_id, block_id, attempt, final, role, mode, status, error, wall_s: The record's.
        workload, compiler: Their names.
        knobs: Level of every knob.
        bursts_ms: Least time of each burst of a hot trial; empty for others.
        is_timed: Whether it has times.
    """

    record_id: str
    trial_id: str
    cell_id: str
    block_id: str
    attempt: int
    final: bool
    role: Role
    mode: Mode
    status: Status
    error: Failure | None
    wall_s: float
    workload: str
    compiler: str
    knobs: Mapping[str, Level | None]
    bursts_ms: tuple[float, ...]
    is_timed: bool

    @classmethod
    def of(cls, record: Record) -> Brief:
        """Return what is needed of a record."""
        return cls(
            record_id=record.record_id,
            trial_id=record.trial_id,
            cell_id=record.cell_id,
            block_id=record.block_id,
            attempt=record.attempt,
            final=record.final,
            role=record.role,
            mode=record.mode,
            status=record.status,
            error=record.error,
            wall_s=record.wall_s,
            workload=record.workload.name,
            compiler=record.config.compiler,
            knobs=record.config.knobs,
            bursts_ms=tuple((record.runtime and record.runtime.burst_ms_min) or ()),
            is_timed=record.runtime is not None,
        )


_AS_NEEDED = ConfigDict(extra="ignore", strict=True)


@with_config(_AS_NEEDED)
class _Workload(TypedDict):
    name: str


@with_config(_AS_NEEDED)
class _Configuration(TypedDict):
    compiler: str
    knobs: dict[str, Level | None]


@with_config(_AS_NEEDED)
class _Times(TypedDict):
    burst_ms_min: list[Milliseconds] | None


@with_config(_AS_NEEDED)
class _Line(TypedDict):
    schema_version: Annotated[str, Field(pattern=f"^{SCHEMA_VERSION}$")]
    record_id: str
    trial_id: str
    cell_id: str
    attempt: Count
    final: bool
    block_id: str
    role: Role
    mode: Mode
    status: Status
    error: Failure | None
    wall_s: Seconds
    workload: _Workload
    config: _Configuration
    runtime: _Times | None


_LINE: TypeAdapter[_Line] = TypeAdapter(_Line)


def read_brief(line: str | bytes) -> Brief | None:
    """Return what is needed of a line that was validated where it was made.

    It is read as JSON to its end, and what is taken from it is validated; the rest is not.

    Returns:
        None where only `read_line` can tell: the line has a fault, or is of another version.
    """
    try:
        held = _LINE.validate_json(line)
    except ValidationError:
        return None
    runtime = held["runtime"]
    return Brief(
        record_id=held["record_id"],
        trial_id=held["trial_id"],
        cell_id=held["cell_id"],
        block_id=held["block_id"],
        attempt=held["attempt"],
        final=held["final"],
        role=held["role"],
        mode=held["mode"],
        status=held["status"],
        error=held["error"],
        wall_s=held["wall_s"],
        workload=held["workload"]["name"],
        compiler=held["config"]["compiler"],
        knobs=held["config"]["knobs"],
        bursts_ms=tuple((runtime and runtime["burst_ms_min"]) or ()),
        is_timed=runtime is not None,
    )
