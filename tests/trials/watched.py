"""A compiler that says which passes it runs: as many as it was asked for before in its process, and one more."""

from __future__ import annotations

import os

from ablatrix.compilers.adapter import CompileRequest
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.compilers.passes import ObservedPasses, PassRun
from ablatrix.errors import CompilerError

LEVELS = ("well", "badly", "abort")
WATCHED = CompilerEntry(
    name="watched",
    summary="Eager, with passes.",
    modules=("torch",),
    extra="",
    adapter="tests.trials.watched:WatchedCompiler",
    knobs=(
        KnobEntry(
            name="ends",
            kind="primary",
            summary="How a compile under observers ends.",
            levels=tuple(LevelEntry(name, "So.") for name in LEVELS),
            default="well",
            affects="code",
        ),
    ),
)
ASKED: list[str] = []


class WatchedCompiler(EagerCompiler):
    """Runs the program eagerly, and has passes that depend on what its process did before."""

    name = "watched"

    def observe_passes(self, request: CompileRequest) -> ObservedPasses:
        """Return a pass for each time that this was asked in the process; the evidence names its parent."""
        if request.knobs["ends"] == "badly":
            raise CompilerError("it will not")
        if request.knobs["ends"] == "abort":
            print("so it goes", flush=True)
            os.abort()
        ASKED.append(f"pass-{len(ASKED)}")
        runs = tuple(PassRun(name=name, changed=True) for name in ASKED)
        return ObservedPasses(runs=runs, evidence=str(os.getppid()))
