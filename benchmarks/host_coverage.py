"""Coverage and type I error of effects over hosts, against the ways of combining hosts that are not used.

Normal blocks on 2 to 16 hosts with 2 to 10 blocks each; equal noise, one host with four times the noise, one with a
tenth; the true effect of hosts spreads by tau. The interval in use is Student's t over hosts, each with the same weight
(`ablatrix.statistics.hosts`); beside it: all blocks pooled, DerSimonian-Laird with the normal distribution, and
Paule-Mandel with Hartung-Knapp-Sidik-Jonkman, without and with the floor at 1 (Roever et al. 2015). The test of
host x knob stands beside Cochran's Q.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablatrix.statistics.hosts import disagreeing_hosts, same_value_p
from ablatrix.statistics.ratio import paired_ratio

Real = NDArray[np.float64]
NOISE: Mapping[str, float] = {"equal noise": 1.0, "one host of 4 x": 4.0, "one host of 1/10": 0.1}
HOSTS, BLOCKS, TAUS = (2, 4, 8, 16), (2, 3, 5, 10), (0.0, 0.5, 2.0)
NOMINAL = 0.95


def main(arguments: list[str] | None = None) -> int:
    """Print a table, and the worst figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10000)
    parser.add_argument(
        "--own", type=int, default=400, help="of these, how many go through the package's own functions"
    )
    chosen = parser.parse_args(arguments)
    rng = np.random.default_rng(20)
    worst: dict[str, float] = {}
    false: dict[str, float] = {}
    print(
        f"{'hosts':>5} {'blocks':>6} {'noise':<17} {'tau':>4}  coverage of 95 % intervals, half-width in sd of a block"
    )
    for hosts in HOSTS:
        for blocks in BLOCKS:
            for noise, first in NOISE.items():
                sizes = np.ones(hosts)
                sizes[0] = first
                for tau in TAUS:
                    values = _draw(rng, chosen.draws, sizes, blocks, tau)
                    found = _intervals(values)
                    shown = {
                        name: (float((abs(mean) <= half).mean()), float(np.median(half)))
                        for name, (mean, half) in found.items()
                    }
                    for name, (cover, _) in shown.items():
                        worst[name] = min(worst.get(name, 1.0), cover)
                    text = "  ".join(f"{name} {cover:.3f}/{half:.2f}" for name, (cover, half) in shown.items())
                    print(f"{hosts:>5} {blocks:>6} {noise:<17} {tau:>4}  {text}")
                    if tau == 0.0:
                        for name, rate in _false_alarms(values, chosen.own).items():
                            false[name] = max(false.get(name, 0.0), rate)
    missed, told = _type_one(rng, 2000), _told(rng, 300)
    figures = {
        "worst_coverage": worst,
        "worst_false_alarms_of_host_x_knob": false,
        "verdict_when_null": missed,
        "told_when_planted": told,
    }
    targets = {"coverage_in_use": 0.94, "false_alarms_in_use": 0.12, "type_one": 0.06, "told": 0.9}
    holds = (
        worst["t over hosts"] >= targets["coverage_in_use"]
        and false["in use"] <= targets["false_alarms_in_use"]
        and missed <= targets["type_one"]
        and told >= targets["told"]
    )
    print(json.dumps({"benchmark": "host_coverage", "figures": figures, "targets": targets, "holds": bool(holds)}))
    return 0 if holds else 1


def _draw(rng: np.random.Generator, draws: int, sizes: Real, blocks: int, tau: float) -> Real:
    own = rng.normal(0.0, 1.0, (draws, sizes.size, blocks)) * sizes[:, np.newaxis]
    return own + rng.normal(0.0, tau, (draws, sizes.size, 1))


def _intervals(values: Real) -> dict[str, tuple[Real, Real]]:
    """Return centre and half-width by each method."""
    draws, hosts, blocks = values.shape
    means, squares = values.mean(2), values.var(2, ddof=1) / blocks
    t = stats.t.ppf((1 + NOMINAL) / 2, hosts - 1)
    flat = values.reshape(draws, -1)
    pooled = flat.std(1, ddof=1) / math.sqrt(hosts * blocks) * stats.t.ppf((1 + NOMINAL) / 2, hosts * blocks - 1)
    found = {
        "t over hosts": (means.mean(1), t * means.std(1, ddof=1) / math.sqrt(hosts)),
        "blocks pooled": (flat.mean(1), pooled),
    }
    weights = 1.0 / squares
    centre = _weighted(weights, means)
    q = (weights * (means - centre[:, np.newaxis]) ** 2).sum(1)
    tau2 = np.maximum(0.0, (q - (hosts - 1)) / (weights.sum(1) - (weights**2).sum(1) / weights.sum(1)))
    weights = 1.0 / (squares + tau2[:, np.newaxis])
    found["DL, normal"] = (_weighted(weights, means), 1.96 / np.sqrt(weights.sum(1)))
    weights = 1.0 / (squares + _paule_mandel(means, squares)[:, np.newaxis])
    centre = _weighted(weights, means)
    scale = (weights * (means - centre[:, np.newaxis]) ** 2).sum(1) / (hosts - 1)
    error = t / np.sqrt(weights.sum(1))
    found["PM, HKSJ"] = (centre, error * np.sqrt(scale))
    found["PM, HKSJ >= 1"] = (centre, error * np.sqrt(np.maximum(1.0, scale)))
    return found


def _weighted(weights: Real, means: Real) -> Real:
    found: Real = (weights * means).sum(1) / weights.sum(1)
    return found


def _paule_mandel(means: Real, squares: Real) -> Real:
    """Return tau squared such that Q is its degrees of freedom (Paule & Mandel 1982), by bisection."""
    freedom = means.shape[1] - 1
    low = np.zeros(len(means))
    high = ((means - means.mean(1, keepdims=True)) ** 2).sum(1) / freedom * 10.0 + 1e-12

    def q(tau2: Real) -> Real:
        weights = 1.0 / (squares + tau2[:, np.newaxis])
        found: Real = (weights * (means - _weighted(weights, means)[:, np.newaxis]) ** 2).sum(1)
        return found

    none = q(low) <= freedom
    for _ in range(60):
        middle = (low + high) / 2.0
        above = q(middle) > freedom
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(none, 0.0, (low + high) / 2.0)


def _false_alarms(values: Real, own: int) -> dict[str, float]:
    """Return how often hosts that are equal are called different at 5 %."""
    blocks = values.shape[2]
    weights = blocks / values.var(2, ddof=1)
    centre = _weighted(weights, values.mean(2))
    q = (weights * (values.mean(2) - centre[:, np.newaxis]) ** 2).sum(1)
    p_values = [same_value_p(list(one)) for one in values[:own]]
    return {
        "in use": sum(one is not None and one <= 0.05 for one in p_values) / len(p_values),
        "Cochran's Q": float((stats.chi2.sf(q, values.shape[1] - 1) <= 0.05).mean()),
    }


def _type_one(rng: np.random.Generator, draws: int) -> float:
    """Return how often no effect is called one on four hosts of which one is noisy and among which it varies."""
    values = _draw(rng, draws, np.array([4.0, 1.0, 1.0, 1.0]), 5, 0.5).mean(2)
    p_values = [paired_ratio(one).p_value for one in values]
    return sum(one is not None and one <= 0.05 for one in p_values) / draws


def _told(rng: np.random.Generator, draws: int) -> float:
    """Return how often the one host of four that is off by five standard deviations of a block is named, alone."""
    values = _draw(rng, draws, np.ones(4), 5, 0.0)
    values[:, 2] += 5.0
    return sum(disagreeing_hosts(list(one), 0.05 / 8) == (2,) for one in values) / draws


if __name__ == "__main__":
    sys.exit(main())
