"""How often a run's 95 % intervals hold what the other runs find, with whole runs of the product.

Each run is ``ablatrix run`` in a fresh process tree, of one small study with a seed of its own: 100 equal kernels,
``slow`` with one or two more, ``nothing`` and ``dud`` which switch nothing. Intervals are those that ``ablatrix
effects`` prints. Runs with the old sampling of layouts (``run``: drawn once a run) are made in turn with the others.

Coverage: a run's interval holds the mean of the other runs, that mean's own error included: their distance is within
the square root of the sum of squares of both half-widths. Dispersion: Cochran's Q over runs, each weighted by its
printed error; its distribution under equal means is simulated, since each error has few degrees of freedom.

    python benchmarks/between_runs.py [runs] [--layout padding --layout run] [--keep FILE]

With ``--keep`` the rows go to a file, and the figures are made of all that it holds: it can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from scipy.stats import t as student

from whole_runs import append_line, planted_study, printed_effects, rate, read_lines, run_whole

TARGETS = {"runs": 20, "coverage_low": 0.90, "coverage_high": 0.98, "dispersion_p": 0.01}
OLD = "run"
STAGES = (
    {"name": "primary", "factorial": {"slow": ["none", "one", "two"]}},
    {"name": "nulls", "around": {}, "vary": {"nothing": ["on"], "dud": ["on"]}},
)
HOT = {"blocks": 6, "max_blocks": 6, "rounds": 20}
DRAWS = 20_000


@dataclass(frozen=True)
class Estimate:
    """What one run says of one effect: log ratio, its standard error, and the error's degrees of freedom."""

    mean: float
    error: float
    degrees: int

    @property
    def half_width(self) -> float:
        """Half-width of the printed interval, in logs."""
        return float(student.ppf(0.975, self.degrees)) * self.error


def main(runs: int, layouts: Sequence[str], keep: Path | None) -> None:
    """Make the runs, and print figures over these and all kept before as JSON."""
    cases = read_lines(keep)
    done = len(cases)
    for number in range(runs):
        for layout in layouts:
            with tempfile.TemporaryDirectory(prefix="ablatrix-between-runs-") as directory:
                seed = len(cases) + 1
                made = run_whole(planted_study(seed, layout, STAGES, HOT), Path(directory))
                rows = printed_effects(made.results)
            cases.append({"layout": layout, "seed": seed, "s": made.seconds, "cpu_s": made.cpu_s, "rows": rows})
            append_line(keep, cases[-1])
            print(f"{number + 1}/{runs}: {layout}, {made.seconds:.1f} s, processor {made.cpu_s:.1f} s")
    figures: dict[str, Any] = {
        layout: layout_figures([case for case in cases if case["layout"] == layout])
        for layout in dict.fromkeys(case["layout"] for case in cases)
    }
    judged = [figures[layout] for layout in figures if layout != OLD]
    holds = bool(judged) and all(map(is_good, judged))
    figures["seconds_this_run"] = sum(case["s"] for case in cases[done:])
    print(json.dumps({"benchmark": "between_runs", "figures": figures, "targets": TARGETS, "holds": holds}))


def is_good(figures: dict[str, Any]) -> bool:
    """Return whether the runs of one sampling meet the targets."""
    return (
        figures["runs"] >= TARGETS["runs"]
        and len({name.partition(":")[0] for name in figures["dispersion"]}) >= 3
        and TARGETS["coverage_low"] <= figures["coverage"] <= TARGETS["coverage_high"]
        and min(one["p"] for one in figures["dispersion"].values()) > TARGETS["dispersion_p"]
    )


def layout_figures(cases: Sequence[Any]) -> dict[str, Any]:
    """Return coverage and dispersion of the runs of one sampling."""
    effects: dict[str, list[Estimate]] = defaultdict(list)
    for case in cases:
        for row in case["rows"]:
            effects[f"{row['knob']}: {row['level']}"].append(read_estimate(row))
    figures: dict[str, Any] = {
        "runs": len(cases),
        "seconds_mean": sum(case["s"] for case in cases) / len(cases),
        "processor_seconds_mean": sum(case["cpu_s"] for case in cases) / len(cases),
    }
    if len(cases) < 3:
        return figures | {"coverage": None, "dispersion": {}}
    held = {name: holds_the_others(runs) for name, runs in effects.items()}
    return {
        **figures,
        **rate("coverage", [hit for hits in held.values() for hit in hits]),
        "missed": {name: len(hits) - sum(hits) for name, hits in held.items()},
        "dispersion": {name: dispersion(runs) for name, runs in effects.items()},
    }


def read_estimate(row: Any) -> Estimate:
    """Return the estimate that a printed row holds."""
    degrees = row["blocks"] - 1
    half = (math.log(row["ratio_high"]) - math.log(row["ratio_low"])) / 2
    return Estimate(row["log_ratio"], half / float(student.ppf(0.975, degrees)), degrees)


def holds_the_others(runs: Sequence[Estimate]) -> list[bool]:
    """Return for each run whether its interval holds the mean of the others, with that mean's own error."""
    held = []
    for index, run in enumerate(runs):
        others = numpy.array([other.mean for position, other in enumerate(runs) if position != index])
        error = float(others.std(ddof=1)) / math.sqrt(len(others))
        width = math.hypot(run.half_width, float(student.ppf(0.975, len(others) - 1)) * error)
        held.append(abs(run.mean - float(others.mean())) <= width)
    return held


def dispersion(runs: Sequence[Estimate]) -> dict[str, float]:
    """Return Cochran's Q, its mean under equal means, the probability of as large a Q, and the spread it points to.

    Under equal means a run's distance over its printed error is Student's t, not normal: the null distribution is
    simulated with errors of so many degrees of freedom.
    """
    means, errors = (numpy.array(values) for values in zip(*((one.mean, one.error) for one in runs), strict=True))
    degrees = numpy.array([one.degrees for one in runs])
    found = float(cochran_q(means[None], errors[None])[0])
    draw = numpy.random.default_rng(0)
    normal = draw.standard_normal((DRAWS, len(runs)))
    spread = numpy.sqrt(draw.chisquare(degrees, (DRAWS, len(runs))) / degrees)
    drawn = cochran_q(normal, spread)
    between = max(0.0, float(means.var(ddof=1)) - float((errors**2).mean()))
    return {
        "q": found,
        "expected": float(drawn.mean()),
        "p": float((1 + (drawn >= found).sum()) / (1 + DRAWS)),
        "spread_between": math.sqrt(between),
    }


def cochran_q(means: Any, errors: Any) -> Any:
    """Return the weighted sum of squares about the weighted mean, for each row."""
    weights = errors**-2.0
    centre = (weights * means).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return (weights * (means - centre) ** 2).sum(axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=int, nargs="?", default=20, help="runs of each sampling; 0: only the kept ones")
    parser.add_argument(
        "--layout", action="append", choices=("run", "padding", "block", "both"), help="default: padding, and run"
    )
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    main(arguments.runs, arguments.layout or ["padding", OLD], arguments.keep)
