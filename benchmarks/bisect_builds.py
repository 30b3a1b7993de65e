"""How often a bisection over noisy builds names the right commit, and with how many trials, in simulations.

A line of commits, one of which makes a program slower. What a block measures is the log ratio of a commit's build to
the good one: the step from the culprit on, an offset of each build by its layout (the same in all of its blocks), and
the noise of the block (Student's t with 4 degrees of freedom). The spread of blocks is that of whole runs on a shared
virtual machine (docs/performance.md, "The engine": 0.84 %, interleaved), that of layouts 0.3 %, or 0.5 % (``rough``);
these are assumed, as they depend on the program. The search is the product's own (``ablatrix.statistics.bisection``),
with two blocks a look, a trial of the good build and one of the other in each; what the command then takes to measure
the culprit beside its parent is given apart.

Peers: a plain binary search that repeats each step 5 times and compares the mean with half of the bad commit's, once on
the same blocks (``plain``), and once on times of one process after the other, as a script measures them (``script``;
4.4 % a repeat, same table).

    python benchmarks/bisect_builds.py [--seeds 200] [--first-seed 0] [--commits 64] [--percent 3] [--blocks 2]
        [--confidence 0.95] [--layout 0.3]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from ablatrix.statistics.bisection import Belief, Votes, decide, failing_belief, slower_belief
from whole_runs import rate

TARGETS = {"right": 0.95, "trials_over_plain": 1.0}
LAYOUT, ROUGH, NOISE, SCRIPT = 0.003, 0.005, 0.0084, 0.044
FREEDOM, REPEATS, CONFIRMING = 4, 5, 2
UNBUILDABLE, FLAKY = 0.15, 0.5
LEAST = math.log1p(0.01)
MOST = 100
LONG, HARD = ("ours_one_percent", "ours_no_step"), 5
"""Scenes that take many looks, and what part of the seeds they have."""


@dataclass
class Line:
    """A line of commits whose builds can be measured; every measurement is counted.

    Attributes:
        culprit: The first slower commit.
        step: By how much, on the logarithm.
        layouts: What each build adds by its layout.
        trials: Trials so far.
    """

    culprit: int
    step: float
    layouts: Sequence[float]
    draw: np.random.Generator
    trials: int = 0

    def blocks(self, commit: int, count: int) -> list[float]:
        """Return the log ratio to the good build in each of so many blocks."""
        self.trials += 2 * count
        level = self.step * (commit >= self.culprit) + self.layouts[commit] - self.layouts[0]
        return [float(value) for value in level + NOISE * self.noise(count)]

    def script(self, commit: int, count: int) -> list[float]:
        """Return the log times of so many processes, one after the other."""
        self.trials += count
        level = self.step * (commit >= self.culprit) + self.layouts[commit]
        return [float(value) for value in level + SCRIPT * self.noise(count)]

    def noise(self, count: int) -> Any:
        """Return values with a standard deviation of 1 and heavy tails."""
        return self.draw.standard_t(FREEDOM, count) / math.sqrt(FREEDOM / (FREEDOM - 2))


@dataclass(frozen=True)
class Outcome:
    """How a search ended: whether the culprit is among the commits it names, how many these are, and what it took."""

    state: str
    right: bool
    named: int
    trials: int
    looks: int = 0
    confirming: int = 0


def main(
    seeds: int, first_seed: int, commits: int, percent: float, blocks: int, confidence: float, layout: float
) -> bool:
    """Simulate all scenes, print each and the verdict as JSON, and return whether the targets are reached."""
    step, smooth = math.log1p(percent / 100.0), layout / 100.0
    scenes: dict[str, Callable[[int], Outcome]] = {
        "ours": lambda seed: search(line(seed, commits, step, smooth), commits, blocks, confidence),
        "plain": lambda seed: plain(line(seed, commits, step, smooth), commits, Line.blocks),
        "script": lambda seed: plain(line(seed, commits, step, smooth), commits, Line.script),
        "ours_rough": lambda seed: search(line(seed, commits, step, ROUGH), commits, blocks, confidence),
        "plain_rough": lambda seed: plain(line(seed, commits, step, ROUGH), commits, Line.blocks),
        "ours_unbuildable": lambda seed: search(
            line(seed, commits, step, smooth), commits, blocks, confidence, unbuildable(seed, commits)
        ),
        "ours_one_percent": lambda seed: search(
            line(seed, commits, math.log1p(0.01), smooth), commits, blocks, confidence
        ),
        "ours_no_step": lambda seed: search(line(seed, commits, 0.0, smooth), commits, blocks, confidence),
        "ours_crash": lambda seed: failing(seed, commits, 1.0, confidence),
        "ours_flaky_crash": lambda seed: failing(seed, commits, FLAKY, confidence),
    }
    figures: dict[str, Any] = {
        "seeds": seeds,
        "first_seed": first_seed,
        "commits": commits,
        "percent": percent,
        "confidence": confidence,
        "layout_percent": layout,
    }
    for name, scene in scenes.items():
        figures[name] = shown(
            name, [scene(first_seed + seed) for seed in range(max(1, seeds // (HARD if name in LONG else 1)))]
        )
    figures["trials_over_plain"] = figures["ours"]["trials"] / figures["plain"]["trials"]
    holds = bool(
        figures["ours"]["right"] >= TARGETS["right"] and figures["trials_over_plain"] <= TARGETS["trials_over_plain"]
    )
    print(json.dumps({"benchmark": "bisect_builds", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def line(seed: int, commits: int, step: float, layout: float) -> Line:
    """Return a line of commits: its culprit and layouts are drawn."""
    draw = np.random.default_rng(seed)
    return Line(int(draw.integers(1, commits + 1)), step, [*draw.normal(0.0, layout, commits + 1)], draw)


def unbuildable(seed: int, commits: int) -> frozenset[int]:
    """Return commits that cannot be built; the bad one can."""
    draw = np.random.default_rng(10_000 + seed)
    return frozenset(commit for commit in range(1, commits) if draw.random() < UNBUILDABLE)


def search(held: Line, commits: int, blocks: int, confidence: float, broken: Collection[int] = ()) -> Outcome:
    """Search as the product does; a commit that cannot be built is skipped once that is tried."""
    values: dict[int, list[float]] = {}
    skipped: set[int] = set()
    looks = 0
    while True:
        belief: Belief = slower_belief(values, commits, blocks, min(LEAST, held.step / 2.0) if held.step else LEAST)
        found = decide(belief, values, skipped, [1.0] * commits, confidence)
        if found.commit is None or looks == MOST:
            break
        if found.commit in broken:
            skipped.add(found.commit)
            continue
        values.setdefault(found.commit, []).extend(held.blocks(found.commit, blocks))
        looks += 1
    return ended(found.state, found.suspects.first, found.suspects.last, held, looks, 3 * CONFIRMING * blocks)


def failing(seed: int, commits: int, share: float, confidence: float) -> Outcome:
    """Search for a crash that shows in a share of looks."""
    held, votes, looks = line(seed, commits, 0.0, LAYOUT), dict[int, Votes](), 0
    while True:
        belief = failing_belief(votes, commits)
        found = decide(belief, votes, (), [1.0] * commits, confidence)
        if found.commit is None or looks == MOST:
            break
        before = votes.get(found.commit, Votes())
        is_shown = found.commit >= held.culprit and held.draw.random() < share
        votes[found.commit] = Votes(before.shown + is_shown, before.not_shown + (not is_shown))
        looks, held.trials = looks + 1, held.trials + 2
    return ended(found.state, found.suspects.first, found.suspects.last, held, looks, 0)


def plain(held: Line, commits: int, measure: Callable[[Line, int, int], list[float]]) -> Outcome:
    """Search by halves, each step repeated and compared with half of the bad commit's distance from the good one."""
    good = fmean(measure(held, 0, REPEATS)) if measure is Line.script else 0.0
    half = (good + fmean(measure(held, commits, REPEATS))) / 2.0
    low, high, looks = 0, commits, 0
    while high - low > 1:
        middle = (low + high) // 2
        slower = fmean(measure(held, middle, REPEATS)) > half
        low, high, looks = (low, middle, looks + 1) if slower else (middle, high, looks + 1)
    return ended("found", high, high, held, looks, 0)


def ended(state: str, first: int, last: int, held: Line, looks: int, confirming: int) -> Outcome:
    """Return how a search ended."""
    right = held.step == 0.0 if state == "no_trouble" else first <= held.culprit <= last
    return Outcome(state, right, last - first + 1, held.trials, looks, confirming)


def shown(name: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of one scene, and print them."""
    states = {state: sum(one.state == state for one in outcomes) for state in sorted({one.state for one in outcomes})}
    answered = [one for one in outcomes if one.state == "found"]
    figures = {
        **rate("right", [one.state == "found" and one.right for one in outcomes]),
        "wrong": sum(not one.right for one in answered),
        "states": states,
        "trials": fmean(one.trials for one in outcomes),
        "trials_most": max(one.trials for one in outcomes),
        "trials_to_confirm": fmean(one.confirming for one in outcomes),
        "looks": fmean(one.looks for one in outcomes),
        "named": fmean(one.named for one in answered) if answered else None,
    }
    print(f"{name}: {json.dumps(figures)}")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0, help="of as many in a row")
    parser.add_argument("--commits", type=int, default=64)
    parser.add_argument("--percent", type=float, default=3.0, help="by how much the culprit is slower")
    parser.add_argument("--blocks", type=int, default=2, help="of a look")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--layout", type=float, default=100 * LAYOUT, help="scatter of builds by their layout, percent")
    given = parser.parse_args()
    sys.exit(0 if main(**vars(given)) else 1)
