"""How often rules call equal things different, and how often Shapley intervals hold the truth, in simulations.

Each sample is exp(block + process + within): what disturbs a block is shared by both sides, what a process draws is
its own, and ten samples share their process. Noise: normal; Student's t with 3 degrees of freedom for process and
within (``student``); within skewed to the right as a log-normal is (``log-normal``). Spreads are standard deviations on
the logarithm.

*Blocks*: two equal configurations measured side by side. Ours is ``paired_ratio`` at nominal 5 %; it is computed here
for all repetitions at once, and compared with the function on some. Peers: Student's t-test on pooled values (pyperf),
Mann-Whitney at p < 0.002 on pooled values (asv), percentile bootstrap that draws blocks, then samples within each
process, and Welch's t on the logs of process means, which does not pair.
*Runs*: two equal runs measured apart, without anything shared. Ours is ``welch_ratio``, the peers are the same.
*Shapley*: a grid of four knobs, each of which interacts with others; how often the interval of each knob holds its
true share. The shares are linear in the values, with weights that ``shapley`` itself gives.
*Rule*: the verdicts that ``ablatrix effects`` prints, over whole studies of 100 effects; see error_rates_rule.py.

    python benchmarks/error_rates.py [--repetitions 20000] [--bootstrap 2000] [--studies 150]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import itertools
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablatrix.statistics.attribution import over_blocks, shapley
from ablatrix.statistics.ratio import Ratio, paired_ratio, welch_ratio
from error_rates_rule import rule_scenes

Array = NDArray[np.float64]
TARGETS: dict[str, Any] = {
    "normal": [0.04, 0.06],
    "everywhere": 0.06,
    "coverage": [0.93, 0.97],
    "pooled_t_at_least": 0.2,
    "family_wise": 0.08,
    "false_where_failed": 0.001,
    "power": {"1%": 0.8, "2%": 0.95},
}
NOISES = ("normal", "student", "log-normal")
SPREADS = ((0.02, 0.01), (0.005, 0.02))
BLOCKS = (5, 10, 20)
BLOCK_SPREAD, OTHER_BLOCK_SPREADS = 0.01, (0.0, 0.05)
RUNS = ((20, 3), (10, 10), (5, 10))
SAMPLES = 10
CHUNK, CHECKED, RESAMPLES = 1000, 100, 400
KNOBS = ("partition", "reuse", "memory_plan", "fusion")
CORNERS = [frozenset(itertools.compress(KNOBS, on)) for on in itertools.product((False, True), repeat=len(KNOBS))]


@dataclass(frozen=True)
class Noise:
    """How the samples of processes in blocks scatter; spreads on the logarithm."""

    kind: str
    block: float
    process: float
    within: float

    def times(self, rng: np.random.Generator, shape: tuple[int, int, int, int]) -> Array:
        """Return times by repetition, side, block and sample; a block is shared by all sides."""
        repetitions, sides, blocks, _ = shape
        logs = rng.normal(0.0, self.block, (repetitions, 1, blocks, 1))
        logs = logs + self.process * self._draw(rng, (repetitions, sides, blocks, 1), self.kind == "student")
        if self.kind == "log-normal":
            skewed = np.exp(rng.normal(0.0, 1.0, shape))
            return np.exp(logs + self.within * (skewed - math.exp(0.5)) / math.sqrt(math.e * (math.e - 1.0)))
        return np.exp(logs + self.within * self._draw(rng, shape, self.kind == "student"))

    def _draw(self, rng: np.random.Generator, shape: tuple[int, ...], heavy: bool) -> Array:
        """Return values with a standard deviation of 1."""
        return rng.standard_t(3.0, shape) / math.sqrt(3.0) if heavy else rng.normal(0.0, 1.0, shape)


def main(repetitions: int, resampled: int, studies: int) -> bool:
    """Simulate all scenes, print each and the verdict as JSON, and return whether the targets are reached."""
    scenes = [
        (Noise(kind, BLOCK_SPREAD, *spreads), blocks, SAMPLES)
        for kind, spreads, blocks in itertools.product(NOISES, SPREADS, BLOCKS)
    ]
    scenes += [(Noise("normal", block, *SPREADS[0]), 10, SAMPLES) for block in OTHER_BLOCK_SPREADS]
    paired = [shown(pair_scene(seed, *scene, repetitions, resampled)) for seed, scene in enumerate(scenes)]
    runs = [
        shown(run_scene(100 + seed, Noise(kind, 0.0, *SPREADS[0]), *size, repetitions, resampled))
        for seed, (kind, size) in enumerate(itertools.product(NOISES, RUNS))
    ]
    covered = [
        shown(shapley_scene(200 + seed, Noise(kind, BLOCK_SPREAD, *spreads), blocks, repetitions))
        for seed, (kind, spreads, blocks) in enumerate(itertools.product(NOISES, SPREADS, BLOCKS))
    ]
    rule = [shown_rule(scene) for scene in rule_scenes(studies)]
    ours = [scene for scene in paired + runs if scene["noise"] == "normal"]
    pooled = [scene["pooled_t"] for scene in paired if scene["spreads"] == [BLOCK_SPREAD, *SPREADS[0]]]
    shares = [share for scene in covered for share in scene["coverage"].values()]
    figures = {
        "repetitions": repetitions,
        "repetitions_bootstrap": resampled,
        "paired_normal": extremes([scene["ours"] for scene in paired if scene["noise"] == "normal"]),
        "paired_everywhere": extremes([scene["ours"] for scene in paired]),
        "welch_normal": extremes([scene["ours"] for scene in runs if scene["noise"] == "normal"]),
        "welch_everywhere": extremes([scene["ours"] for scene in runs]),
        "coverage": extremes(shares),
        "pooled_t": extremes(pooled),
        "blocks": paired,
        "runs": runs,
        "shapley": covered,
        "studies": studies,
        "rule": rule,
    }
    holds = (
        repetitions >= 20_000
        and all(TARGETS["normal"][0] <= scene["ours"] <= TARGETS["normal"][1] for scene in ours)
        and all(scene["ours"] <= TARGETS["everywhere"] for scene in paired + runs)
        and all(TARGETS["coverage"][0] <= share <= TARGETS["coverage"][1] for share in shares)
        and min(pooled) >= TARGETS["pooled_t_at_least"]
        and rule_holds(rule)
    )
    print(json.dumps({"benchmark": "error_rates", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def pair_scene(seed: int, noise: Noise, blocks: int, samples: int, repetitions: int, resampled: int) -> dict[str, Any]:
    """Return how often each rule calls two configurations different that are measured side by side."""
    rng = np.random.default_rng(seed)
    verdicts = []
    for number, size in enumerate(chunks(repetitions)):
        times = noise.times(rng, (size, 2, blocks, samples))
        logs = np.log(times.mean(axis=3))
        low, high, p_values = student(logs[:, 1] - logs[:, 0])
        if number == 0:
            hold_against([paired_ratio(row[1] - row[0]) for row in logs[:CHECKED]], low, high, p_values)
        unpaired = stats.ttest_ind(logs[:, 1], logs[:, 0], axis=1, equal_var=False).pvalue < 0.05
        verdicts.append([p_values < 0.05, *pooled_rules(times), unpaired])
    rates = np.concatenate(verdicts, axis=1).mean(axis=1)
    bootstrapped = bootstrap(rng, noise.times(rng, (resampled, 2, blocks, samples)), paired=True)
    return row_of(noise, blocks, samples, rates[:3], bootstrapped) | {"welch_on_process_means": float(rates[3])}


def run_scene(
    seed: int, noise: Noise, processes: int, samples: int, repetitions: int, resampled: int
) -> dict[str, Any]:
    """Return how often each rule calls two runs different that have nothing in common."""
    rng = np.random.default_rng(seed)
    verdicts = []
    for number, size in enumerate(chunks(repetitions)):
        times = noise.times(rng, (size, 2, processes, samples))
        means = times.mean(axis=3)
        test = stats.ttest_ind(np.log(means[:, 1]), np.log(means[:, 0]), axis=1, equal_var=False)
        if number == 0:
            interval = test.confidence_interval(0.95)
            ratios = [welch_ratio(row[1], row[0]) for row in means[:CHECKED]]
            hold_against(ratios, interval.low, interval.high, test.pvalue)
        verdicts.append([test.pvalue < 0.05, *pooled_rules(times)])
    rates = np.concatenate(verdicts, axis=1).mean(axis=1)
    bootstrapped = bootstrap(rng, noise.times(rng, (resampled, 2, processes, samples)), paired=False)
    return row_of(noise, processes, samples, rates, bootstrapped)


def shapley_scene(seed: int, noise: Noise, blocks: int, repetitions: int) -> dict[str, Any]:
    """Return how often the interval of each knob's share holds the true one."""
    rng = np.random.default_rng(seed)
    # What the weights of the values are, asked of shapley itself; and a grid with effects and interactions.
    weights = np.array([list(shapley({one: float(one == at) for one in CORNERS}, KNOBS).values()) for at in CORNERS])
    truth = np.random.default_rng(1).normal(0.0, 0.2, len(CORNERS))
    hits = []
    for number, size in enumerate(chunks(repetitions)):
        # The mean of samples is a biased figure of exp(mean log) under skewed noise, by the same factor in each corner.
        times = noise.times(rng, (size, len(CORNERS), blocks, SAMPLES // 2))
        logs = np.log(times.mean(axis=3)) + truth[None, :, None]
        shares = np.einsum("rcb,ck->krb", logs, weights)
        bounds = [student(share) for share in shares]
        if number == 0:
            for row in range(CHECKED // 10):
                grids = [dict(zip(CORNERS, logs[row, :, block].tolist(), strict=True)) for block in range(blocks)]
                ratios = over_blocks(grids, KNOBS, shapley)
                for knob, (low, high, p_values) in zip(KNOBS, bounds, strict=True):
                    hold_against([ratios[knob]], low[row:], high[row:], p_values[row:])
        true_shares = truth @ weights
        hits.append(
            [(low <= share) & (share <= high) for share, (low, high, _) in zip(true_shares, bounds, strict=True)]
        )
    rates = np.concatenate(hits, axis=1).mean(axis=1)
    coverage = dict(zip(KNOBS, rates.tolist(), strict=True))
    return {**scene_of(noise, blocks, SAMPLES // 2), "coverage": coverage}


def student(values: Array) -> tuple[Array, Array, Array]:
    """Return low, high and p of ``paired_ratio``, on the logarithm, for all rows at once."""
    count = values.shape[-1]
    mean = values.mean(axis=-1)
    error = values.std(axis=-1, ddof=1) / math.sqrt(count)
    reach = stats.t.ppf(0.975, count - 1) * error
    return mean - reach, mean + reach, 2.0 * stats.t.sf(np.abs(mean) / error, count - 1)


def hold_against(ratios: list[Ratio], low: Array, high: Array, p_values: Array) -> None:
    """Check that the first rows are what the functions of ablatrix say.

    Raises:
        AssertionError: They are not.
    """
    for index, ratio in enumerate(ratios):
        assert ratio.low is not None and ratio.high is not None and ratio.p_value is not None
        found = (math.log(ratio.low), math.log(ratio.high), ratio.p_value)
        expected = (float(low[index]), float(high[index]), float(p_values[index]))
        assert np.allclose(found, expected, rtol=1e-7, atol=1e-12), (found, expected)
        assert (ratio.p_value < 0.05) == (not ratio.low <= 1.0 <= ratio.high), ratio


def pooled_rules(times: Array) -> list[NDArray[np.bool_]]:
    """Return the verdicts of pyperf's and asv's rules, which take all samples of a side for independent."""
    first, second = (times[:, side].reshape(len(times), -1) for side in (0, 1))
    pooled = stats.ttest_ind(second, first, axis=1).pvalue < 0.05
    # Mann and Whitney's U by its normal approximation, with the correction for continuity; there are no ties.
    size = first.shape[1]
    ranks = np.concatenate([first, second], axis=1).argsort(axis=1).argsort(axis=1)[:, size:].sum(axis=1)
    u = ranks - size * (size - 1) / 2.0
    z = (np.abs(u - size * size / 2.0) - 0.5) / math.sqrt(size * size * (2 * size + 1) / 12.0)
    return [pooled, 2.0 * stats.norm.sf(z) < 0.002]


def bootstrap(rng: np.random.Generator, times: Array, paired: bool) -> float:
    """Return how often 1 lies outside the 95 % percentile interval of the ratio of means.

    Blocks (or, unpaired, the processes of each side by themselves) are drawn again, then samples within each process.
    """
    _, _, blocks, samples = times.shape
    sides = np.arange(2)[None, :, None, None]
    outside = 0
    for one in times:
        rows = rng.integers(0, blocks, (RESAMPLES, 1 if paired else 2, blocks, 1))
        columns = rng.integers(0, samples, (RESAMPLES, 2, blocks, samples))
        means = one[sides, rows, columns].mean(axis=(2, 3))
        low, high = np.quantile(means[:, 1] / means[:, 0], (0.025, 0.975))
        outside += not low <= 1.0 <= high
    return outside / len(times)


def row_of(noise: Noise, blocks: int, samples: int, rates: Array, bootstrapped: float) -> dict[str, Any]:
    """Return a scene with the share of verdicts "different" of each rule."""
    ours, pooled, mann_whitney = rates.tolist()
    return {
        **scene_of(noise, blocks, samples),
        "ours": ours,
        "pooled_t": pooled,
        "mann_whitney": mann_whitney,
        "bootstrap": bootstrapped,
    }


def scene_of(noise: Noise, blocks: int, samples: int) -> dict[str, Any]:
    """Return what is simulated; ``spreads``: of blocks, processes, within."""
    spreads = [noise.block, noise.process, noise.within]
    return {"noise": noise.kind, "spreads": spreads, "processes": blocks, "samples": samples}


def chunks(repetitions: int) -> Iterator[int]:
    """Yield how many repetitions are held in memory at once."""
    for start in range(0, repetitions, CHUNK):
        yield min(CHUNK, repetitions - start)


def extremes(rates: list[float]) -> list[float]:
    """Return the smallest and the largest rate."""
    return [min(rates), max(rates)]


def rule_holds(rule: list[dict[str, Any]]) -> bool:
    """Return whether the verdicts err as rarely, and see as much, as they should; power where the instrument holds."""
    holding = [scene for scene in rule if "coverage_where_failed" not in scene]
    failing = [scene for scene in rule if "coverage_where_failed" in scene]
    return (
        all(scene["family_wise"] <= TARGETS["family_wise"] for scene in holding)
        and all(scene["coverage"] >= TARGETS["coverage"][0] for scene in holding)
        and all(scene["power"][size] >= TARGETS["power"][size] for scene in holding for size in scene["power"])
        and all(scene["coverage_where_failed"] >= TARGETS["coverage"][0] for scene in failing)
        and all(scene["false_verdicts_where_failed"] <= TARGETS["false_where_failed"] for scene in failing)
    )


def shown_rule(scene: dict[str, Any]) -> dict[str, Any]:
    """Print a scene of the rule and return it."""
    rates = {name: rate for name, rate in scene.items() if isinstance(rate, float)}
    rates |= {f"power at {size}": rate for size, rate in scene["power"].items()}
    print(f"{scene['scene']:20}  " + "  ".join(f"{name} {rate:6.2%}" for name, rate in rates.items()), flush=True)
    return scene


def shown(scene: dict[str, Any]) -> dict[str, Any]:
    """Print a scene and return it."""
    rates = scene.get("coverage") or {name: value for name, value in scene.items() if isinstance(value, float)}
    spreads = " ".join(f"{spread:5.1%}" for spread in scene["spreads"])
    named = "  ".join(f"{name} {rate:6.2%}" for name, rate in rates.items())
    print(f"{scene['noise']:10} {spreads}  {scene['processes']:2}x{scene['samples']:<2}  {named}", flush=True)
    return scene


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=20_000)
    parser.add_argument("--bootstrap", type=int, default=2000)
    parser.add_argument("--studies", type=int, default=150)
    arguments = parser.parse_args()
    sys.exit(0 if main(arguments.repetitions, arguments.bootstrap, arguments.studies) else 1)
