"""What the author of a compiler or a workload may import; the rest of ablatrix may change without notice.

    from ablatrix.plugin import CompilerEntry, KnobEntry, LevelEntry

Importing this module imports no framework: each name is loaded when it is first used. Those that need torch
(``compile_tasks``, ``TaskExecutable``, ``Built``, ...) load it then, so import them inside functions: a plug-in is
imported whenever its knobs are listed.
"""

from typing import TYPE_CHECKING

from ablatrix.exports import lazy_names

if TYPE_CHECKING:
    from ablatrix.canonical import digest_bytes, digest_value
    from ablatrix.compilers.adapter import (
        BoundRun,
        CompileFacts,
        Compiler,
        CompileRequest,
        Executable,
        MeasuresOverhead,
        ObservesPasses,
        PhaseClock,
        ReadsSettings,
        RunsElsewhere,
        TimesItself,
        WatchesDevice,
    )
    from ablatrix.compilers.base import TaskwiseCompiler
    from ablatrix.compilers.built_task import BuiltTask, TaskFacts, source_digest
    from ablatrix.compilers.cache import TaskCache, task_key
    from ablatrix.compilers.catalogue import (
        CACHE_TAG,
        PARTITION,
        PASS_TIMING,
        THREADS,
        UPPER_BOUND,
        CompilerEntry,
        KnobEntry,
        Level,
        LevelEntry,
    )
    from ablatrix.compilers.catalogue.knobs import reuse_between_tasks, switch
    from ablatrix.compilers.dump import TaskDump
    from ablatrix.compilers.eager import EagerCompiler, EagerExecutable
    from ablatrix.compilers.passes import ObservedPasses, PassRun
    from ablatrix.compilers.profiling import KernelTimes, ProfiledKernel, TaskProfiler
    from ablatrix.compilers.settings import Address
    from ablatrix.compilers.task_building import complete_key_facts, gather_facts
    from ablatrix.compilers.tasks import TaskExecutable, TaskFunction
    from ablatrix.errors import CompilerError, UnsupportedError, WorkloadError
    from ablatrix.workloads.built import Built, generator, seeded, spread
    from ablatrix.workloads.entry import ParameterSpec, WorkloadEntry
    from ablatrix.workloads.prepare import prepare
    from ablatrix.workloads.program import Program, TaskProgram

__all__ = [
    "CACHE_TAG",
    "PARTITION",
    "PASS_TIMING",
    "THREADS",
    "UPPER_BOUND",
    "Address",
    "BoundRun",
    "Built",
    "BuiltTask",
    "CompileFacts",
    "CompileRequest",
    "Compiler",
    "CompilerEntry",
    "CompilerError",
    "EagerCompiler",
    "EagerExecutable",
    "Executable",
    "KernelTimes",
    "KnobEntry",
    "Level",
    "LevelEntry",
    "MeasuresOverhead",
    "ObservedPasses",
    "ObservesPasses",
    "ParameterSpec",
    "PassRun",
    "PhaseClock",
    "ProfiledKernel",
    "Program",
    "ReadsSettings",
    "RunsElsewhere",
    "TaskCache",
    "TaskDump",
    "TaskExecutable",
    "TaskFacts",
    "TaskFunction",
    "TaskProfiler",
    "TaskProgram",
    "TaskwiseCompiler",
    "TimesItself",
    "UnsupportedError",
    "WatchesDevice",
    "WorkloadEntry",
    "WorkloadError",
    "complete_key_facts",
    "digest_bytes",
    "digest_value",
    "gather_facts",
    "generator",
    "prepare",
    "reuse_between_tasks",
    "seeded",
    "source_digest",
    "spread",
    "switch",
    "task_key",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    __all__,
    {
        "ablatrix.canonical": ["digest_bytes", "digest_value"],
        "ablatrix.compilers.adapter": [
            "BoundRun",
            "CompileFacts",
            "CompileRequest",
            "Compiler",
            "Executable",
            "MeasuresOverhead",
            "ObservesPasses",
            "PhaseClock",
            "ReadsSettings",
            "RunsElsewhere",
            "TimesItself",
            "WatchesDevice",
        ],
        "ablatrix.compilers.cache": ["TaskCache", "task_key"],
        "ablatrix.compilers.catalogue": [
            "CACHE_TAG",
            "PARTITION",
            "PASS_TIMING",
            "THREADS",
            "UPPER_BOUND",
            "CompilerEntry",
            "KnobEntry",
            "Level",
            "LevelEntry",
        ],
        "ablatrix.compilers.catalogue.knobs": ["reuse_between_tasks", "switch"],
        "ablatrix.compilers.dump": ["TaskDump"],
        "ablatrix.compilers.passes": ["ObservedPasses", "PassRun"],
        "ablatrix.compilers.profiling": ["KernelTimes", "ProfiledKernel", "TaskProfiler"],
        "ablatrix.compilers.settings": ["Address"],
        "ablatrix.compilers.eager": ["EagerCompiler", "EagerExecutable"],
        "ablatrix.compilers.tasks": ["TaskExecutable", "TaskFunction"],
        "ablatrix.compilers.built_task": ["BuiltTask", "TaskFacts", "source_digest"],
        "ablatrix.compilers.task_building": ["complete_key_facts", "gather_facts"],
        "ablatrix.compilers.base": ["TaskwiseCompiler"],
        "ablatrix.errors": ["CompilerError", "UnsupportedError", "WorkloadError"],
        "ablatrix.workloads.built": ["Built", "generator", "seeded", "spread"],
        "ablatrix.workloads.prepare": ["prepare"],
        "ablatrix.workloads.program": ["Program", "TaskProgram"],
        "ablatrix.workloads.entry": ["ParameterSpec", "WorkloadEntry"],
    },
)
