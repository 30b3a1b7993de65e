"""How often equal things are called different, and how often a planted slowdown is found, with real runs.

Equal: a program against itself, five blocks of fresh processes, by the engine's own rule: it is called different when
Student's t interval over blocks (nominal 5 %) excludes 1. The two sides are built in an order drawn anew for each
block, as a design shuffles its blocks. All blocks in a row are also cut into comparisons by the default rule of
stopping (until the interval is narrow, at most 20 blocks). Beside it on the same data: pyperf's rule
(its own ``is_significant``, a pooled t-test over all values, here the means of bursts), and a sequential design: all
A's of one comparison against all B's of the next one, which ran after them.
Planted: 100 equal kernels an iteration against 101 (1 %) and 102 (2 %), with the default protocol.

    python benchmarks/false_verdicts.py [comparisons] [planted] [--keep FILE]

With ``--keep`` the raw values go to a file, and the figures are made of all that it holds: a long run can be made in
pieces.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from ablatrix.statistics.precision import Comparison, Configuration, find_shortfall, measure_widths
from ablatrix.statistics.ratio import Ratio, paired_ratio, welch_ratio
from ablatrix.study.model import HotProtocol
from ablatrix.trials.run.block import run_hot
from ablatrix.trials.run.stopping import CONFIRMING_BLOCKS
from live import Scene, block_levels, burst_means, open_scene

TARGETS = {"called_different": 0.07, "interval_low": 0.05, "found_2_percent": 0.95}
SMALL = HotProtocol(max_blocks=5, rounds=4, burst_ms=1, burst_iterations=8, rewarm_iterations=2, warm_up_ms=2)
PLANTED = HotProtocol()
Case = dict[str, Any]
"""``kind``; ``levels``: of each configuration in each block; ``bursts``: the mean of each burst; ``s``: seconds."""


def main(comparisons: int, planted: int, keep: Path | None) -> None:
    """Run what is asked for, and print figures over that and all kept before as JSON."""
    cases = [json.loads(line) for line in keep.read_text().splitlines()] if keep and keep.exists() else []
    done = len(cases)
    blocks = itertools.count(PLANTED.max_blocks * done)
    with open_scene("mlp", {"layers": 1, "hidden": 16, "batch": 2}) as scene:
        for number in range(comparisons + planted):
            if number < comparisons:
                case = compare(scene, "equal", ["once", "once"], SMALL, blocks)
            else:
                case = compare(scene, "planted", ["hundred", "hundred-one", "hundred-two"], PLANTED, blocks)
            cases.append(case)
            if keep is not None:
                with keep.open("a") as stream:
                    stream.write(json.dumps(case) + "\n")
            if (number + 1) % 20 == 0 or case["kind"] == "planted":
                print(f"{number + 1}/{comparisons + planted}: {len(case['levels'][0])} blocks, {case['s']:.2f} s")
    figures = {**equal_figures(of_kind(cases, "equal")), **planted_figures(of_kind(cases, "planted"))}
    figures["seconds_this_run"] = sum(case["s"] for case in cases[done:])
    holds = (
        figures.get("comparisons", 0) >= 1000
        and figures.get("planted", 0) >= 60
        and figures["called_different"] <= TARGETS["called_different"]
        and figures["called_different_interval"][0] <= TARGETS["interval_low"]
        and figures["found_2_percent"] >= TARGETS["found_2_percent"]
    )
    print(json.dumps({"benchmark": "false_verdicts", "figures": figures, "targets": TARGETS, "holds": holds}))


def compare(scene: Scene, kind: str, compilers: Sequence[str], protocol: HotProtocol, numbers: Iterator[int]) -> Case:
    """Run blocks of fresh processes until the engine's rule has enough."""
    start = perf_counter()
    levels: list[list[float]] = [[] for _ in compilers]
    bursts: list[list[list[float]]] = [[] for _ in compilers]
    while not enough(levels, protocol):
        number = next(numbers)
        order = random.Random(number).sample(range(len(compilers)), len(compilers))
        block = scene.block([compilers[index] for index in order], number, protocol.model_dump())
        outcomes = run_hot(block, scene.server, lambda trial, what: None)
        for index, outcome, level in zip(order, outcomes, block_levels(outcomes), strict=True):
            levels[index].append(level)
            bursts[index].append(burst_means(outcome))
    return {"kind": kind, "levels": levels, "bursts": bursts, "s": perf_counter() - start}


def enough(levels: Sequence[Sequence[float]], protocol: HotProtocol) -> bool:
    """Return whether the engine would stop, as ``trials/run/stopping.py`` decides it."""
    names: list[Configuration] = [(index,) for index in range(len(levels))]
    blocks = [dict(zip(names, block, strict=True)) for block in zip(*levels, strict=True)]
    if len(blocks) >= protocol.max_blocks:
        return True
    comparison = Comparison(("side",), ("side",), names[0], tuple(names))
    confirmed = measure_widths(blocks[: max(0, len(blocks) - CONFIRMING_BLOCKS)], comparison)
    return find_shortfall(confirmed, protocol.effect_width, protocol.cell_width, protocol.blocks) is None


def of_kind(cases: Sequence[Case], kind: str) -> list[Case]:
    """Return the cases of one kind."""
    return [case for case in cases if case["kind"] == kind]


def equal_figures(cases: Sequence[Case]) -> dict[str, Any]:
    """Return how often each rule calls equal things different."""
    if len(cases) < 2:
        return {"comparisons": len(cases)}
    pairs = list(itertools.pairwise(cases))
    return {
        "comparisons": len(cases),
        "blocks_mean": sum(len(case["levels"][0]) for case in cases) / len(cases),
        **rate("called_different", [engine_differs(case, 1) for case in cases]),
        **stopped_figures(cases),
        **rate("pyperf", [pyperf_differs(pooled(case, 0), pooled(case, 1)) for case in cases]),
        **rate("sequential", [sequential_differs(first, then) for first, then in pairs]),
        **rate("sequential_pyperf", [pyperf_differs(pooled(first, 0), pooled(then, 1)) for first, then in pairs]),
    }


def stopped_figures(cases: Sequence[Case]) -> dict[str, Any]:
    """Return how often equal things are called different where blocks are added until the default rule has enough."""
    found: list[Case] = []
    levels: list[list[float]] = [[], []]
    for block in (block for case in cases for block in zip(*case["levels"], strict=True)):
        for side, level in zip(levels, block, strict=True):
            side.append(level)
        if enough(levels, HotProtocol()):
            found.append({"levels": levels})
            levels = [[], []]
    if not found:
        return {"stopped_comparisons": 0}
    return {
        "stopped_comparisons": len(found),
        "stopped_blocks_mean": sum(len(case["levels"][0]) for case in found) / len(found),
        **rate("stopped_called_different", [engine_differs(case, 1) for case in found]),
    }


def planted_figures(cases: Sequence[Case]) -> dict[str, Any]:
    """Return how often a planted slowdown is found."""
    if not cases:
        return {"planted": 0}
    slower: Callable[[Case, int], bool] = lambda case, index: ratio(case, index).side > 0  # noqa: E731
    return {
        "planted": len(cases),
        "planted_blocks_mean": sum(len(case["levels"][0]) for case in cases) / len(cases),
        "planted_seconds_mean": sum(case["s"] for case in cases) / len(cases),
        **rate("found_1_percent", [slower(case, 1) for case in cases]),
        **rate("found_2_percent", [slower(case, 2) for case in cases]),
        "ratio_of_2_percent_mean": sum(ratio(case, 2).value for case in cases) / len(cases),
    }


def rate(name: str, verdicts: Sequence[bool]) -> dict[str, Any]:
    """Return a rate with its exact interval (Clopper and Pearson)."""
    from scipy.stats import binomtest

    low, high = binomtest(sum(verdicts), len(verdicts)).proportion_ci(0.95, "exact")
    return {name: sum(verdicts) / len(verdicts), f"{name}_interval": [float(low), float(high)]}


def ratio(case: Case, index: int) -> Ratio:
    """Return the ratio of one configuration to the first, paired over blocks."""
    return paired_ratio([b - a for a, b in zip(case["levels"][0], case["levels"][index], strict=True)])


def engine_differs(case: Case, index: int) -> bool:
    """Return whether the engine's interval excludes 1."""
    return ratio(case, index).side != 0


def sequential_differs(first: Case, then: Case) -> bool:
    """Return whether Welch's interval on the means of processes excludes 1: all A's ran before all B's."""
    found = welch_ratio(process_means(then, 1), process_means(first, 0))
    return found.side != 0


def process_means(case: Case, index: int) -> list[float]:
    """Return the mean of each process, as a tool has it that measures one side after the other."""
    return [sum(block) / len(block) for block in case["bursts"][index]]


def pooled(case: Case, index: int) -> list[float]:
    """Return the means of all bursts of all processes, as pyperf pools its values."""
    return [value for block in case["bursts"][index] for value in block]


def pyperf_differs(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return what ``pyperf compare_to`` decides; it takes two samples of one size only."""
    from pyperf._utils import is_significant

    size = min(len(first), len(second))
    return bool(is_significant(first[:size], second[:size])[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("comparisons", type=int, nargs="?", default=1000)
    parser.add_argument("planted", type=int, nargs="?", default=60)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    main(arguments.comparisons, arguments.planted, arguments.keep)
