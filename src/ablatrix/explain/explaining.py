"""Explaining a pair of configurations: measured in blocks, mapped to groups, added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ablatrix.compilers.profiling import KernelProfile
from ablatrix.errors import TrialError
from ablatrix.explain.candidates import Explained
from ablatrix.explain.configuration import Pair, Side
from ablatrix.explain.grouping import Group, group_kernels
from ablatrix.explain.intervening import intervene
from ablatrix.explain.machine import counters_missing, measure_peak
from ablatrix.explain.measuring import TWIN, A, B, Bench, open_bench
from ablatrix.explain.stopping import MOST, is_clear, is_end
from ablatrix.explain.sums import BlockTimes, Sums, add_up, block_times, profiles_of
from ablatrix.records.explanation import ExplainedBlock, ExplainedGroup, ExplainedSide, Explanation, Timed, differs
from ablatrix.trials.messages import NodeWork
from ablatrix.trials.run import PairedProfiles

LONGEST_LABEL = 6
"""Operations of a label that are named; further ones are counted."""


def explain(
    pair: Pair,
    *,
    most_blocks: int = MOST,
    causes: int = 1,
    peak: bool = True,
    notice: Callable[[str], None] = lambda text: None,
    work_dir: Path | None = None,
) -> Explanation:
    """Measure two configurations and say where their difference is from, if it is shown that they differ.

    Blocks are added until it is clear whether they do, and the residual is small against the difference.

    Args:
        pair: The configurations.
        most_blocks: Blocks at most, each of new processes; three are measured in any case.
        causes: How many of the largest groups are tried by switching them alone.
        peak: Whether the machine's speed is measured.
        notice: Called with what is being done.
        work_dir: An empty directory for programs, caches and logs; a temporary one by default.

    Raises:
        StudyError: There is no such configuration.
        TrialError: A trial or profile failed, or the workload cannot be prepared.
    """
    sides = pair.side(pair.a), pair.side(pair.b)
    with open_bench(sides, notice, work_dir) as bench:
        times, groups, first = _measure(bench, sides, most_blocks)
        sums = add_up(times, groups)
        profiles, nodes = _profiles(first, first), first.nodes
        order = sorted(range(len(groups)), key=lambda one: -abs(sums.groups[one][2].ms))
        explained = [_group(groups[one], sums, one, profiles, nodes) for one in order]
        tried = []
        if differs(sums.difference, sums.a["total"]):
            held = Explained(groups=explained, profiles=profiles, overhead_ms=sums.overhead.ms)
            tried = intervene(pair, sides, bench, held, causes=causes, most_blocks=most_blocks, notice=notice)
        notice("measuring how fast the machine is")
        speed = measure_peak(bench.threads) if peak else None
    return _explanation(pair, sides, bench.threads, times, sums, profiles).model_copy(
        update={
            "groups": explained,
            "interventions": tried,
            "peak": speed,
            "counters": counters_missing(),
        }
    )


def cheap_nodes(nodes: Sequence[NodeWork]) -> list[int]:
    """Return the nodes that compute nothing."""
    return [index for index, one in enumerate(nodes) if one.is_view]


def _measure(bench: Bench, sides: tuple[Side, Side], most: int) -> tuple[list[BlockTimes], list[Group], PairedProfiles]:
    """Return blocks until they are clear, the groups, and the first block."""
    first = bench.block(*sides)
    measured = block_times(first)
    one, other = _profiles(first, first)
    groups = group_kernels(one.kernels, other.kernels, cheap_nodes(first.nodes))
    times: list[BlockTimes] = []
    while True:
        times.append(measured)
        if is_end(len(times), most, lambda: is_clear(add_up(times, groups))):
            return times, groups, first
        block = bench.block(*sides)
        measured = block_times(block)
        _profiles(first, block)


def _profiles(first: PairedProfiles, block: PairedProfiles) -> tuple[KernelProfile, KernelProfile]:
    """Return the profiles of both sides in the first block, whose kernels those of another one must be.

    Raises:
        TrialError: They are not.
    """
    held, others = profiles_of(first), profiles_of(block)
    for one, same in ((A, A), (A, TWIN), (B, B)):
        if [kernel.name for kernel in held[one].kernels] != [kernel.name for kernel in others[same].kernels]:
            raise TrialError(
                "the kernels of one configuration are others from process to process, as where code is chosen by "
                "timing; fix what it chooses (max_autotune: off)"
            )
    return held[A], held[B]


def _group(
    group: Group,
    sums: Sums,
    index: int,
    profiles: tuple[KernelProfile, KernelProfile],
    nodes: Sequence[NodeWork],
) -> ExplainedGroup:
    a, b, difference = sums.groups[index]
    return ExplainedGroup(
        nodes=list(group.nodes),
        label=label_of(group.nodes, nodes),
        region=next((nodes[one].region for one in group.nodes if nodes[one].region), ""),
        a=a,
        b=b,
        difference=difference,
        a_kernels=[profiles[0].kernels[one].name for one in group.a],
        b_kernels=[profiles[1].kernels[one].name for one in group.b],
        flops=sum(nodes[one].flops for one in group.nodes),
        bytes=bytes_of(group.nodes, nodes),
    )


def label_of(group: Sequence[int], nodes: Sequence[NodeWork]) -> str:
    """Return the operations of a group: those that compute something, where there are any."""
    if not group:
        return "(computes no node)"
    computing = [one for one in group if not nodes[one].is_view] or list(group)
    names = [nodes[one].operation.removeprefix("aten::").partition(".")[0] for one in computing]
    counted: list[list[str | int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1][1] = int(counted[-1][1]) + 1
        else:
            counted.append([name, 1])
    words = [f"{count} {name}" if int(count) > 1 else str(name) for name, count in counted]
    more = f" + {len(words) - LONGEST_LABEL} more" if len(words) > LONGEST_LABEL else ""
    return " + ".join(words[:LONGEST_LABEL]) + more


def bytes_of(group: Sequence[int], nodes: Sequence[NodeWork]) -> int:
    """Return the bytes of the values that enter and leave a group, each once."""
    made = {value for one in group for value in nodes[one].writes}
    read = {value for one in group for value in nodes[one].reads}
    chosen = set(group)
    left = {value for index, one in enumerate(nodes) if index not in chosen for value in one.reads}
    last = {value for one in group for value in nodes[one].writes if value not in read}
    sizes = {value: size for one in group for value, size in nodes[one].value_bytes.items()}
    return sum(sizes[value] for value in (read - made) | (made & left) | last)


def _block(one: BlockTimes, left_out: Sequence[Timed]) -> ExplainedBlock:
    return ExplainedBlock(
        a=one.a.total,
        twin=one.twin.total,
        b=one.b.total,
        a_plain=one.a.plain,
        twin_plain=one.twin.plain,
        b_plain=one.b.plain,
        a_profiled=one.a.profiled,
        twin_profiled=one.twin.profiled,
        b_profiled=one.b.profiled,
        left_out=list(left_out),
    )


def _explanation(
    pair: Pair,
    sides: tuple[Side, Side],
    threads: int,
    times: Sequence[BlockTimes],
    sums: Sums,
    profiles: tuple[KernelProfile, KernelProfile],
) -> Explanation:
    first, second = (
        ExplainedSide(
            compiler=side.cell.compiler,
            knobs=dict(side.cell.knobs),
            calls=len(profile.kernels),
            source=profile.source,
            **held,
        )
        for side, profile, held in zip(sides, profiles, (sums.a, sums.b), strict=True)
    )
    return Explanation(
        workload=pair.workload,
        parameters=dict(sides[0].cell.parameters),
        threads=threads,
        blocks=len(times),
        a=first,
        b=second,
        difference=sums.difference,
        noise=sums.noise,
        kernels_difference=sums.kernels,
        overhead_difference=sums.overhead,
        residual=sums.residual,
        of_blocks=[_block(one, out) for one, out in zip(times, sums.left_out, strict=True)],
        groups=[],
        counters="",
    )
