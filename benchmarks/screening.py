"""What a screening finds, over simulated programs whose knobs cost known amounts.

*Power*: of 12, 24 or 48 knobs a quarter does 2 to 8 % in the mean over all others, some of these interact two at a
time, and the rest does nothing. A folded Plackett-Burman design is run in blocks. How many of the knobs that do
something are called at a false discovery rate of 5 %, what share of the called does nothing, and how far off are
effects? The same for two other ways with the same number of runs: one knob at a time around the baseline, and random
configurations with a linear model.

*Exhaustive*: of 10 knobs all 1,024 corners are measured too. By how many points of the total do shares differ?

*Cost*: runs, and machine time at so many seconds a run, against the full factorial of as many blocks, and against the
two blocks of it that an interval needs at least.

    python benchmarks/screening.py [--screenings 300] [--exhaustive 40]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.multiplicity import benjamini_hochberg
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.statistics.screening import (
    collapsed,
    one_at_a_time,
    plackett_burman_folded,
    screened_effects,
)

Array = NDArray[np.float64]
TARGETS: dict[str, Any] = {"power": 0.95, "false_discoveries": 0.06, "points": 0.5, "times_less": 10.0}
KNOBS, BLOCKS, SPREAD, BLOCK_SPREAD = (12, 24, 48), 7, 0.01, 0.03
EXHAUSTIVE, EXHAUSTIVE_SPREAD = 10, 0.005
SECONDS = 1.5
"""Of a configuration in a hot block (28.5 s for 18 of them, docs/performance.md)."""


@dataclass(frozen=True)
class Program:
    """A simulated program: the logarithm of its time is a sum over knobs that are on, and over pairs that both are.

    Attributes:
        alone: What each knob does while all others are off.
        pairs: What two do more together.
    """

    alone: Array
    pairs: dict[tuple[int, int], float]

    @property
    def main(self) -> Array:
        """What each knob does in the mean over all others: its share of the total, as no three interact."""
        found = self.alone.copy()
        for pair, size in self.pairs.items():
            found[list(pair)] += size / 2.0
        return found

    def levels(self, runs: Array) -> Array:
        """Return the logarithms of runs (runs x knobs, 0 and 1)."""
        found: Array = runs @ self.alone
        for (one, other), size in self.pairs.items():
            found = found + size * runs[:, one] * runs[:, other]
        return found

    def measured(self, runs: Array, blocks: int, spread: float, rng: np.random.Generator) -> Array:
        """Return the logarithms of blocks x runs, with the noise of blocks and of runs."""
        clean = self.levels(runs)
        whole = rng.normal(0.0, BLOCK_SPREAD, (blocks, 1))
        return clean + whole + rng.normal(0.0, spread, (blocks, len(clean)))


def main(screenings: int, exhaustive: int) -> bool:
    """Simulate, print each scene and the verdict as JSON, and return whether the targets are reached."""
    scenes = [shown(power_scene(knobs, screenings, np.random.default_rng(knobs))) for knobs in KNOBS]
    points = exhaustive_scene(exhaustive, np.random.default_rng(5))
    costs = [cost_of(knobs) for knobs in (EXHAUSTIVE, *KNOBS)]
    print(f"shares of {EXHAUSTIVE} knobs against all corners: {points}", flush=True)
    for cost in costs:
        print(cost, flush=True)
    ours = [scene["folded"] for scene in scenes]
    holds = (
        all(one["power"] >= TARGETS["power"] for one in ours)
        and all(one["false_discoveries"] <= TARGETS["false_discoveries"] for one in ours)
        and points["largest_95"] <= TARGETS["points"]
        and costs[0]["times_less"] >= TARGETS["times_less"]
        and costs[0]["times_less_than_two_blocks"] >= TARGETS["times_less"]
    )
    figures = {"screenings": screenings, "power": scenes, "exhaustive": points, "cost": costs}
    print(json.dumps({"benchmark": "screening", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def drawn(knobs: int, rng: np.random.Generator) -> Program:
    """Return a program of whose knobs a quarter matters, by 2 to 8 % in the mean; half as many pairs interact."""
    acting = knobs // 4
    main = np.zeros(knobs)
    main[:acting] = rng.choice([-1.0, 1.0], acting) * np.log1p(rng.uniform(0.02, 0.08, acting))
    pairs: dict[tuple[int, int], float] = {}
    for _ in range(max(1, acting // 2)):
        one, other = sorted(rng.choice(acting, 2, replace=False).tolist())
        pairs[one, other] = float(rng.normal(0.0, 0.04))
    for pair, size in pairs.items():
        main[list(pair)] -= size / 2.0  # so that the mean over all others is what was drawn
    order = rng.permutation(knobs)
    places = np.argsort(order)
    moved = {tuple(sorted((int(places[a]), int(places[b])))): size for (a, b), size in pairs.items()}
    return Program(main[order], {(pair[0], pair[1]): size for pair, size in moved.items()})


def power_scene(knobs: int, screenings: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return the rates of the three ways with the same number of runs."""
    ways: dict[str, Callable[[Program, int], list[Ratio]]] = {
        "folded": lambda program, _: folded(program, rng),
        "one_at_a_time": lambda program, runs: alone(program, runs, rng),
        "random": lambda program, runs: random_runs(program, runs, rng),
    }
    runs = len(plackett_burman_folded(knobs).runs) * BLOCKS
    kept: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for _ in range(screenings):
        program = drawn(knobs, rng)
        truth = program.main
        for name, way in ways.items():
            ratios = way(program, runs)
            called = [q <= 0.05 for q in benjamini_hochberg([one.p_value or 0.0 for one in ratios])]
            matters = np.abs(truth) > 1e-9
            false = sum(one and not real for one, real in zip(called, matters, strict=True))
            found = sum(one and real for one, real in zip(called, matters, strict=True))
            errors = [math.log(one.value) - size for one, size in zip(ratios, truth, strict=True)]
            off = math.sqrt(float(np.mean(np.square(errors))))
            kept[name].append((found / int(matters.sum()), false / max(1, sum(called)), off))
    rates = {name: np.array(rows).mean(axis=0).tolist() for name, rows in kept.items()}
    names = ("power", "false_discoveries", "error")
    return {"knobs": knobs, "runs": runs} | {name: dict(zip(names, own, strict=True)) for name, own in rates.items()}


def folded(program: Program, rng: np.random.Generator) -> list[Ratio]:
    """Return the main effects by a folded design."""
    design = plackett_burman_folded(program.alone.size)
    table = program.measured(np.array(design.runs, dtype=np.float64), BLOCKS, SPREAD, rng)
    return [one.ratio for one in screened_effects(design, table) if one.ratio is not None]


def alone(program: Program, runs: int, rng: np.random.Generator) -> list[Ratio]:
    """Return what each knob does alone, in as many blocks as the runs allow."""
    design = one_at_a_time(program.alone.size, "baseline")
    rows = np.array(design.runs, dtype=np.float64)
    table = program.measured(rows, runs // len(rows), SPREAD, rng)
    return [one.ratio for one in screened_effects(design, table) if one.ratio is not None]


def random_runs(program: Program, runs: int, rng: np.random.Generator) -> list[Ratio]:
    """Return the coefficients of a linear model of random configurations, the same in each block; t over blocks."""
    rows = rng.integers(0, 2, (runs // BLOCKS, program.alone.size)).astype(np.float64)
    table = program.measured(rows, BLOCKS, SPREAD, rng)
    weights = np.linalg.pinv(np.concatenate([np.ones((len(rows), 1)), rows], axis=1))[1:]
    return [paired_ratio(table @ row) for row in weights]


def exhaustive_scene(times: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return by how many points of the total the shares of a screening differ from those of all corners."""
    corners = (np.arange(1 << EXHAUSTIVE)[:, np.newaxis] >> np.arange(EXHAUSTIVE) & 1).astype(np.float64)
    design = plackett_burman_folded(EXHAUSTIVE)
    runs = np.array(design.runs, dtype=np.float64)
    largest = []
    for _ in range(times):
        alone_each = np.zeros(EXHAUSTIVE)
        alone_each[:5] = -np.log1p(rng.uniform(0.05, 0.25, 5))
        program = Program(alone_each, {(0, 1): 0.03, (1, 2): -0.04, (3, 4): 0.02})
        every = collapsed(np.arange(len(corners)), program.measured(corners, BLOCKS, EXHAUSTIVE_SPREAD, rng))
        assert every.total is not None
        total = math.log(every.total.value)
        full = [math.log(one.value) / total for one in every.shares if one is not None]
        few = screened_effects(design, program.measured(runs, BLOCKS, EXHAUSTIVE_SPREAD, rng))
        logs = [one.log_effect or 0.0 for one in few]
        shares = [one / math.fsum(logs) for one in logs]
        largest.append(100.0 * max(abs(one - other) for one, other in zip(full, shares, strict=True)))
    return {
        "times": times,
        "largest_median": float(np.median(largest)),
        "largest_95": float(np.quantile(largest, 0.95)),
    }


def cost_of(knobs: int) -> dict[str, Any]:
    """Return runs and machine time of a screening, and of the full factorial."""
    runs = len(plackett_burman_folded(knobs).runs)
    return {
        "knobs": knobs,
        "programs": runs,
        "hours": runs * BLOCKS * SECONDS / 3600.0,
        "hours_of_full_factorial": 2.0**knobs * BLOCKS * SECONDS / 3600.0,
        "times_less": 2.0**knobs / runs,
        "times_less_than_two_blocks": 2.0**knobs * 2 / (runs * BLOCKS),
    }


def shown(scene: dict[str, Any]) -> dict[str, Any]:
    """Print a scene and return it."""
    for name in ("folded", "one_at_a_time", "random"):
        rates = "  ".join(f"{key} {value:7.2%}" for key, value in scene[name].items())
        print(f"{scene['knobs']} knobs, {scene['runs']} runs, {name:14}  {rates}", flush=True)
    return scene


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--screenings", type=int, default=300)
    parser.add_argument("--exhaustive", type=int, default=40)
    arguments = parser.parse_args()
    sys.exit(0 if main(arguments.screenings, arguments.exhaustive) else 1)
