"""How often a history of runs raises a false alarm, and how soon it finds a step: in simulations, and on real runs.

A point is the log ratio of the new build to a *bridge* measured beside it, with the standard error of its own blocks
(5: an error of 0.3 % with 4 degrees of freedom); points also scatter from run to run by ``between``. A history is
looked at after each run, as by someone who adds runs one at a time, and an alarm counts when it is first raised.

*Nothing*: series of 40 points without a change; false alarms per 1,000 points. Also with runs that scatter with heavy
tails (Student's t, 3 degrees of freedom), and where one run in 20 is off by five times its error.
*Step*: the same with a step of 2 % behind the 25th point; how often it is found within 2 runs, at the right one.
*Host*: the records of 40 runs of which the last 20 are of a machine 1.7 times as slow, read by the product; alarms of
the ratios, and of plain times, as a series without a bridge would have them.
*Real*: with ``--real N``, so many whole runs of a tiny study of the compiler in ``planted.py``, in each of which the
baseline, an equal program and one that is 2 % slower by construction are measured. The series is that of the equal one;
in a second series it is the slower one from two thirds of the runs on. In the last half a neighbour keeps a core busy
and the records are given another host name: another machine, as far as one can be two.

    PYTHONPATH=. python benchmarks/history.py [--series 250] [--real 12] [--keep DIR]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablatrix.analysis.history import HistoryRun, find_history, read_run
from ablatrix.statistics.history import LEAST_POINTS, find_changes
from whole_runs import METRIC, planted_study, rate, run_whole

Real = NDArray[np.float64]
TARGETS = {"false_per_1000": 1.0, "found_within_2": 0.95, "alarms_of_host": 0}
POINTS, AT, WITHIN = 40, 25, 2
ERROR, FREEDOM, BETWEEN, ROUGH = 0.003, 4, 0.002, 0.004
STEP, LEAST = math.log(1.02), math.log(1.01)
SLOW = 1.7
STAGES = (
    {"name": "primary", "factorial": {"slow": ["none", "two"]}},
    {"name": "nulls", "around": {}, "vary": {"idle": ["i1"]}},
)
HOT = {"blocks": 6, "max_blocks": 6}
HEADS = {"idle": "i1", "slow": "two"}
Draw = Callable[[np.random.Generator, int], Real]
NOISES: dict[str, Draw] = {
    "normal": lambda draw, count: draw.normal(0.0, 1.0, count),
    "heavy_tails": lambda draw, count: draw.standard_t(3.0, count) / math.sqrt(3.0),
    "bad_runs": lambda draw, count: (
        draw.normal(0.0, 1.0, count) + 5.0 * (draw.random(count) < 0.05) * draw.choice([-1.0, 1.0], count)
    ),
}


def main(series: int, real: int, keep: Path | None) -> bool:
    """Simulate all scenes, print each and the verdict as JSON, and return whether the targets are reached."""
    figures: dict[str, Any] = {"series": series, "points": series * POINTS}
    for name, noise in NOISES.items():
        for place, between in (("", BETWEEN), ("_rough", ROUGH)):
            figures[f"{name}{place}"] = shown(f"{name}{place}", scene(noise, between, series))
    figures["host"] = shown("host", host_scene())
    if real:
        figures["real"] = shown("real", real_scene(real, keep))
    judged = figures["normal"]
    holds = (
        judged["false_per_1000"] <= TARGETS["false_per_1000"]
        and judged["found_within_2"] >= TARGETS["found_within_2"]
        and figures["host"]["alarms"] == TARGETS["alarms_of_host"]
        and (not real or (figures["real"]["alarms"] == 0 and figures["real"]["found_within_2"]))
    )
    print(json.dumps({"benchmark": "history", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def scene(noise: Draw, between: float, series: int) -> dict[str, Any]:
    """Return the figures of one kind of noise: false alarms without a step, and how a step is found."""
    draw = np.random.default_rng(7)
    false, found = 0, []
    for _ in range(series):
        values, errors = drawn(draw, noise, between)
        false += len(raised(values, errors))
        values, errors = drawn(draw, noise, between)
        values[AT:] += STEP
        changes, _ = find_changes(values[: AT + WITHIN], errors[: AT + WITHIN], LEAST)
        found.append(any(abs(one.index - AT) <= 1 for one in changes))
    return {
        "between": between,
        "false_alarms": false,
        "false_per_1000": 1000.0 * false / (series * POINTS),
        **rate("found_within_2", found),
    }


def drawn(draw: np.random.Generator, noise: Draw, between: float) -> tuple[Real, Real]:
    """Return the points of a series without a change, and their errors as their own blocks show them."""
    errors = ERROR * np.sqrt(draw.chisquare(FREEDOM, POINTS) / FREEDOM)
    return math.hypot(ERROR, between) * noise(draw, POINTS), errors


def raised(values: Real, errors: Real) -> list[int]:
    """Return the changes that are raised as points are added, each counted once."""
    alarms: list[int] = []
    for count in range(LEAST_POINTS, values.size + 1):
        changes, _ = find_changes(values[:count], errors[:count], LEAST)
        alarms += [one.index for one in changes if not any(abs(one.index - known) <= 2 for known in alarms)]
    return alarms


def host_scene() -> dict[str, Any]:
    """Return the alarms of a change of machine, in ratios and in plain times, over the product's own records."""
    from tests.history_of_builds import build_records, write_run

    runs, times = [], []
    with tempfile.TemporaryDirectory(prefix="ablatrix-history-") as directory:
        for number in range(POINTS):
            host, slow = ("one", 1.0) if number < POINTS // 2 else ("other", SLOW)
            records = build_records(
                {"bridge": 1.0, "head": 1.0}, seed=number, day=1 + number % 28, host=host, slow=slow, noise=0.005
            )
            moved = [
                one.model_copy(update={"meta": one.meta.model_copy(update={"time_utc": stamp(number)})})
                for one in records
            ]
            path = write_run(Path(directory) / f"{number:02d}", moved)
            runs.append(read_run(path.name, path / "results.jsonl", [METRIC]))
            held = [one.runtime.burst_ms_p50[0] for one in moved if one.runtime and one.runtime.burst_ms_p50]
            times.append([math.log(value) for value in held])
    found = find_history(runs)
    plain = np.array([np.mean(one) for one in times])
    errors = np.array([np.std(one, ddof=1) / math.sqrt(len(one)) for one in times])
    return {
        "runs": POINTS,
        "host_changes": len(found.host_changes),
        "alarms": sum(len(one.shifts) for one in found.series),
        "alarms_of_plain_times": len(find_changes(plain, errors, LEAST)[0]),
    }


def stamp(number: int) -> str:
    """Return the time of a run, a day after that before it."""
    return f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T08:00:00Z"


def real_scene(runs: int, keep: Path | None) -> dict[str, Any]:
    """Return the alarms of whole runs, the last half on a loaded machine under another name."""
    equal, stepped, seconds = [], [], 0.0
    with ExitStack() as stack:
        path = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-history-")))
        for number in range(runs):
            place = path / f"run-{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            file = place / "results" / "results.jsonl"
            if not file.exists():
                with neighbour(number >= runs // 2):
                    seconds += run_whole(planted_study(number, "padding", STAGES, HOT), place).seconds
                if number >= runs // 2:
                    file.write_text(file.read_text().replace('"host":"', '"host":"other-'))
            held = {knob: as_head(read_run(place.name, file, [METRIC], knob), level) for knob, level in HEADS.items()}
            equal.append(held["idle"])
            stepped.append(held["slow" if number >= real_step(runs) else "idle"])
            print(f"run {number + 1} of {runs}: {seconds:.0f} s so far")
    found, with_step = find_history(equal), find_history(stepped)
    shifts = [shift.run for one in with_step.series for shift in one.shifts]
    soon = find_history(stepped[: real_step(runs) + WITHIN])
    return {
        "runs": runs,
        "host_changes": len(found.host_changes),
        "alarms": sum(len(one.shifts) for one in found.series),
        "step_at": real_step(runs),
        "changes": shifts,
        "found_within_2": [shift.run for one in soon.series for shift in one.shifts] == [real_step(runs)],
        "ratios": [[round(point.ratio.value, 5) for point in one.series[0].points] for one in (found, with_step)],
        "seconds": seconds,
    }


def real_step(runs: int) -> int:
    """Return the number of the first run that is slower."""
    return runs * 2 // 3


def as_head(run: HistoryRun, level: str) -> HistoryRun:
    """Return a run with one level as the new build beside the baseline."""
    units = {
        unit: replace(one, levels={one.base: one.levels[one.base], "head": one.levels[level]})
        for unit, one in run.units.items()
    }
    return replace(run, levels=(*run.bases, "head"), units=units)


def neighbour(wanted: bool) -> ExitStack:
    """Return a context in which a process of another's keeps a core busy."""
    stack = ExitStack()
    if wanted:
        process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: sum(range(10**6))"]))
        stack.callback(process.kill)
    return stack


def shown(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Print the figures of one scene, and return them."""
    print(f"{name}: {json.dumps(figures)}")
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=250, help=f"of each kind, of {POINTS} points")
    parser.add_argument("--real", type=int, default=0, help="whole runs; 0: none")
    parser.add_argument("--keep", type=Path, help="where real runs are kept, and found again")
    given = parser.parse_args()
    sys.exit(0 if main(given.series, given.real, given.keep) else 1)
