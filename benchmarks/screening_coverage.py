"""How often screening errs, over simulated programs: coverage of sampled shares, false discoveries, broken designs.

*Shares*: a program of 8 or 12 knobs, many of which interact, two, three or five at a time; its true shares are known.
A sample of orders is measured in blocks, either all of it in each, or each pair of orders in a block of its own, with
normal noise or Student's t of 3 degrees of freedom. How often does the 95-% interval of each share hold the true one?
*Discoveries*: of 24 or 48 knobs a quarter does 2 %, the rest nothing, by a folded Plackett-Burman design in blocks; the
knobs that do something may interact, two or three at a time. What share of the effects called at 5 % (Benjamini and
Hochberg) does nothing, how many of the planted ones are called, and how often is the design said to be broken? Where
three knobs interact, main effects can be biased: then rates also are of the screenings that were not said to be broken.

    python benchmarks/screening_coverage.py [--repetitions 400] [--screenings 500]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import itertools
import json
import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.screening import (
    antithetic_permutations,
    coalitions,
    collapsed,
    design_checks,
    plackett_burman_folded,
    sampled_shapley,
    screened_effects,
)

Array = NDArray[np.float64]
TARGETS: dict[str, Any] = {"coverage": [0.93, 0.97], "false_discoveries": 0.06, "sound_called_broken": 0.03}
NOISES = ("normal", "student")
KNOBS, ORDERS, SIZES = (8, 12), (2, 3, 5), ((6, 6), (10, 10))
SPREAD, BLOCK_SPREAD = 0.01, 0.03
SCREENED, PLANTED = (24, 48), 0.02


def main(repetitions: int, screenings: int) -> bool:
    """Simulate all scenes, print each and the verdict as JSON, and return whether the targets are reached."""
    shares = [
        shown(share_scene(seed, *scene, repetitions))
        for seed, scene in enumerate(itertools.product(KNOBS, ORDERS, NOISES, SIZES, (False, True)))
    ]
    discoveries = [
        shown(discovery_scene(1000 + seed, *scene, screenings))
        for seed, scene in enumerate(itertools.product(SCREENED, (1, 2, 3), NOISES))
    ]
    covered = [scene["coverage"] for scene in shares]
    sound = [scene for scene in discoveries if scene["order"] < 3]
    holds = (
        all(TARGETS["coverage"][0] <= one <= TARGETS["coverage"][1] for one in covered)
        and all(scene["false_discoveries"] <= TARGETS["false_discoveries"] for scene in sound)
        and all(scene["called_broken"] <= TARGETS["sound_called_broken"] for scene in sound)
    )
    figures = {
        "repetitions": repetitions,
        "screenings": screenings,
        "coverage": [min(covered), max(covered)],
        "shares": shares,
        "discoveries": discoveries,
    }
    print(json.dumps({"benchmark": "screening_coverage", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def noise_of(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> Array:
    """Return noise with a standard deviation of 1."""
    return rng.standard_t(3.0, shape) / math.sqrt(3.0) if kind == "student" else rng.normal(0.0, 1.0, shape)


def program(rng: np.random.Generator, knobs: int, order: int) -> Array:
    """Return the logarithms of all corners: half of the knobs act alone, and twice as many sets of them together."""
    bits = np.arange(1 << knobs)[:, np.newaxis] >> np.arange(knobs) & 1
    found: Array = bits[:, : knobs // 2] @ rng.normal(0.0, 0.05, knobs // 2)
    for _ in range(2 * knobs if order > 1 else 0):
        chosen = rng.choice(knobs, rng.integers(2, order + 1), replace=False)
        found = found + rng.normal(0.0, 0.03) * bits[:, chosen].prod(axis=1)
    return found


def share_scene(
    seed: int, knobs: int, order: int, noise: str, size: tuple[int, int], apart: bool, repetitions: int
) -> dict[str, Any]:
    """Return how often the intervals of sampled shares hold the true ones; a new program for every fortieth time."""
    rng = np.random.default_rng(seed)
    pairs, blocks = size
    held = errors = 0.0
    for number in range(repetitions):
        if number % 40 == 0:
            corners = program(rng, knobs, order)
            exact = collapsed(np.arange(corners.size), corners[np.newaxis]).shares
            truth = [math.log(one.value) for one in exact if one is not None]
        orders = antithetic_permutations(knobs, pairs, rng)
        rows = coalitions(orders)
        clean = corners[np.array(rows) @ (1 << np.arange(knobs))]
        count = pairs if apart else blocks
        table = clean + rng.normal(0.0, BLOCK_SPREAD, (count, 1)) + SPREAD * noise_of(rng, noise, (count, len(rows)))
        if apart:
            places = {row: place for place, row in enumerate(rows)}
            for block in range(count):
                own = [places[row] for row in coalitions(orders[2 * block : 2 * block + 2])]
                table[block, np.setdiff1d(np.arange(len(rows)), own)] = math.nan
        for one, share in zip(sampled_shapley(orders, table), truth, strict=True):
            assert one.ratio.low is not None and one.ratio.high is not None
            held += math.log(one.ratio.low) <= share <= math.log(one.ratio.high)
            errors += (math.log(one.ratio.value) - share) ** 2
    count = repetitions * knobs
    return {
        "scene": f"shares of {knobs} knobs, {order} interact, {noise}, {pairs} pairs, "
        + (f"{pairs} blocks of their own" if apart else f"{blocks} blocks of all"),
        "coverage": held / count,
        "error": math.sqrt(errors / count),
    }


def discovery_scene(seed: int, knobs: int, order: int, noise: str, screenings: int) -> dict[str, Any]:
    """Return the rates of screenings of one kind."""
    rng = np.random.default_rng(seed)
    design = plackett_burman_folded(knobs)
    levels = 2.0 * np.array(design.runs) - 1.0
    acting = knobs // 4
    rows = []
    for _ in range(screenings):
        signs = rng.choice([-1.0, 1.0], acting)
        clean = levels[:, :acting] @ (signs * PLANTED / 2.0)
        for _ in range(acting if order > 1 else 0):
            chosen = rng.choice(acting, order, replace=False)
            clean = clean + rng.normal(0.0, PLANTED / 2.0) * levels[:, chosen].prod(axis=1)
        table = clean + rng.normal(0.0, BLOCK_SPREAD, (6, 1)) + SPREAD * noise_of(rng, noise, (6, len(clean)))
        found = screened_effects(design, table)
        called = {one.word[0] for one in found if one.q_value is not None and one.q_value <= 0.05}
        false = sum(factor >= acting for factor in called)
        checks = {one.departure: one.is_broken for one in design_checks(design, table)}
        rows.append((false / max(1, len(called)), (len(called) - false) / acting, checks["odd"], checks["even"]))
    rates = np.array(rows, dtype=np.float64)
    kept = rates[rates[:, 2] == 0.0]
    return {
        "scene": f"{knobs} knobs, {order} interact, {noise}",
        "order": order,
        "false_discoveries": float(rates[:, 0].mean()),
        "power": float(rates[:, 1].mean()),
        "called_broken": float(rates[:, 2].mean()),
        "pairs_seen": float(rates[:, 3].mean()),
        "false_discoveries_unless_broken": float(kept[:, 0].mean()) if len(kept) else None,
    }


def shown(scene: dict[str, Any]) -> dict[str, Any]:
    """Print a scene and return it."""
    rates = "  ".join(f"{name} {value:7.2%}" for name, value in scene.items() if isinstance(value, float))
    print(f"{scene['scene']:75}  {rates}", flush=True)
    return scene


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--screenings", type=int, default=500)
    arguments = parser.parse_args()
    sys.exit(0 if main(arguments.repetitions, arguments.screenings) else 1)
