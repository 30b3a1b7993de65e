"""Trying a named cause: what it is put down to is switched alone, and both forms are measured once more.

A setting is sought that makes the kernels of the group, and of groups of the same operations, others, and few besides:
a knob by which the two configurations differ, one of the settings that such a knob acts by, or a pass that changed the
program. What it changes is measured in blocks of its own, against what the profile says it should change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.profiling import KernelProfile, ProfiledKernel
from ablatrix.errors import AblatrixError, TrialError
from ablatrix.explain.configuration import Pair, Side
from ablatrix.explain.measuring import Bench
from ablatrix.explain.sums import block_times, spread
from ablatrix.records.explanation import ExplainedGroup, Intervention

MOST = 8
"""Candidates whose kernels are looked at, of one cause."""
ALONE = 0.5
"""Least part of what a candidate should change that is in the named operations."""
NEAR = (0.5, 2.0)
"""What is measured, as a part of what the profile predicts, for a cause to be confirmed."""
SWITCHED = {"pass": "off", "optimizer": "off", "lowering": "off", "fusion": "off"}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The second configuration with something switched as in the first.

    Attributes:
        side: As it is run.
        text: What was switched.
        acts_on: Groups whose kernels are others.
        predicted_ms: What that should change.
    """

    side: Side
    text: str
    acts_on: tuple[int, ...]
    predicted_ms: float


def intervene(
    pair: Pair,
    sides: tuple[Side, Side],
    bench: Bench,
    groups: Sequence[ExplainedGroup],
    profile: KernelProfile,
    *,
    causes: int,
    blocks: int,
    notice: Callable[[str], None],
) -> list[Intervention]:
    """Try the largest causes, one for each kind of operations.

    Args:
        pair: The configurations.
        sides: As they are run.
        bench: Where they were measured.
        groups: What was found, largest difference first.
        profile: Of the second configuration.
        causes: How many are tried.
        blocks: Blocks of each.
        notice: Called with what is being done.
    """
    named = list(dict.fromkeys(one.label for one in groups if one.nodes))[:causes]
    found = []
    for label in named:
        group = next(index for index, one in enumerate(groups) if one.label == label)
        notice(f"trying the cause: {label}")
        found.append(_try(pair, sides, bench, groups, profile, group, blocks))
    return found


def _try(
    pair: Pair,
    sides: tuple[Side, Side],
    bench: Bench,
    groups: Sequence[ExplainedGroup],
    profile: KernelProfile,
    group: int,
    blocks: int,
) -> Intervention:
    a, b = sides
    if a.cell.compiler != b.cell.compiler:
        why = f"no setting makes {b.cell.compiler} compute it as {a.cell.compiler} does"
        return Intervention(group=group, outcome="cannot be switched", why=why)
    family = {index for index, one in enumerate(groups) if one.label == groups[group].label}
    chosen = _best(_looked_at(pair, sides, bench, groups, profile), groups, family)
    if chosen is None:
        differing = ", ".join(_differing(a, b))
        why = f"of {differing} and the settings behind it, none acts on these operations without acting more on others"
        return Intervention(group=group, outcome="cannot be switched", why=why)
    try:
        measured = [block_times(bench.block(b, chosen.side)) for _ in range(blocks)]
    except TrialError as error:
        why = f"with {chosen.text} it does not run: {error}"
        return Intervention(group=group, switched=chosen.text, outcome="cannot be switched", why=why)
    change = spread([one.b.total - one.a.total for one in measured])
    ratio = change.ms / chosen.predicted_ms if chosen.predicted_ms else math.nan
    decided = change.is_decided or blocks == 1
    confirmed = decided and NEAR[0] <= ratio <= NEAR[1]
    besides = len(set(chosen.acts_on) - family)
    others = f", and on {besides} other group{'s' * (besides > 1)}" if besides else ""
    why = (
        f"B with {chosen.text}, which acts on it{others}, takes {change.ms:+.4g} ms more, and the profile says "
        f"{chosen.predicted_ms:+.4g} ms"
    )
    return Intervention(
        group=group,
        switched=chosen.text,
        acts_on=list(chosen.acts_on),
        predicted_ms=chosen.predicted_ms,
        measured=change,
        outcome="confirmed" if confirmed else "not confirmed",
        why=why,
    )


def _looked_at(
    pair: Pair,
    sides: tuple[Side, Side],
    bench: Bench,
    groups: Sequence[ExplainedGroup],
    profile: KernelProfile,
) -> Iterator[Candidate]:
    """Yield what can be switched and makes kernels of the second configuration others."""
    for levels in _candidates(*sides)[:MOST]:
        text = ", ".join(f"{name}={level}" for name, level in levels.items())
        try:
            side = pair.side(pair.b.with_levels(levels))
            kernels = bench.kernels(side)
        except AblatrixError:  # no study may have both settings, or the compiler does not take them
            continue
        acts_on = changed_groups(groups, profile.kernels, kernels)
        if acts_on:
            predicted = math.fsum(-groups[one].difference.ms for one in acts_on)
            yield Candidate(side=side, text=text, acts_on=acts_on, predicted_ms=predicted)


def _best(candidates: Iterator[Candidate], groups: Sequence[ExplainedGroup], family: set[int]) -> Candidate | None:
    """Return the candidate that acts most on some groups alone; None where all act more on others."""
    best, best_part = None, ALONE
    for one in candidates:
        moved = {index: abs(groups[index].difference.ms) for index in one.acts_on}
        inside = math.fsum(value for index, value in moved.items() if index in family)
        part = inside / (math.fsum(moved.values()) or 1.0)
        if inside and part >= best_part and (best is None or part > best_part):
            best, best_part = one, part
    return best


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


def _differing(a: Side, b: Side) -> list[str]:
    return [knob for knob, level in b.cell.knobs.items() if a.cell.knobs.get(knob) != level]


def _candidates(a: Side, b: Side) -> list[Mapping[str, Level]]:
    """Return what may be switched in the second configuration: settings behind a knob, then each knob by itself."""
    found: list[Mapping[str, Level]] = []
    for name in _differing(a, b):
        knob = b.entry.knob(name)
        for setting in () if knob is None else knob.acts:
            kind = setting.address.partition(":")[0]
            if kind == "optimizer" and b.entry.knob("without") is not None:
                found.append({"without": setting.address.partition(":")[2]})
            elif kind in SWITCHED:
                found.append({setting.address: SWITCHED[kind]})
            elif (value := setting.value(a.cell.knobs[name])) is not None:
                found.append({setting.address: value if not isinstance(value, bool) else ("on" if value else "off")})
        if name in a.cell.knobs:
            found.append({name: a.cell.knobs[name]})
    return found
