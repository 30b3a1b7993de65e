"""Knobs that several compilers have, and the shape of one that is switched off and on."""

from ablatrix.compilers.catalogue.model import Affects, Kind, KnobEntry, LevelEntry


def switch(name: str, kind: Kind, affects: Affects, summary: str, off: str, on: str) -> KnobEntry:
    """Return a knob with the levels ``off``, its default, and ``on``, each with its sentence."""
    return KnobEntry(name, kind, summary, (LevelEntry("off", off), LevelEntry("on", on)), "off", affects)


def reuse_between_tasks(compiler: str) -> KnobEntry:
    """Return ``reuse`` for a compiler that always gives memory back inside a task, by its name in sentences."""
    return KnobEntry(
        "reuse",
        "primary",
        f"Whether memory between tasks is given back before the end of a run; inside a task {compiler} always does.",
        (
            LevelEntry("keep", "Buffers between tasks live to the end."),
            LevelEntry("release", "Buffers between tasks are released at their last use and share one arena."),
        ),
        "keep",
        "plan",
    )


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
PASS_TIMING = switch(
    "pass_timing",
    "secondary",
    "observer",
    "Whether time by pass is observed, in a compile of its own that no figure includes.",
    "No observer.",
    "One more compile, observed.",
)
THREADS = KnobEntry(
    "threads",
    "secondary",
    "Threads of a run.",
    (LevelEntry("protocol", "As many as the study's protocol says."),),
    "protocol",
    "code",
    "whole number",
)
