"""How far equal programs differ by the layout of their code alone: the scatter that a bisection has to see through.

``examples/gcc`` and five copies whose kernel differs in padding alone (``paddings`` of same_build.py) run as builds of
one study, in the same hot blocks. In a two-way analysis of variance of the log run times, builds by blocks, the mean
square between builds is that of their residuals, plus the blocks times the variance by layout (a random effect; Searle,
Casella and McCulloch 1992, "Variance components"). Its interval is that of the ratio of both mean squares (F).

    python benchmarks/layouts.py [--runs 3] [--first-seed 1] [--blocks 5]

The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ablatrix.analysis.effects import main_effects
from ablatrix.analysis.table import tidy
from same_build import ablatrix, padded_study
from whole_runs import METRIC

TARGETS: dict[str, float] = {}


def main(runs: int, first_seed: int, blocks: int) -> None:
    """Run what is asked for, and print figures as JSON."""
    tables = [measured(first_seed + number, blocks) for number in range(runs)]
    for table in tables:
        print(f"offsets in percent: {[round(100.0 * one, 3) for one in offsets(table)]}; {json.dumps(spread([table]))}")
    figures = {"runs": runs, "blocks": blocks, "builds": int(tables[0].shape[0]), **spread(tables)}
    print(json.dumps({"benchmark": "layouts", "figures": figures, "targets": TARGETS, "holds": True}))


def measured(seed: int, blocks: int) -> Any:
    """Return the log run time over the first build's, builds by blocks, that one included."""
    with tempfile.TemporaryDirectory(prefix="ablatrix-layouts-") as directory:
        place = Path(directory)
        study = padded_study(seed, place)
        study["protocol"]["hot"] |= {"blocks": blocks, "max_blocks": blocks}
        file, results = place / "study.yaml", place / "results"
        file.write_text(json.dumps(study), encoding="utf-8")
        ablatrix("run", str(file), "--out", str(results), "--quiet")
        effects = main_effects(tidy([results]).trials, METRIC, "hot", ["build"])
        return np.array([[0.0] * blocks, *(one.logs for one in effects)])


def offsets(table: Any) -> list[float]:
    """Return by how much each build differs from the mean of all."""
    return [float(one) for one in table.mean(axis=1) - table.mean()]


def spread(tables: list[Any]) -> dict[str, float]:
    """Return the standard deviation by layout and within blocks, in percent, over runs together."""
    from scipy.stats import f

    blocks = tables[0].shape[1]
    between = [blocks * float(np.square(table.mean(axis=1) - table.mean()).sum()) for table in tables]
    left = [table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean() for table in tables]
    free = sum(table.shape[0] - 1 for table in tables)
    free_left = free * (blocks - 1)
    squares = sum(between) / free, sum(float(np.square(one).sum()) for one in left) / free_left

    def layout(ratio: float) -> float:
        return 100.0 * math.sqrt(max(0.0, (ratio - 1.0) * squares[1] / blocks))

    ratio = squares[0] / squares[1]
    return {
        "layout_percent": layout(ratio),
        "layout_percent_low": layout(ratio / float(f.ppf(0.975, free, free_left))),
        "layout_percent_high": layout(ratio / float(f.ppf(0.025, free, free_left))),
        "blocks_percent": 100.0 * math.sqrt(squares[1]),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=5)
    main(**vars(parser.parse_args()))
