"""What may be switched alone in the second configuration, which operations that acts on, and what it should change.

Candidates are knobs by which the two configurations differ, and the settings, passes and optimisers that such a knob
acts by; of many passes those that changed the program. Each is compiled, and not timed: groups whose kernels are those
of the first configuration behind it are what it acts on. Where both have the same kernels of other code, that is all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from ablatrix.compilers.catalogue import Level, Setting
from ablatrix.compilers.passes import PASS_KINDS
from ablatrix.compilers.profiling import KernelProfile, ProfiledKernel
from ablatrix.errors import AblatrixError, CompilerError
from ablatrix.explain.configuration import Pair, Side, knob_name
from ablatrix.explain.measuring import Bench
from ablatrix.records.explanation import ExplainedGroup
from ablatrix.trials.run import list_passes_of

MOST = 8
"""Candidates that are compiled, of one pair."""
MANY = 4
"""Passes behind a knob above which the compiler is asked which of them changed the program."""
OPTIMIZER, WITHOUT = "optimizer", "without"


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What was found of a pair.

    Attributes:
        groups: Largest difference first.
        profiles: Of both configurations.
        overhead_ms: Difference of what is no kernel.
    """

    groups: Sequence[ExplainedGroup]
    profiles: tuple[KernelProfile, KernelProfile]
    overhead_ms: float


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The second configuration with something switched as in the first.

    Attributes:
        side: As it is run.
        text: What was switched.
        acts_on: Groups that it acts on.
        predicted_ms: What that should change.
    """

    side: Side
    text: str
    acts_on: tuple[int, ...]
    predicted_ms: float


def find_candidates(pair: Pair, sides: tuple[Side, Side], bench: Bench, found: Explained) -> Iterator[Candidate]:
    """Yield what can be switched and acts on kernels of the second one, each compiled when it is asked for."""
    for levels in islice(_switches(*sides), MOST):
        text = ", ".join(f"{name}={level}" for name, level in levels.items())
        try:
            side = pair.side(pair.b.with_levels(levels))
            profile = bench.look(side)
        except AblatrixError:  # no study may have both settings, or the compiler does not take them
            continue
        acts_on = acted_on(found, profile)
        if acts_on:
            predicted = predicted_ms(found, profile, acts_on)
            yield Candidate(side=side, text=text, acts_on=acts_on, predicted_ms=predicted)


def acted_on(found: Explained, behind: KernelProfile) -> tuple[int, ...]:
    """Return the groups that are computed as in the first configuration behind a switch, and were not before.

    None where its code is the same, or where a group is computed in a third way, of which no profile says how long it
    takes.
    """
    a, b = found.profiles
    others = changed_groups(found.groups, b.kernels, behind.kernels)
    if others:
        half_way = changed_groups([found.groups[one] for one in others], a.kernels, behind.kernels)
        return () if half_way else others
    if a.artifact_digest not in {b.artifact_digest, behind.artifact_digest}:
        return ()
    return tuple(index for index, one in enumerate(found.groups) if one.nodes)


def predicted_ms(found: Explained, behind: KernelProfile, acts_on: Sequence[int]) -> float:
    """Return by how much a run should be longer behind a switch.

    Its groups take what they take in the first configuration. And each call of a kernel costs something around it: of
    the difference of the overhead there is the part of the difference in calls that is made up for.
    """
    kernels = math.fsum(-found.groups[one].difference.ms for one in acts_on)
    calls_a, calls_b = (len(one.kernels) for one in found.profiles)
    everywhere = len(acts_on) == sum(bool(one.nodes) for one in found.groups)
    part = 1.0 if everywhere else 0.0
    if calls_a != calls_b:
        part = min(max((len(behind.kernels) - calls_b) / (calls_a - calls_b), 0.0), 1.0)
    return kernels - part * found.overhead_ms


def changed_groups(
    groups: Sequence[ExplainedGroup], before: Sequence[ProfiledKernel], behind: Sequence[ProfiledKernel]
) -> tuple[int, ...]:
    """Return the groups that other kernels compute, or kernels with other nodes."""

    def of(kernels: Sequence[ProfiledKernel], nodes: frozenset[int]) -> list[tuple[str, tuple[int, ...]]]:
        return sorted((_kind(one.name), one.nodes) for one in kernels if nodes & frozenset(one.nodes))

    return tuple(
        index
        for index, one in enumerate(groups)
        if one.nodes and of(before, frozenset(one.nodes)) != of(behind, frozenset(one.nodes))
    )


def _kind(name: str) -> str:
    """Return the name of a kernel without the numbers that compilers count up."""
    return name.rstrip("0123456789_.")


def differing(a: Side, b: Side) -> list[str]:
    """Return the knobs by which two configurations differ."""
    every = dict.fromkeys([*b.cell.knobs, *a.cell.knobs])
    return [knob for knob in every if a.cell.knobs.get(knob) != b.cell.knobs.get(knob)]


def _switches(a: Side, b: Side) -> Iterator[Mapping[str, Level]]:
    """Yield what may be switched in the second configuration: each knob by itself, then settings behind one."""
    knobs = [(name, b.entry.knob(name)) for name in differing(a, b)]
    given = {knob_name(name): name for name in a.configuration.levels}  # a setting goes by its address
    yield from ({given.get(name, name): a.cell.knobs[name]} for name, _ in knobs if name in a.cell.knobs)
    behind = [(name, setting) for name, knob in knobs if knob is not None for setting in knob.acts]
    passes = [setting.address for _, setting in behind if _kind_of(setting) in PASS_KINDS]
    acting = _acting(b) if len(passes) > MANY else None
    for name, setting in behind:
        if acting is None or setting.address not in passes or setting.address in acting:
            yield from _switched(a, b, name, setting)


def _switched(a: Side, b: Side, knob: str, setting: Setting) -> Iterator[Mapping[str, Level]]:
    kind, _, name = setting.address.partition(":")
    if kind == OPTIMIZER and b.entry.knob(WITHOUT) is not None:
        yield {WITHOUT: name}
    elif kind in PASS_KINDS:
        yield {setting.address: "off"}
    elif knob in a.cell.knobs and (value := setting.value(a.cell.knobs[knob])) is not None:
        yield {setting.address: value if not isinstance(value, bool) else ("on" if value else "off")}


def _kind_of(setting: Setting) -> str:
    return setting.address.partition(":")[0]


def _acting(side: Side) -> set[str] | None:
    """Return the addresses of the passes that changed the program; None where the compiler does not say."""
    try:
        listed = list_passes_of(side.resolved)
    except CompilerError:
        return None
    return {one.address for one in listed.passes if one.changed != 0}
