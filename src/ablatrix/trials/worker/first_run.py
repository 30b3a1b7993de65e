"""The first run of an executable: its time and its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import COMPILE_PHASES, BoundRun, Executable, PhaseClock, RunsElsewhere
from ablatrix.records.model import Mode, RunFacts
from ablatrix.trials.host import PROCESS, PeakMeter

if TYPE_CHECKING:
    from ablatrix.workloads.program import Program

FIRST_RUN = "first_run"


@dataclass(frozen=True)
class FirstRun:
    """An executable that is bound to the inputs that are timed, and has run once.

    Attributes:
        growth_bytes: Growth of the peak resident set of its process meanwhile, None where it is not known.
        run_ms: Time of the run.
        phases: Milliseconds of each phase of compiling that went on meanwhile, binding included.
    """

    bound: BoundRun
    growth_bytes: int | None
    run_ms: float
    phases: Mapping[str, float]


@dataclass(frozen=True)
class ColdTimes:
    """The parts of a cold time in milliseconds.

    Attributes:
        plan: Planning; None for the reference.
        phases: Each phase of compiling, by any name.
        run: The first run.
    """

    plan: float | None
    phases: Mapping[str, float]
    run: float

    @property
    def parts(self) -> dict[str, float | None]:
        """The parts by their names in records. One that did not happen is None: what was found was not compiled."""
        named = {f"{name}_ms": self.phases.get(name) for name in COMPILE_PHASES}
        others = [time for name, time in self.phases.items() if name not in COMPILE_PHASES]
        return {"plan_ms": self.plan, **named, "other_ms": sum(others) if others else None, "run_ms_cold": self.run}


@dataclass(frozen=True)
class MemoryFacts:
    """Memory in bytes; None where it is not known.

    Attributes:
        run_bytes: Growth of the peak resident set while it ran first.
        compile_bytes: Growth of the peak resident set while it was compiled.
        allocator_bytes: Peak of the device's allocator.
        elsewhere: Whether the executable runs in a process of its own.
        on_gpu: Whether it runs on a GPU.
    """

    run_bytes: int | None
    compile_bytes: int | None
    allocator_bytes: int | None
    elsewhere: bool
    on_gpu: bool

    @property
    def reasons(self) -> dict[str, str]:
        """Why figures are not known, by the names of the record."""
        reasons = {}
        if not self.on_gpu:
            reasons["allocator_peak_bytes"] = "the allocators of the CPU runtimes keep no count of their own"
        if self.run_bytes is None:
            silent = "the kernel does not let a process reset its peak resident set"
            reasons |= dict.fromkeys(("peak_rss_delta_bytes", "peak_rss_compile_bytes"), silent)
        if self.elsewhere:
            reasons["peak_rss_compile_bytes"] = "it was compiled in a process of its own, and in those that it started"
        return reasons


def run_first(executable: Executable, program: Program, clock: PhaseClock) -> FirstRun:
    """Bind the input set that is timed, and run once."""
    before = dict(clock.milliseconds)
    meter = PeakMeter.reset(executable.process if isinstance(executable, RunsElsewhere) else PROCESS)
    with clock.phase("load"):
        bound = executable.bind(program.input_sets[0].inputs)
    with clock.phase(FIRST_RUN):
        bound.run()
    growth = meter.growth_bytes()
    phases = clock.since(before)
    return FirstRun(bound, growth, phases.pop(FIRST_RUN), phases)


def run_facts(mode: Mode, memory: MemoryFacts, times: ColdTimes) -> RunFacts:
    """Return the record's part about the first run: its memory, and for a cold trial ``compile_first_run_ms``.

    That time is the sum of its parts.
    """
    facts = RunFacts(
        peak_rss_delta_bytes=memory.run_bytes,
        peak_rss_compile_bytes=memory.compile_bytes,
        allocator_peak_bytes=memory.allocator_bytes,
        reasons=memory.reasons,
    )
    if mode == "hot":
        return facts
    parts = times.parts
    whole = sum(part for part in parts.values() if part is not None)
    return facts.model_copy(update={**parts, "compile_first_run_ms": whole})
