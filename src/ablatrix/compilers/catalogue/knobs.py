"""Knobs that several compilers have, and the shapes of those that are switched off and on or are settings."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from ablatrix.compilers.catalogue.model import Affects, Kind, KnobEntry, Level, LevelEntry, Setting, SettingValue

VECTORS: Mapping[Level, str] = {128: "As SSE and NEON have.", 256: "As AVX2 has.", 512: "As AVX-512 has."}
"""Widths of vectors in bits, with a sentence each."""


def switch(
    name: str, kind: Kind, affects: Affects, summary: str, off: str, on: str, *, default: str = "off", shipped: str = ""
) -> KnobEntry:
    """Return a knob with the levels ``off`` and ``on``, each with its sentence.

    Args:
        name: Its name.
        kind: Its kind.
        affects: What a change of level changes.
        summary: A sentence on it.
        off: The sentence on ``off``.
        on: The sentence on ``on``.
        default: Its default.
        shipped: The level at which the compiler ships; empty where that is the default.
    """
    return KnobEntry(
        name=name,
        kind=kind,
        summary=summary,
        levels=(LevelEntry("off", off), LevelEntry("on", on)),
        default=default,
        affects=affects,
        shipped=shipped or None,
    )


def sets(address: str, values: Mapping[Level, SettingValue | None], *, free: bool = False) -> Setting:
    """Return what the levels of a knob set an address to (``kind:name``); None leaves it as it is."""
    kind, _, name = address.partition(":")
    return Setting(kind, name, tuple(values.items()), free)


def built_in(knob: KnobEntry, *acts: Setting) -> KnobEntry:
    """Return a knob of every configuration, with the settings that it acts by."""
    return replace(knob, acts=acts, built_in=True)


def offered(
    name: str,
    affects: Affects,
    summary: str,
    levels: Mapping[Level, str],
    *acts: Setting,
    default: Level | None = None,
    free: bool = False,
) -> KnobEntry:
    """Return a setting that has a name of its own.

    Args:
        name: Its name.
        affects: What a change of level changes.
        summary: A sentence on it.
        levels: The sentence on each level.
        acts: What they set.
        default: Where a study says none; the first level when None.
        free: Whether any whole number above zero is a level, too.
    """
    return KnobEntry(
        name=name,
        kind="secondary",
        summary=summary,
        levels=tuple(LevelEntry(level, sentence) for level, sentence in levels.items()),
        default=next(iter(levels)) if default is None else default,
        affects=affects,
        free="whole number" if free else "",
        acts=acts,
    )


def reuse_between_tasks(compiler: str) -> KnobEntry:
    """Return ``reuse`` for a compiler that always gives memory back inside a task, by its name in sentences."""
    return KnobEntry(
        name="reuse",
        kind="primary",
        summary="Whether memory between tasks is given back before the end of a run; "
        f"inside a task {compiler} always does.",
        levels=(
            LevelEntry("keep", "Buffers between tasks live to the end."),
            LevelEntry("release", "Buffers between tasks are released at their last use and share one arena."),
        ),
        default="keep",
        affects="plan",
    )


def weights(default: Literal["input", "constant"], constant: str) -> KnobEntry:
    """Return ``weights`` for a compiler.

    Args:
        default: The level at which its users deploy it.
        constant: What it makes of constant weights, as a sentence.
    """
    return KnobEntry(
        name=WEIGHTS,
        kind="secondary",
        summary="Whether weights are constants of the compiled code or inputs of it; the default is how the compiler "
        "is deployed.",
        levels=(
            LevelEntry("input", "Tasks take weights as inputs: blocks that are equal but for these share their code."),
            LevelEntry("constant", constant),
        ),
        default=default,
        affects="code",
    )


WEIGHTS = "weights"
ALWAYS_BEFORE: Mapping[str, Level] = MappingProxyType({WEIGHTS: "input"})
"""Levels that every configuration had before there was a knob for them: at these a cell is the same as it was then."""
PARTITION = KnobEntry(
    name="partition",
    kind="primary",
    summary="Into how many tasks the program is cut before it is compiled.",
    levels=(
        LevelEntry("whole", "The whole program is one task."),
        LevelEntry(
            "regions",
            "Each block of the model is a task; identical blocks are compiled once (with 'weights: constant' each has "
            "its own weights in its code, and few blocks are identical).",
        ),
    ),
    default="whole",
    affects="code",
)
UPPER_BOUND = KnobEntry(
    name="upper_bound",
    kind="secondary",
    summary="Upper bound of the program's dynamic dimension, for which memory is planned.",
    levels=(LevelEntry("workload", "The bound that the workload states."),),
    default="workload",
    affects="code",
    free="whole number",
)
CACHE_TAG = KnobEntry(
    name="cache_tag",
    kind="secondary",
    summary="Which disk cache a cold trial starts with.",
    levels=(LevelEntry("private", "An empty one of its own."),),
    default="private",
    affects="cache",
    free="name",
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
    name="threads",
    kind="secondary",
    summary="Threads of a run.",
    levels=(LevelEntry("protocol", "As many as the study's protocol says."),),
    default="protocol",
    affects="code",
    free="whole number",
)
