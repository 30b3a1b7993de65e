"""What a fork server is asked for and replies, and what a new interpreter in place of a fork gets to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.trials.messages.message import Message
from ablatrix.trials.messages.task import Task

Process = Literal["forked", "spawned"]


@dataclass(frozen=True, kw_only=True)
class Outfit(Message):
    """The compilers that a fork server is to have imported; its first message."""

    compilers: tuple[CompilerEntry, ...]


OUTFIT: TypeAdapter[Outfit] = TypeAdapter(Outfit)


@dataclass(frozen=True, kw_only=True)
class LoadOrder(Message):
    """Start a server that has a prepared program loaded, on the descriptor that comes along."""

    do: Literal["load"] = "load"
    directory: Path


@dataclass(frozen=True, kw_only=True)
class StartOrder(Message):
    """Start a worker on a task; its channel and its log are the descriptors that come along."""

    do: Literal["start"] = "start"
    task: Task


@dataclass(frozen=True, kw_only=True)
class PauseOrder(Message):
    """Stop a worker and all that it started."""

    do: Literal["pause"] = "pause"
    pid: int


@dataclass(frozen=True, kw_only=True)
class ResumeOrder(Message):
    """Let a worker and all that it started go on."""

    do: Literal["resume"] = "resume"
    pid: int


@dataclass(frozen=True, kw_only=True)
class EndOrder(Message):
    """Wait for a worker's end, and end whatever it left behind.

    Attributes:
        kill: End it first.
        live: Workers that stay.
    """

    do: Literal["end"] = "end"
    pid: int
    kill: bool
    live: tuple[int, ...]


Order = LoadOrder | StartOrder | PauseOrder | ResumeOrder | EndOrder
ORDER: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="do")])


@dataclass(frozen=True, kw_only=True)
class Serving(Message):
    """A server has what it needs, and takes orders.

    Attributes:
        threads: Names of the threads that it has.
    """

    reply: Literal["serving"] = "serving"
    threads: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Loading(Message):
    """A server for a workload was started; it says itself when it serves."""

    reply: Literal["loading"] = "loading"
    pid: int


@dataclass(frozen=True, kw_only=True)
class Started(Message):
    """A worker was started.

    Attributes:
        process: How it came to be.
        hazard: What made a fork unsafe, None for a forked process.
    """

    reply: Literal["started"] = "started"
    pid: int
    process: Process
    hazard: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkerState(Message):
    """What a worker is doing.

    Attributes:
        state: ``gone``: it is no child of the server any more.
        signal: What ended it, None when it left by itself.
        exit_code: What it left with, None when a signal ended it.
        strays: Processes that it had left behind and that were killed.
    """

    reply: Literal["state"] = "state"
    state: Literal["stopped", "running", "ended", "gone"]
    signal: int | None = None
    exit_code: int | None = None
    strays: int = 0


@dataclass(frozen=True, kw_only=True)
class Failed(Message):
    """What was asked for could not be done."""

    reply: Literal["failed"] = "failed"
    error: str


Reply = Serving | Loading | Started | WorkerState | Failed
REPLY: TypeAdapter[Reply] = TypeAdapter(Annotated[Reply, Field(discriminator="reply")])


@dataclass(frozen=True, kw_only=True)
class SpawnedServer(Message):
    """Serve for one workload in a new interpreter, and start all workers as new ones.

    Attributes:
        entries: What the catalogue says of each compiler, by its name.
        directory: The prepared program.
        hazard: Why nothing is forked.
    """

    role: Literal["server"] = "server"
    entries: dict[str, CompilerEntry]
    directory: Path
    hazard: str


@dataclass(frozen=True, kw_only=True)
class SpawnedWorker(Message):
    """Do a task in a new interpreter.

    Attributes:
        entry: What the catalogue says of the compiler, None where the task needs none.
        directory: The prepared program, None where the task needs none.
    """

    role: Literal["worker"] = "worker"
    task: Task
    entry: CompilerEntry | None
    directory: Path | None


SpawnOrder = SpawnedServer | SpawnedWorker
SPAWN_ORDER: TypeAdapter[SpawnOrder] = TypeAdapter(Annotated[SpawnOrder, Field(discriminator="role")])
