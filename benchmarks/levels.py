"""How a block's bursts are best summed up: the spread over blocks of each configuration to the baseline, by estimator.

Takes results directories of whole runs, with their raw samples. Each burst gives its median and its fastest
iteration; an estimator gives every trial of a hot block a level, from either. The figure is the standard deviation
over blocks of a configuration's level minus the baseline's, root mean square over configurations, and its ratio to
the estimator that the product had first (medians, a median polish and a 20 % trimmed mean). Real differences are the
same in every block, so a smaller spread is less noise.

    python benchmarks/levels.py RESULTS [RESULTS...]
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.statistics.rounds import calm_levels, levels_of_blocks, usual_levels

TARGETS = {"product_over_before": 0.8, "product_worst_over_before": 1.5}
FEWEST_BLOCKS = 4
Logs = NDArray[np.float64]
Row = dict[str, Any]


def lowest(share: float) -> Callable[[Logs], Logs]:
    """Return the mean of the smallest share of each trial's bursts."""
    return lambda logs: np.sort(logs, axis=1)[:, : math.ceil(share * logs.shape[1])].mean(axis=1)


def polished(logs: Logs) -> Logs:
    """Return logs without the median of each round over trials."""
    distances = logs - np.median(logs, axis=1, keepdims=True)
    remainder: Logs = logs - np.median(distances, axis=0, keepdims=True)
    return remainder


def trimmed(logs: Logs) -> Logs:
    """Return the 20 % trimmed mean of each trial's bursts."""
    cut = int(0.2 * logs.shape[1])
    means: Logs = np.sort(logs, axis=1)[:, cut : logs.shape[1] - cut].mean(axis=1)
    return means


def product(logs: Logs) -> Logs:
    """Return what `ablatrix.statistics.rounds` makes of them."""
    levels: Logs = levels_of_blocks(logs[np.newaxis])[0]
    return levels


ESTIMATORS: Mapping[str, tuple[str, Callable[[Logs], Logs]]] = {
    "before": ("median", lambda logs: trimmed(polished(logs))),
    "product": ("min", product),
    "calm": ("min", lambda logs: calm_levels(logs[np.newaxis])[0]),
    "usual": ("min", lambda logs: usual_levels(logs[np.newaxis])[0]),
    "product_of_medians": ("median", product),
    "before_of_fastest": ("min", lambda logs: trimmed(polished(logs))),
    "mean_of_medians": ("median", lambda logs: logs.mean(axis=1)),
    "fastest_third_of_medians": ("median", lowest(1 / 3)),
    "fastest_third": ("min", lowest(1 / 3)),
    "fastest_tenth": ("min", lowest(1 / 10)),
    "fastest_iteration": ("min", lambda logs: logs.min(axis=1)),
}
"""What a burst gives, and what is made of it."""


def main(paths: list[Path]) -> None:
    """Print the spread of each unit by estimator, and figures as JSON."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for path in paths:
        for name, blocks in units_of(path):
            spreads = {key: spread(blocks, *estimator) for key, estimator in ESTIMATORS.items()}
            print(f"{name}, {len(blocks)} blocks:", *(f"{key} {value:.2%}" for key, value in spreads.items()))
            for key, value in spreads.items():
                ratios[key].append(value / spreads["before"])
    figures: Row = {"units": len(ratios["before"])}
    for key, held in ratios.items():
        figures[f"{key}_over_before"] = math.exp(sum(map(math.log, held)) / len(held))
        figures[f"{key}_worst_over_before"] = max(held)
    holds = all(figures[name] <= target for name, target in TARGETS.items())
    print(json.dumps({"benchmark": "levels", "figures": figures, "targets": TARGETS, "holds": holds}))


def units_of(path: Path) -> Iterator[tuple[str, list[list[Row]]]]:
    """Yield each workload on a compiler that has blocks enough, with the ok trials of each block and their bursts."""
    final = [one for one in map(json.loads, (path / "results.jsonl").read_text().splitlines()) if one["final"]]
    bursts: dict[tuple[str, int], list[list[float]]] = {}
    for file in sorted((path / "samples").iterdir()):
        for line in map(json.loads, file.read_text().splitlines()):
            bursts[line["trial_id"], line["attempt"]] = line["bursts_ms"]
    blocks: dict[str, list[Row]] = defaultdict(list)
    for one in final:
        if (one["mode"], one["status"]) == ("hot", "ok") and one["role"] in ("measured", "twin"):
            one["bursts"] = bursts[one["trial_id"], one["attempt"]]
            blocks[one["block_id"]].append(one)
    units: dict[str, list[list[Row]]] = defaultdict(list)
    for held in blocks.values():
        longest = max(len(one["bursts"]) for one in held)
        whole = [one for one in held if len(one["bursts"]) == longest]
        units[f"{whole[0]['workload']['name']} on {whole[0]['config']['compiler']}"].append(whole)
    yield from ((name, held) for name, held in sorted(units.items()) if len(held) >= FEWEST_BLOCKS)


def spread(blocks: list[list[Row]], of: str, estimate: Callable[[Logs], Logs]) -> float:
    """Return the root mean square over configurations of the standard deviation over blocks."""
    reduce = np.median if of == "median" else np.min
    differences: dict[str, list[float]] = defaultdict(list)
    for trials in blocks:
        levels = estimate(np.log([[reduce(burst) for burst in one["bursts"]] for one in trials]))
        base = [level for one, level in zip(trials, levels, strict=True) if is_baseline(one)]
        for one, level in zip(trials, levels, strict=True):
            if base and not is_baseline(one):
                differences[f"{one['role']} {one['config']['knobs']}"].append(float(level - base[0]))
    variances = [float(np.var(held, ddof=1)) for held in differences.values() if len(held) > 1]
    return math.sqrt(sum(variances) / len(variances))


def is_baseline(trial: Row) -> bool:
    """Return whether a trial is the baseline's own, and not its twin."""
    return bool(trial["role"] == "measured" and trial["config"]["knobs"] == trial["config"]["baseline"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python benchmarks/levels.py RESULTS [RESULTS...]")
    main([Path(one) for one in sys.argv[1:]])
