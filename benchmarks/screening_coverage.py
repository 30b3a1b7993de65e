"""How often screening errs, over simulated programs: coverage of sampled shares, false discoveries, broken designs.

*Shares*: a program of 8 or 12 knobs, many of which interact, two, three or five at a time; its true shares are known.
A sample of orders is measured in blocks, either all of it in each, or each pair of orders in a block of its own, with
normal noise or Student's t of 3 degrees of freedom. How often does the 95-% interval of each share hold the true one?
*Discoveries*: of 24 or 48 knobs a quarter does 2 %, the rest nothing, by a folded Plackett-Burman design in blocks; the
knobs that do something may interact, two or three at a time. What share of the effects called at 5 % (Benjamini and
Hochberg) does nothing, how many of the planted ones are called, and how often is the design said to be broken? Where
three knobs interact, main effects can be biased: then rates also are of the screenings that were not said to be broken.
*Rounds*: shares as `design: shapley` runs them: four pairs of orders, two more a round until each interval is narrow
enough or all pairs are run; a repeat is several blocks that share the baseline. Stopping must not cost coverage.
*Groups*: a search as `design: groups` runs it, of 24 or 55 knobs of which three or none matter. How often is a knob
called needed that does nothing (in any round), how many that matter are removed, and how often does the last
configuration, without all that can go, say so? In two scenes what a group assumes is broken: two neighbours cancel out.

    python benchmarks/screening_coverage.py [--repetitions 400] [--screenings 500] [--only rounds groups] [--keep FILE]

With ``--keep`` each scene is added to a file when it is done, and one that is in it is not simulated again: a run can
be stopped, and be made in pieces. The last line on stdout is one JSON object; the exit status is 1 when a target is
missed.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.screening import (
    antithetic_permutations,
    coalitions,
    collapsed,
    design_checks,
    first_groups,
    left_out,
    next_groups,
    plackett_burman_folded,
    sampled_shapley,
    screened_effects,
)

Array = NDArray[np.float64]
TARGETS: dict[str, Any] = {
    "coverage": [0.93, 0.97],
    "false_discoveries": 0.06,
    "sound_called_broken": 0.03,
    "idle_called_needed": 0.06,
    "removed_though_it_matters": 0.05,
}
NOISES = ("normal", "student")
KNOBS, ORDERS, SIZES = (8, 12), (2, 3, 5), ((6, 6), (10, 10))
SPREAD, BLOCK_SPREAD = 0.01, 0.03
SCREENED, PLANTED = (24, 48), 0.02
ROUNDS, FIRST, MORE, WIDTH, PLACES, REPEATS = ((8, 9), (12, 10)), 4, 2, 0.01, 17, 4
"""Knobs with the most pairs of orders; pairs of the first and of each further round; when an interval is narrow."""
GROUPED, NEEDED, GROUP_PLACES, GROUP_SPREAD = (24, 55), (0.02, 0.01, 0.0), 14, 0.004

KINDS = ("shares", "discoveries", "rounds", "groups")

Scene = dict[str, Any]


def main(repetitions: int, screenings: int, only: Collection[str] = KINDS, keep: Path | None = None) -> bool:
    """Simulate scenes of some kinds, print each and the verdict as JSON, and return whether the targets are reached."""
    known = dict(read_scenes(keep)) if keep and keep.exists() else {}
    found: dict[str, list[Scene]] = {kind: [] for kind in KINDS}
    for kind, count, scene in scenes(repetitions, screenings):
        if kind not in only:
            continue
        key = json.dumps([kind, count, *scene.args])
        if key not in known:
            known[key] = scene(count)
            if keep:
                with keep.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"key": key, "scene": known[key]}) + "\n")
        found[kind].append(shown(known[key]))
    covered = [scene["coverage"] for kind in ("shares", "rounds") for scene in found[kind]]
    sound = [scene for scene in found["discoveries"] if scene["order"] < 3]
    searched = [scene for scene in found["groups"] if not scene["cancels"]]
    holds = (
        all(TARGETS["coverage"][0] <= one <= TARGETS["coverage"][1] for one in covered)
        and all(scene["false_discoveries"] <= TARGETS["false_discoveries"] for scene in sound)
        and all(scene["called_broken"] <= TARGETS["sound_called_broken"] for scene in sound)
        and all(scene["idle_called_needed"] <= TARGETS["idle_called_needed"] for scene in searched)
        and all(
            scene["removed_though_it_matters"] <= TARGETS["removed_though_it_matters"]
            for scene in searched
            if scene["effect"] == PLANTED
        )
    )
    figures = {
        "repetitions": repetitions,
        "screenings": screenings,
        "coverage": [min(covered), max(covered)] if covered else None,
        **found,
    }
    print(json.dumps({"benchmark": "screening_coverage", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def scenes(repetitions: int, screenings: int) -> Iterator[tuple[str, int, "partial[Scene]"]]:
    """Yield each scene with its kind and how often it is drawn, which it takes as its last argument."""
    kinds: tuple[tuple[str, int, Callable[..., Scene], Iterator[tuple[Any, ...]]], ...] = (
        ("shares", repetitions, share_scene, itertools.product(KNOBS, ORDERS, NOISES, SIZES, (False, True))),
        ("discoveries", screenings, discovery_scene, itertools.product(SCREENED, (1, 2, 3), NOISES)),
        ("rounds", repetitions, round_scene, itertools.product(ROUNDS, ORDERS, NOISES)),
        ("groups", screenings, group_scene, itertools.product(GROUPED, NEEDED, NOISES, (False,))),
        ("groups", screenings, group_scene, iter([(55, PLANTED, noise, True) for noise in NOISES])),
    )
    for number, (kind, count, draw, several) in enumerate(kinds):
        for seed, scene in enumerate(several, 1000 * number):
            yield kind, count, partial(draw, seed, *scene)


def read_scenes(path: Path) -> Iterator[tuple[str, Scene]]:
    """Yield the scenes that a run before this one kept."""
    for line in path.read_text(encoding="utf-8").splitlines():
        held = json.loads(line)
        yield held["key"], held["scene"]


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


def round_scene(seed: int, size: tuple[int, int], order: int, noise: str, repetitions: int) -> Scene:
    """Return how often the intervals of shares hold the true ones where pairs are added until they are narrow."""
    rng = np.random.default_rng(seed)
    knobs, most = size
    held = ended = used = 0
    for number in range(repetitions):
        if number % 20 == 0:
            corners = program(rng, knobs, order)
            exact = collapsed(np.arange(corners.size), corners[np.newaxis]).shares
            truth = [math.log(one.value) for one in exact if one is not None]
        orders = antithetic_permutations(knobs, most, rng)
        blocks: list[dict[int, float]] = []
        begun, is_narrow = 0, False
        while begun < most and not is_narrow:
            further = orders[2 * begun : 2 * min(most, begun + (MORE if begun else FIRST))]
            begun += len(further) // 2
            own = np.array(coalitions(further)) @ (1 << np.arange(knobs))
            blocks += [block for _ in range(REPEATS) for block in repeat(rng, corners, own.tolist(), noise)]
            rows = (np.array(coalitions(orders[: 2 * begun])) @ (1 << np.arange(knobs))).tolist()
            table = np.array([[block.get(row, math.nan) for row in rows] for block in blocks])
            ratios = [one.ratio for one in sampled_shapley(orders[: 2 * begun], table)]
            is_narrow = all(one.half_width is not None and one.half_width <= WIDTH for one in ratios)
        for one, share in zip(ratios, truth, strict=True):
            assert one.low is not None and one.high is not None
            held += math.log(one.low) <= share <= math.log(one.high)
        ended += is_narrow
        used += begun
    return {
        "scene": f"rounds of {knobs} knobs, {order} interact, {noise}, up to {most} pairs",
        "coverage": held / (repetitions * knobs),
        "narrow_enough": ended / repetitions,
        "pairs": round(used / repetitions, 1),
    }


def repeat(rng: np.random.Generator, corners: Array, rows: list[int], noise: str) -> Iterator[dict[int, float]]:
    """Yield the values of the blocks of one repeat: the baseline is in each, each other configuration in one."""
    others = rng.permutation([row for row in rows if row])
    for part in np.array_split(others, math.ceil(len(others) / PLACES)):
        own = [0, *part.tolist()]
        values = corners[own] + rng.normal(0.0, BLOCK_SPREAD) + SPREAD * noise_of(rng, noise, (len(own),))
        yield dict(zip(own, values.tolist(), strict=True))


def group_scene(seed: int, knobs: int, effect: float, noise: str, cancels: bool, screenings: int) -> Scene:
    """Return how searches by groups end: three knobs matter, each by as much, and one of them if two cancel out."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(screenings):
        acting = {int(one): effect for one in rng.choice(knobs, 3, replace=False)} if effect else {}
        if cancels:
            place = int(rng.integers(0, knobs // 4)) * 4  # 55 knobs are in groups of four, but for the last
            acting = {place: effect, place + 1: -effect, int(rng.integers(knobs // 2, knobs)): effect}
        groups: list[tuple[int, ...]] = []
        blocks: list[dict[int, float]] = []
        due = first_groups(range(knobs), GROUP_PLACES)
        while due:
            numbers = [0, *range(len(groups) + 1, len(groups) + len(due) + 1)]
            groups += due
            clean = np.array([0.0, *(sum(acting.get(one, 0.0) for one in group) for group in due)])
            for _ in range(REPEATS):
                values = clean + rng.normal(0.0, BLOCK_SPREAD) + GROUP_SPREAD * noise_of(rng, noise, (len(clean),))
                blocks.append(dict(zip(numbers, values.tolist(), strict=True)))
            table = np.array([[block.get(one, math.nan) for one in range(len(groups) + 1)] for block in blocks])
            found = left_out(groups, table, knobs)
            due = tuple(one for one in next_groups(found, GROUP_PLACES) if one not in groups)
            if not due and found.free and found.free not in groups:
                due = (found.free,)
        removed = acting.keys() & {*found.free}
        called = any(one not in acting for one in found.needed)
        told = removed and found.together is not None and found.together.matters
        rows.append((called, len(removed) / max(1, len(acting)), bool(removed), bool(told), 1 + len(groups)))
    rates = np.array(rows, dtype=np.float64)
    wrong = rates[rates[:, 2] == 1.0]
    return {
        "scene": f"groups of {knobs} knobs, "
        + (f"three matter by {effect:.0%}" if effect else "none matters")
        + (", two of them cancel out" if cancels else "")
        + f", {noise}",
        "effect": effect,
        "cancels": cancels,
        "idle_called_needed": float(rates[:, 0].mean()),
        "removed_though_it_matters": float(rates[:, 1].mean()),
        "of_wrong_ends_told": float(wrong[:, 3].mean()) if len(wrong) else None,
        "configurations": round(float(rates[:, 4].mean()), 1),
    }


def shown(scene: dict[str, Any]) -> dict[str, Any]:
    """Print a scene and return it."""
    plain = ("effect", "pairs", "configurations")
    told = ((name, value) for name, value in scene.items() if isinstance(value, float) and name != "effect")
    rates = "  ".join(f"{name} {value:g}" if name in plain else f"{name} {value:7.2%}" for name, value in told)
    print(f"{scene['scene']:75}  {rates}", flush=True)
    return scene


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument("--screenings", type=int, default=500)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="kinds of scenes")
    parser.add_argument("--keep", type=Path, help="file of scenes that are done")
    arguments = parser.parse_args()
    sys.exit(0 if main(arguments.repetitions, arguments.screenings, arguments.only, arguments.keep) else 1)
