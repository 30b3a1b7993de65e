"""The protocols of a compiler: it compiles a planned program into an executable, which binds inputs and runs.

A compiler never measures and never checks: it only reports facts about what it built. It is fork-safe until
``compile`` is called: ``preload`` imports its modules and starts no thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from ablatrix.compilers.catalogue.model import Level
from ablatrix.compilers.settings.applied import NO_SETTINGS, Applied

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.cache import TaskCache
    from ablatrix.compilers.passes import ObservedPasses
    from ablatrix.compilers.profiling.program import ProfiledProgram
    from ablatrix.plan.graph import Graph
    from ablatrix.plan.plan import Plan
    from ablatrix.workloads.program import Program, TaskProgram


COMPILE_PHASES = ("import", "compile", "link", "load")
"""Phases of compiling that have a name of their own in records; time in any other one counts too, as ``OTHER``."""
OTHER = "other"


class PhaseClock:
    """Wall time of named phases in milliseconds. Entering a phase inside another pauses the outer one.

    Args:
        on_enter: Called with the name of each phase that begins, before its clock starts.

    Attributes:
        milliseconds: Time of each phase that counts.
        uncounted_ms: Time of what is in no figure, by name.
    """

    def __init__(self, on_enter: Callable[[str], None] | None = None) -> None:
        self.milliseconds: dict[str, float] = {}
        self.uncounted_ms: dict[str, float] = {}
        self._on_enter = on_enter
        self._stack: list[tuple[str, dict[str, float]]] = []
        self._since = 0.0

    @property
    def current(self) -> str | None:
        """The innermost open phase, which is where an error happened."""
        return self._stack[-1][0] if self._stack else None

    @property
    def outermost(self) -> str | None:
        """The outermost open phase."""
        return self._stack[0][0] if self._stack else None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the wall time inside the block to ``name``. The phase stays current when an error leaves it."""
        depth = len(self._stack)
        self.enter(name)
        yield
        self._charge()
        del self._stack[depth:]  # with phases inside that an error has left, and that was caught

    @contextmanager
    def uncounted(self, name: str) -> Iterator[None]:
        """Count the wall time inside the block to no figure: it is no part of compiling.

        That is: a compile under an observer, what is written for people, or what a machine sets up once.
        """
        depth = len(self._stack)
        self._begin(name, self.uncounted_ms)
        yield
        self._charge()
        del self._stack[depth:]

    def since(self, before: Mapping[str, float]) -> dict[str, float]:
        """Return the time of each phase that went on since ``milliseconds`` was ``before``."""
        spent = {name: after - before.get(name, 0.0) for name, after in self.milliseconds.items()}
        return {name: time for name, time in spent.items() if time > 0}

    def enter(self, name: str) -> None:
        """Begin a phase, for callers that learn of its beginning and its end separately."""
        self._begin(name, self.milliseconds)

    def leave(self) -> None:
        """End the innermost phase."""
        self._charge()
        self._stack.pop()

    def _begin(self, name: str, account: dict[str, float]) -> None:
        self._charge()
        if self._on_enter is not None:
            self._on_enter(name)
            self._since = perf_counter()
        self._stack.append((name, account))

    def _charge(self) -> None:
        now = perf_counter()
        if self._stack:
            name, account = self._stack[-1]
            account[name] = account.get(name, 0.0) + (now - self._since) * 1e3
        self._since = now


@dataclass(frozen=True, kw_only=True)
class CompileRequest:
    """Everything that a compiler needs to build one configuration of one program.

    Attributes:
        program: The prepared workload.
        graph: The lowered program as plain values; None for the reference, which has no plan.
        plan: Our planner's tasks and storage.
        tasks: One exported program for each distinct task of the plan, by ``kind``.
        knobs: Level of every knob of this compiler.
        settings: What the knobs that are settings of the compiler set, by address.
        cache: The task-level compile cache; the compiler asks it before it builds.
        clock: Phases to charge: ``import`` (frontend), ``compile`` (passes, code generation), ``link``, ``load``. Time
            in none of them counts as well, and is shown as other time.
        threads: Threads that a run may use.
        work_dir: An empty private directory for what is built.
        device: Where the program is to run, as torch names it (``cpu``, ``cuda``). The program as given, its weights
            included, lies on the CPU; inputs are bound on the device.
        dump: Where to write the compiler's forms of each task, for a person to read (``compilers/dump.py``). None in
            every trial that is measured.
    """

    program: Program
    graph: Graph | None
    plan: Plan
    tasks: Sequence[TaskProgram]
    knobs: Mapping[str, Level]
    cache: TaskCache
    clock: PhaseClock
    threads: int
    work_dir: Path
    device: str = "cpu"
    settings: Applied = NO_SETTINGS
    dump: Path | None = None

    @property
    def run_threads(self) -> int:
        """Threads that a run has: the level of the knob ``threads``, which by default is what the protocol says."""
        level = self.knobs.get("threads", "protocol")
        return self.threads if level == "protocol" else int(level)


@dataclass(frozen=True, kw_only=True)
class CompileFacts:
    """What a compiler reports about what it built. A figure it cannot give is None, with the reason in ``reasons``.

    Attributes:
        artifact_digest: SHA-256 of the generated code of all distinct tasks (what would run), the same for the
            same code whether it was just built or came from a cache.
        generated_calls: Calls to generated kernels in one run of the whole program (tasks x calls each).
        generated_kernels: Distinct kernels generated.
        compiler_planned_bytes: Largest planned temporary bytes inside any one task, from the final IR.
        estimator: The compiler's own memory estimate (for TVM: planned and unplanned bytes).
        pass_ms: Time by pass, when asked for with an observer's compile.
        reasons: Why a figure is None, by its name.
    """

    artifact_digest: str
    generated_calls: int | None = None
    generated_kernels: int | None = None
    compiler_planned_bytes: int | None = None
    estimator: Mapping[str, float] | None = None
    pass_ms: Mapping[str, float] | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


class BoundRun(Protocol):
    """An executable with its inputs bound: ``run()`` is one iteration and does no set-up work."""

    def run(self) -> None:
        """Run once. Outputs of the run before are overwritten."""

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Return the program's outputs of the last run, flat and in order, as torch tensors (no copy)."""


class Executable(Protocol):
    """A compiled program in this process."""

    facts: CompileFacts

    def bind(self, inputs: Sequence[torch.Tensor]) -> BoundRun:
        """Bind one set of inputs (any size within the bounds); allocates whatever a run needs."""


@runtime_checkable
class RunsElsewhere(Protocol):
    """Optional ability of an `Executable`: it runs in a process of its own, where its memory is read."""

    @property
    def process(self) -> Path:
        """The directory of that process under ``/proc``."""


@runtime_checkable
class TimesItself(Protocol):
    """Optional ability of a `BoundRun`: its iterations are not timed by the runner's loop.

    The time of a call to a program in another process would include the round trip, and a call to a device returns
    before the device is done.
    """

    @property
    def timed_by(self) -> Literal["program", "device"]:
        """Who reads the clock."""

    def time(self, count: int) -> list[float]:
        """Run ``count`` times and return the time of each run in milliseconds, in order."""


@runtime_checkable
class WatchesDevice(Protocol):
    """Optional ability of a `BoundRun`: it reads the state of its device after each burst."""

    def look(self) -> None:
        """Read it, at most as often as is useful."""


@runtime_checkable
class MeasuresOverhead(Protocol):
    """Optional ability of a `BoundRun`: it measures the overhead of running its tasks."""

    def overhead_us(self) -> float | None:
        """Return the executor's own cost per task in microseconds; None where there is none."""


@runtime_checkable
class ReadsSettings(Protocol):
    """Optional ability of a `Compiler`: it says which values of settings of the run time are in force."""

    def settings_in_force(self) -> Mapping[str, str]:
        """Return values read back, as text by address; asked after the program is compiled."""


@runtime_checkable
class ObservesPasses(Protocol):
    """Optional ability of a `Compiler`: it says which passes it runs on a program."""

    def observe_passes(self, request: CompileRequest) -> ObservedPasses:
        """Compile a program under observers, and keep nothing.

        Raises:
            UnsupportedError: A knob's level or an operation that the compiler does not have.
            CompilerError: The compiler failed.
        """


@runtime_checkable
class ProfilesKernels(Protocol):
    """Optional ability of a `Compiler`: it says how long each kernel of a run takes, and which nodes it computes."""

    def profile(self, request: CompileRequest, *, mapped: bool = True) -> ProfiledProgram:
        """Compile a program with kernels that are timed.

        Args:
            request: The program.
            mapped: Whether it is to be known which nodes each kernel computes.

        Raises:
            UnsupportedError: The compiler does not tell times of kernels in this configuration.
            CompilerError: The compiler failed.
        """


class Compiler(Protocol):
    """One compiler. Its knobs and levels are defined in ``compilers/catalogue`` as plain data."""

    name: str

    def preload(self) -> None:
        """Import what the compiler needs, in the fork server. Starts no thread pool."""

    def versions(self) -> Mapping[str, str]:
        """Return versions of what generates or runs code (``{"tvm": "0.27.0"}``)."""

    def set_threads(self, threads: int) -> None:
        """Set the number of threads through the libraries' own calls."""

    def threads_in_force(self) -> Mapping[str, int]:
        """Return the number of threads that each library says it uses; asked after the program is compiled."""

    def compile(self, request: CompileRequest) -> Executable:
        """Build and load the program.

        Raises:
            UnsupportedError: A knob's level or an operation that the compiler does not have.
            CompilerError: The compiler failed.
        """
