"""Compilers, their knobs and levels as plain data: loads without torch or any compiler."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Literal

from ablatrix.canonical import digest_value
from ablatrix.errors import CompilerError

Level = str | int
Kind = Literal["primary", "secondary"]
Affects = Literal["plan", "code", "run_time", "cache", "observer"]

PRIMARY_KNOBS = ("partition", "reuse", "memory_plan", "fusion")


@dataclass(frozen=True, slots=True)
class LevelEntry:
    """One level of a knob, with a sentence on what it does."""

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class KnobEntry:
    """One knob of one compiler.

    Attributes:
        levels: The levels there are; empty when the levels are free (a number or a name, see ``free``).
        default: Level where a study says nothing; None for a free knob that is not in force unless asked for.
        affects: What a change of level changes; ``cache`` and ``observer`` knobs exist in cold mode only.
        free: What a free level is (``whole number``, ``name``), empty otherwise.
    """

    name: str
    kind: Kind
    summary: str
    levels: tuple[LevelEntry, ...]
    default: Level
    affects: Affects
    free: Literal["", "whole number", "name"] = ""

    @property
    def cold_only(self) -> bool:
        """Whether the knob says nothing about the steady state."""
        return self.affects in {"cache", "observer"}

    def has(self, level: Level) -> bool:
        """Return whether this is a level of the knob."""
        if any(level == entry.name for entry in self.levels):
            return True
        if self.free == "whole number":
            return isinstance(level, int) and not isinstance(level, bool) and level > 0
        return self.free == "name" and isinstance(level, str) and level.isidentifier()

    def choices(self) -> str:
        """Return the levels as a message names them."""
        named = [entry.name for entry in self.levels]
        return ", ".join(named + ([f"any {self.free}"] if self.free else []))


@dataclass(frozen=True, slots=True)
class CompilerEntry:
    """One compiler.

    Attributes:
        modules: Modules that must be importable for it to run.
        extra: What to install: ``pip install ablatrix[extra]``.
        adapter: ``module:class`` of the adapter.
    """

    name: str
    summary: str
    modules: tuple[str, ...]
    extra: str
    adapter: str
    knobs: tuple[KnobEntry, ...]

    @property
    def installed(self) -> bool:
        """Whether its modules can be found (they are not imported)."""
        return all(find_spec(module) is not None for module in self.modules)

    @property
    def digest(self) -> str:
        """SHA-256 of the knobs and levels."""
        return digest_value([asdict(knob) for knob in self.knobs])

    def knob(self, name: str) -> KnobEntry | None:
        """Return a knob by name, or None."""
        return next((knob for knob in self.knobs if knob.name == name), None)

    def defaults(self) -> dict[str, Level]:
        """Return the default level of every knob."""
        return {knob.name: knob.default for knob in self.knobs}


def _switch(name: str, kind: Kind, affects: Affects, summary: str, off: str, on: str) -> KnobEntry:
    return KnobEntry(name, kind, summary, (LevelEntry("off", off), LevelEntry("on", on)), "off", affects)


PARTITION = KnobEntry(
    "partition",
    "primary",
    "Into how many tasks the program is cut before it is compiled.",
    (
        LevelEntry("whole", "The whole program is one task."),
        LevelEntry("regions", "Each block of the model is a task; identical blocks are compiled once."),
    ),
    "whole",
    "code",
)
UPPER_BOUND = KnobEntry(
    "upper_bound",
    "secondary",
    "Upper bound of the program's dynamic dimension, for which memory is planned.",
    (LevelEntry("workload", "The bound that the workload states."),),
    "workload",
    "code",
    "whole number",
)
CACHE_TAG = KnobEntry(
    "cache_tag",
    "secondary",
    "Which disk cache a cold trial starts with.",
    (LevelEntry("private", "An empty one of its own."),),
    "private",
    "cache",
    "name",
)

TVM = CompilerEntry(
    "tvm",
    "Apache TVM, Relax, code generation by LLVM for the host's processor.",
    ("tvm", "torch"),
    "tvm",
    "ablatrix.compilers.tvm.compiler:TvmCompiler",
    (
        PARTITION,
        KnobEntry(
            "reuse",
            "primary",
            "Whether memory is given back before the end of a run.",
            (
                LevelEntry("keep", "Buffers between tasks live to the end; no kill instructions inside a task."),
                LevelEntry(
                    "release",
                    "Buffers between tasks are released at their last use and share one arena; inside a task "
                    "KillAfterLastUse frees storage after its last use.",
                ),
            ),
            "keep",
            "code",
        ),
        _switch(
            "memory_plan",
            "primary",
            "code",
            "Whether storage inside a task is planned at compile time (StaticPlanBlockMemory).",
            "Every tensor has a storage of its own.",
            "Tensors whose lives do not overlap share storage.",
        ),
        _switch(
            "fusion",
            "primary",
            "code",
            "Whether operators are fused into one kernel (FuseOps, FuseTIR).",
            "One kernel an operator.",
            "Element-wise operators are fused with their neighbours.",
        ),
        KnobEntry(
            "schedule",
            "secondary",
            "How loops of generated kernels are arranged.",
            (
                LevelEntry("default", "As legalisation made them: one scalar loop nest."),
                LevelEntry("vectorised", "Outer loops parallel, inner spatial loops vectorised and unrolled."),
            ),
            "default",
            "code",
        ),
        _switch(
            "library",
            "secondary",
            "code",
            "Who computes matrix products and convolutions.",
            "Generated kernels.",
            "Torch's kernels, called from the compiled program.",
        ),
        UPPER_BOUND,
        _switch(
            "pass_timing",
            "secondary",
            "observer",
            "Whether time by pass is observed, in a compile of its own that no figure includes.",
            "No observer.",
            "One more compile, observed.",
        ),
        CACHE_TAG,
    ),
)
EAGER = CompilerEntry(
    "eager",
    "PyTorch eager: the reference beside every block; it has no knobs.",
    ("torch",),
    "workloads",
    "ablatrix.compilers.eager:EagerCompiler",
    (),
)
COMPILERS: Mapping[str, CompilerEntry] = {entry.name: entry for entry in (TVM, EAGER)}


def get_compiler(name: str) -> CompilerEntry:
    """Return a compiler's entry.

    Raises:
        CompilerError: There is no compiler of that name.
    """
    if name not in COMPILERS:
        raise CompilerError(f"there is no compiler '{name}'; there are: {', '.join(sorted(COMPILERS))}")
    return COMPILERS[name]
