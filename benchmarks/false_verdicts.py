"""How often the product calls equal things different, and how often it finds a planted slowdown, with whole runs.

Each run is ``ablatrix run`` in a fresh process tree, and what counts is the verdict that ``ablatrix effects`` prints.

Nulls: 15 configurations that are the baseline in all but name, five short blocks. Each is judged twice: as printed
beside the 14 others, whose number its p-value is adjusted for, and by itself, as in a study of this one level: the same
records without the others, printed by the same command. Comparisons of one run share their baseline, so the rate is
also given for runs in which any is called different.
Planted: ``slow`` adds 1 % and 2 % to 100 equal kernels and ``nothing`` adds nothing, with the default protocol; some
runs are made with the old sampling of layouts (``run``: drawn once a run) in turn, to compare machine time.

Beside it on the data of the null runs: pyperf's rule (its own ``is_significant``, a pooled t-test over all values, here
the means of bursts), and a sequential design: the baseline of one run against a configuration of the next one.

    python benchmarks/false_verdicts.py [nulls] [planted] [old] [--layout padding] [--keep FILE]

With ``--keep`` the raw values go to a file, and the figures are made of all that it holds: a long run can be made in
pieces.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyperf._utils import is_significant

from ablatrix.statistics.ratio import welch_ratio
from planted import IDLE
from whole_runs import (
    METRIC,
    Row,
    append_line,
    is_different,
    is_slower,
    planted_study,
    printed_effects,
    rate,
    read_lines,
    run_whole,
    verdict_rows,
)

TARGETS = {
    "comparisons": 1000,
    "called_different": 0.05,
    "planted": 60,
    "found_2_percent": 0.95,
    "found_1_percent": 0.80,
    "seconds_over_old": 1.05,  # equal, but for the scatter of a median of 10 runs or more
}
OLD = "run"
LEVELS = ["none", *(f"i{number}" for number in range(1, IDLE + 1))]
NULLS = ({"name": "primary", "factorial": {"idle": LEVELS}},)
SHORT = {"blocks": 5, "max_blocks": 5, "rounds": 10, "burst_ms": 2, "warm_up_ms": 20}
PLANTED = (
    {"name": "primary", "factorial": {"slow": ["none", "one", "two"]}},
    {"name": "nulls", "around": {}, "vary": {"nothing": ["on"]}},
)
Case = dict[str, Any]
"""``kind``, ``layout``, ``seed``, ``s``, ``cpu_s``, ``rows``; of nulls ``alone``, rows, and ``bursts``: level -> block
-> mean of each burst."""


def main(nulls: int, planted: int, old: int, layout: str, keep: Path | None) -> None:
    """Run what is asked for, and print figures over that and all kept before as JSON."""
    cases: list[Case] = read_lines(keep)
    done = len(cases)
    for kind, one_layout in plan_runs(nulls, planted, old, layout):
        seed = len(cases) + 1
        with tempfile.TemporaryDirectory(prefix="ablatrix-false-verdicts-") as directory:
            cases.append(make_case(kind, one_layout, seed, Path(directory)))
        append_line(keep, cases[-1])
        verdicts = [row["verdict"] for row in cases[-1]["rows"]]
        print(f"{kind}, {one_layout}: {cases[-1]['s']:.1f} s, {sum(map(is_different, cases[-1]['rows']))} different")
        if kind == "planted":
            print(f"    {verdicts}")
    figures = {
        **null_figures(of_kind(cases, "null", layout)),
        **planted_figures(of_kind(cases, "planted", layout), of_kind(cases, "planted", OLD)),
        "seconds_this_run": sum(case["s"] for case in cases[done:]),
    }
    print(
        json.dumps(
            {"benchmark": "false_verdicts", "figures": figures, "targets": TARGETS, "holds": meets_targets(figures)}
        )
    )


def plan_runs(nulls: int, planted: int, old: int, layout: str) -> list[tuple[str, str]]:
    """Return kind and sampling of each run; those with the old sampling are spread among the planted ones."""
    runs = [("null", layout)] * nulls
    for number in range(max(planted, old)):
        runs += [("planted", layout)] if number < planted else []
        due = (number + 1) * old // max(planted, old) > number * old // max(planted, old)
        runs += [("planted", OLD)] if due else []
    return runs


def make_case(kind: str, layout: str, seed: int, directory: Path) -> Case:
    """Make one run and return what is kept of it."""
    stages, hot = (NULLS, SHORT) if kind == "null" else (PLANTED, {})
    made = run_whole(planted_study(seed, layout, stages, hot), directory)
    rows = printed_effects(made.results)
    case: Case = {"kind": kind, "layout": layout, "seed": seed, "s": made.seconds, "cpu_s": made.cpu_s, "rows": rows}
    if kind == "null":
        case |= judge_alone(made.results, directory)
    return case


def judge_alone(results: Path, directory: Path) -> Case:
    """Return each level's row as printed for its own records with the baseline's, and the means of all bursts."""
    records = [json.loads(line) for line in (results / "results.jsonl").read_text().splitlines()]
    records = [record for record in records if record["final"]]
    alone = []
    for level in LEVELS[1:]:
        kept = [record for record in records if record["config"]["knobs"].get("idle") in (None, LEVELS[0], level)]
        file = directory / f"{level}.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in kept))
        (row,) = effects_here(file)
        alone.append(row)
    level_of = {one["trial_id"]: one["config"]["knobs"]["idle"] for one in records if one["role"] == "measured"}
    bursts: dict[str, list[list[float]]] = {level: [] for level in LEVELS}
    for file in sorted((results / "samples").iterdir()):
        for line in map(json.loads, file.read_text().splitlines()):
            if line["trial_id"] in level_of:
                means = [sum(burst) / len(burst) for burst in line["bursts_ms"]]
                bursts[level_of[line["trial_id"]]].append(means)
    return {"alone": alone, "bursts": bursts}


def effects_here(file: Path) -> list[Row]:
    """Return what the command prints, run in this process, since it is run a thousand times."""
    from typer.testing import CliRunner

    from ablatrix.cli.main import app

    done = CliRunner().invoke(app, ["effects", str(file), "--metric", METRIC, "--json"])
    if done.exit_code != 0:
        raise SystemExit(f"ablatrix effects {file} ended with {done.exit_code}: {done.output[-2000:]}")
    return verdict_rows(done.stdout)


def of_kind(cases: Sequence[Case], kind: str, layout: str) -> list[Case]:
    """Return the cases of one kind and sampling."""
    return [case for case in cases if (case["kind"], case["layout"]) == (kind, layout)]


def null_figures(cases: Sequence[Case]) -> dict[str, Any]:
    """Return how often the product and each peer's rule call equal things different."""
    if len(cases) < 2:
        return {"comparisons": 0}
    alone = [[is_different(row) for row in case["alone"]] for case in cases]
    beside = [[is_different(row) for row in case["rows"]] for case in cases]
    pairs = [(case["bursts"], level) for case in cases for level in LEVELS[1:]]
    apart = [
        (first["bursts"][LEVELS[0]], then["bursts"][level])
        for first, then in itertools.pairwise(cases)
        for level in LEVELS[1:]
    ]
    excludes = [row["ratio_low"] > 1 or row["ratio_high"] < 1 for case in cases for row in case["alone"]]
    together = [pyperf_differs(pooled(bursts[LEVELS[0]]), pooled(bursts[level])) for bursts, level in pairs]
    return {
        "null_runs": len(cases),
        "null_seconds_mean": sum(case["s"] for case in cases) / len(cases),
        "comparisons": sum(map(len, alone)),
        **rate("called_different", [hit for hits in alone for hit in hits]),
        **rate("called_different_beside_others", [hit for hits in beside for hit in hits]),
        **rate("runs_with_any_called_different", [any(hits) for hits in beside]),
        **rate("intervals_without_1", excludes),
        **rate("pyperf", together),
        **rate("sequential", [sequential_differs(first, then) for first, then in apart]),
        **rate("sequential_pyperf", [pyperf_differs(pooled(first), pooled(then)) for first, then in apart]),
    }


def planted_figures(cases: Sequence[Case], old: Sequence[Case]) -> dict[str, Any]:
    """Return how often a planted slowdown is found, and the machine time of a run over that of the old sampling."""
    if not cases:
        return {"planted": 0}
    figures = {"planted": len(cases), **run_figures("planted", cases)}
    if old:
        figures |= {"old": len(old), **run_figures("old", old)}
        # Medians: runs in which the neighbours of the machine were busy take two to three times as long.
        figures["seconds_over_old"] = figures["planted_seconds_median"] / figures["old_seconds_median"]
    return figures


def run_figures(name: str, cases: Sequence[Case]) -> dict[str, Any]:
    """Return the figures of planted runs of one sampling."""
    one, two = ([row_of(case, "slow", level) for case in cases] for level in ("one", "two"))
    prefix = "" if name == "planted" else f"{name}_"
    return {
        f"{name}_blocks_mean": sum(row["blocks"] for row in two) / len(two),
        f"{name}_seconds_mean": sum(case["s"] for case in cases) / len(cases),
        f"{name}_seconds_median": statistics.median(case["s"] for case in cases),
        f"{name}_processor_seconds_mean": sum(case["cpu_s"] for case in cases) / len(cases),
        **rate(f"{name}_null_called_different", [is_different(row_of(case, "nothing", "on")) for case in cases]),
        **rate(f"{prefix}found_1_percent", list(map(is_slower, one))),
        **rate(f"{prefix}found_2_percent", list(map(is_slower, two))),
        **rate(
            f"{prefix}planted_null_called_different", [is_different(row_of(case, "nothing", "on")) for case in cases]
        ),
        f"{prefix}ratio_of_2_percent_mean": sum(row["ratio"] for row in two) / len(two),
    }


def row_of(case: Case, knob: str, level: str) -> Row:
    """Return the printed row of one level."""
    found: Row = next(row for row in case["rows"] if (row["knob"], row["level"]) == (knob, level))
    return found


def meets_targets(figures: dict[str, Any]) -> bool:
    """Return whether all targets are met. The rate of nulls may exceed its target by chance: its interval may not."""
    return bool(
        figures["comparisons"] >= TARGETS["comparisons"]
        and figures["called_different_interval"][0] <= TARGETS["called_different"]
        and figures["planted"] >= TARGETS["planted"]
        and figures["found_2_percent"] >= TARGETS["found_2_percent"]
        and figures["found_1_percent"] >= TARGETS["found_1_percent"]
        and figures.get("seconds_over_old", float("inf")) <= TARGETS["seconds_over_old"]
    )


def sequential_differs(first: Sequence[Sequence[float]], then: Sequence[Sequence[float]]) -> bool:
    """Return whether Welch's interval on the means of processes excludes 1: all of one ran before the other."""
    means = [[sum(process) / len(process) for process in side] for side in (then, first)]
    return welch_ratio(means[0], means[1]).side != 0


def pooled(processes: Sequence[Sequence[float]]) -> list[float]:
    """Return the means of all bursts of all processes, as pyperf pools its values."""
    return [value for process in processes for value in process]


def pyperf_differs(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return what ``pyperf compare_to`` decides; it takes two samples of one size only."""
    size = min(len(first), len(second))
    return bool(is_significant(first[:size], second[:size])[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("nulls", type=int, nargs="?", default=68, help=f"null runs, of {IDLE} comparisons each")
    parser.add_argument("planted", type=int, nargs="?", default=60, help="planted runs")
    parser.add_argument("old", type=int, nargs="?", default=20, help="planted runs with the old sampling of layouts")
    parser.add_argument("--layout", choices=("padding", "block", "both"), default="padding")
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    main(arguments.nulls, arguments.planted, arguments.old, arguments.layout, arguments.keep)
