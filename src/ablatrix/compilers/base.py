"""Base of compilers that compile a plan task by task: what they share is defined here once, and what differs is a hook.

A compiler derives from ``TaskwiseCompiler`` and says how one task is built into one file and how such files are loaded.
The base makes the tasks' keys, asks the cache, builds what it does not hold, and gives the loaded tasks to the
executor. This module imports no framework, so that a plug-in may be imported where none is installed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.compilers.built_task import BuiltTask, TaskFacts
from ablatrix.compilers.passes import ObservedPasses, PassRun
from ablatrix.compilers.reasons import reason_of
from ablatrix.errors import AblatrixError, CompilerError, UnsupportedError

if TYPE_CHECKING:
    from ablatrix.compilers.profiling import TaskProfiler
    from ablatrix.compilers.profiling.program import ProfiledProgram
    from ablatrix.compilers.tasks import TaskFunction
    from ablatrix.workloads.program import TaskProgram

OptionsT = TypeVar("OptionsT")


class TaskwiseCompiler(ABC, Generic[OptionsT]):
    """A compiler that builds each distinct task of a plan once; ``OptionsT`` is the type of its options.

    The hooks are called in the order in which they appear below ``compile``. Modules that are expensive to import are
    imported inside of them, and all of them by ``preload``.

    Attributes:
        name: Name of the compiler in the catalogue.
        pass_evidence: How ``list_passes`` knows whether a pass changed the program, and what it does not see.
        profile_inside: Part of what its profiler costs for an event that lies within the event's own time.
        profile_source: Where ``profile`` has the times of kernels from, and how it knows which nodes they compute.
    """

    name: str
    pass_evidence: str = ""
    profile_inside: float = 0.0
    profile_source: str = ""

    def preload(self) -> None:
        """Import what the compiler needs, in the fork server. Starts no thread pool.

        A compiler imports its own modules and calls this for those of the base.
        """
        import ablatrix.compilers.task_building  # noqa: F401

    @abstractmethod
    def versions(self) -> Mapping[str, str]:
        """Return versions of what generates or runs code (``{"tvm": "0.27.0"}``)."""

    @abstractmethod
    def set_threads(self, threads: int) -> None:
        """Set the number of threads through the libraries' own calls."""

    @abstractmethod
    def threads_in_force(self) -> Mapping[str, int]:
        """Return the number of threads that each library says it uses; asked after the program is compiled."""

    def compile(self, request: CompileRequest) -> Executable:
        """Build or find every task of the plan, load it, and give the program's parameters to the executor.

        Raises:
            UnsupportedError: A knob's level or an operation that the compiler does not have.
            CompilerError: The compiler failed on a task.
        """
        from ablatrix.compilers.task_building import compile_tasks, gather_facts, make_executable, observe_passes

        options = self.options(request)
        self.prepare(request, options)
        own = [self.key_facts(request, options, task) for task in request.tasks]
        built = compile_tasks(request, own, lambda task, key: self.build(request, options, task, key))
        pass_ms = observe_passes(request, lambda task: self.time_passes(request, options, task))
        with request.clock.phase("load"):
            functions = self.load(request, options, built) if built else []  # a program may compute nothing
            return make_executable(request, functions, gather_facts(built, request.plan, pass_ms))

    @abstractmethod
    def options(self, request: CompileRequest) -> OptionsT:
        """Return this compiler's options for a configuration."""

    def prepare(self, request: CompileRequest, options: OptionsT) -> None:
        """Bring this process into the state that the configuration asks for; sets the threads of a run."""
        self.set_threads(request.run_threads)

    @abstractmethod
    def key_facts(self, request: CompileRequest, options: OptionsT, task: TaskProgram) -> Mapping[str, Any]:
        """Return what a task's code depends on beyond the task and torch's version, as plain values.

        That is: the target, and whatever else of this machine or process. The cache itself adds the compiler's name,
        its versions, the digest of its code and the level of each knob that may change code.
        """

    @abstractmethod
    def build(self, request: CompileRequest, options: OptionsT, task: TaskProgram, key: str) -> tuple[Path, TaskFacts]:
        """Build a task that the cache does not hold; charges the phases ``import``, ``compile`` and ``link``.

        Returns:
            Its artifact, a file of ``request.work_dir`` whose name holds the key, and its facts.

        Raises:
            UnsupportedError: An operation that the compiler does not have.
            CompilerError: The compiler failed on the task.
        """

    def time_passes(self, request: CompileRequest, options: OptionsT, task: TaskProgram) -> Mapping[str, float]:
        """Compile a task once more under an observer; return milliseconds by pass, and keep nothing.

        Asked for by the level ``on`` of the knob ``pass_timing`` alone.
        """
        raise UnsupportedError(f"compiler '{self.name}' has no observer of passes; leave the knob pass_timing off")

    def observe_passes(self, request: CompileRequest) -> ObservedPasses:
        """Return the passes that run on the distinct tasks of a plan, in order; the cache is not asked.

        Raises:
            UnsupportedError: The compiler does not list its passes, or has no such operation.
            CompilerError: The compiler failed on a task.
        """
        options = self.options(request)
        self.prepare(request, options)
        runs: list[PassRun] = []
        for task in request.tasks:
            try:
                found = self.list_passes(request, options, task)
            except AblatrixError:
                raise
            except Exception as error:  # compilers raise errors of many kinds
                raise CompilerError(
                    f"{self.name} failed on task {task.kind} ({task.fingerprint}): {reason_of(error)}"
                ) from error
            runs += [replace(one, task=task.kind) for one in found]
        return ObservedPasses(runs=tuple(runs), evidence=self.pass_evidence)

    def list_passes(self, request: CompileRequest, options: OptionsT, task: TaskProgram) -> Sequence[PassRun]:
        """Compile a task under observers and return every run of a pass, in order; keep nothing.

        Asked for by ``ablatrix passes`` alone.
        """
        raise UnsupportedError(f"compiler '{self.name}' does not list its passes")

    def profile(self, request: CompileRequest, *, mapped: bool = True) -> ProfiledProgram:
        """Return the program of the same artifacts as ``compile`` returns, with kernels that are timed.

        Args:
            request: The program.
            mapped: Whether it is to be known which nodes each kernel computes.

        Raises:
            UnsupportedError: The compiler does not tell times of kernels, or has no such operation.
            CompilerError: The compiler failed on a task.
        """
        from ablatrix.compilers.profiling import marked
        from ablatrix.compilers.profiling.program import ProfiledProgram
        from ablatrix.compilers.task_building import compile_tasks, gather_facts, make_executable

        options = self.options(request)
        self.prepare(request, options)
        own = [self.key_facts(request, options, task) for task in request.tasks]
        built = compile_tasks(request, own, lambda task, key: self.build(request, options, task, key))
        facts = gather_facts(built, request.plan)
        with marked(request.tasks):
            profilers = [
                self.task_profiler(request, options, task, one, mapped=mapped)
                for task, one in zip(request.tasks, built, strict=True)
            ]
        timed = make_executable(request, profilers, facts)
        return ProfiledProgram(request.plan, timed, profilers, self.profile_source, self.profile_inside)

    def task_profiler(
        self, request: CompileRequest, options: OptionsT, task: TaskProgram, built: BuiltTask, *, mapped: bool
    ) -> TaskProfiler:
        """Return a built task in a form whose kernels are timed; its nodes are marked meanwhile.

        Args:
            request: What the task is part of.
            options: Of the configuration.
            task: The task.
            built: Its artifact.
            mapped: Whether it is to say which nodes each kernel computes; those of others are empty.

        Raises:
            UnsupportedError: The compiler does not tell times of kernels, or not in this configuration.
        """
        raise UnsupportedError(f"compiler '{self.name}' does not tell times of its kernels")

    @abstractmethod
    def load(self, request: CompileRequest, options: OptionsT, built: Sequence[BuiltTask]) -> Sequence[TaskFunction]:
        """Load the distinct tasks, by kind, of which there is one at least; the phase ``load`` is charged."""
