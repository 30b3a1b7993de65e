"""Time and memory of analysing many records: tidy, then the summary, then all effects of four metrics; and once more.

The first reading parses and validates every line; a later one takes the columnar copy that the first has kept.

Records are lines that a run wrote (``records_scale.jsonl``) with each trial's own ids, times and bursts filled in: 25
workloads x 2 compilers x (16 configurations + reference + A/A control) x cold and hot, as many blocks as the size asks
for (556 of each for a million trials). One trial in 100 fails with its traceback, one in 200 has an interrupted attempt
before it. Their design lies beside them. Each size is read in a process of its own. pandas and DuckDB do a naive
version of the same job beside it (``records_peers.py``).

    python benchmarks/records_scale.py [largest size] [largest size for pandas]
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import multiprocessing
import os
import re
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ablatrix.canonical import content_id, digest_value
from ablatrix.records.model import SCHEMA_VERSION
from ablatrix.records.schema import read_line
from records_peers import analyse_by_duckdb, analyse_by_pandas

TARGETS = {"first_s": 60.0, "later_s": 20.0, "peak_gib": 4.0, "row_cost_ratio": 1.25}
PRIMARY = {
    "partition": ("whole", "regions"),
    "reuse": ("keep", "release"),
    "memory_plan": ("off", "on"),
    "fusion": ("off", "on"),
}
FIXED = {"schedule": "vectorised", "library": "off", "upper_bound": "workload", "pass_timing": "off"}
BASELINE = {**{knob: levels[0] for knob, levels in PRIMARY.items()}, **FIXED, "cache_tag": "private"}
WORKLOADS, COMPILERS, BURSTS, BLOCK = 25, ("tvm", "inductor"), 10, 18
TRACEBACK = "Traceback (most recent call last):\n" + "".join(
    f'  File "/opt/venv/lib/python3.11/site-packages/tvm/pass_{i}.py", line {i}, in transform\n    return step(m)\n'
    for i in range(12)
)
ERROR = {
    "type": "CompilerError",
    "message": "tvm: pass FuseOps: cannot fuse 'relax.add'",
    "phase": "compile",
    "signal": None,
    "exit_code": None,
    "traceback": TRACEBACK,
    "traceback_digest": digest_value(TRACEBACK),
    "output_tail": "warning: nothing to tune\n" * 20,
}
LINES: dict[tuple[str, bool], dict[str, Any]] = {
    # As a run writes them now: lines of an older version are read by another, slower way.
    (line.record.mode, line.record.role == "reference"): line.record.model_dump(mode="json")
    | {"schema_version": SCHEMA_VERSION}
    for text in Path(__file__).with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
    for line in [read_line(text)]
}


def main(largest: int, largest_pandas: int) -> None:
    """Make records of each size, analyse them twice, and print all figures as JSON."""
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size < largest] + [largest]
    figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0))}
    figures |= {name: {} for name in ("first", "later", "duckdb", "pandas")}
    for size in sizes:
        directory = Path(tempfile.mkdtemp(prefix="records-scale-"))
        os.environ["ABLATRIX_CACHE_DIR"] = str(directory / "cache")
        works = {"first": analyse, "later": analyse, "duckdb": analyse_by_duckdb, "pandas": analyse_by_pandas}
        try:
            start = perf_counter()
            made = write_run(directory, size)
            os.sync()  # else the writing goes on while the reading is timed
            print(f"{size} trials: {made} in {perf_counter() - start:.0f} s", flush=True)
            for name, work in works.items():
                if name != "pandas" or size <= largest_pandas:
                    figures[name][size] = made | measured(work, directory / "results.jsonl")
                    print(json.dumps({name: figures[name][size]}), flush=True)
            figures["later"][size]["copy_bytes"] = sum(file.stat().st_size for file in directory.rglob("*.arrow"))
        finally:
            shutil.rmtree(directory)
    last, first, later = figures["first"][largest], figures["first"][sizes[0]], figures["later"][largest]
    figures["row_cost_ratio"] = last["us_a_trial"] / first["us_a_trial"]
    holds = (
        largest >= 1_000_000
        and last["seconds"] <= TARGETS["first_s"]
        and later["seconds"] <= TARGETS["later_s"]
        and max(last["peak_gib"], later["peak_gib"]) <= TARGETS["peak_gib"]
        and figures["row_cost_ratio"] <= TARGETS["row_cost_ratio"]
    )
    print(json.dumps({"benchmark": "records_scale", "figures": figures, "targets": TARGETS, "holds": holds}))


def analyse(results: Path) -> dict[str, float]:
    """Return the seconds that each part takes."""
    from ablatrix.analysis.effects.evidence import Question, gather
    from ablatrix.analysis.groups import group_columns, summarise_groups, without_priming_runs
    from ablatrix.analysis.table.trials_table import tidy

    laps = [perf_counter()]
    found = tidy([results])
    laps.append(perf_counter())
    trials = without_priming_runs(found.trials)
    groups = summarise_groups(trials, group_columns(found)).height
    laps.append(perf_counter())
    evidence = gather(found, Question())
    laps.append(perf_counter())
    parts = dict(zip(("tidy_s", "summary_s", "effects_s"), np.diff(laps).tolist(), strict=True))
    counts = {
        "excluded": sum(found.excluded.values()),
        "groups": groups,
        "metrics": len(evidence),
        "effects": sum(len(one.effects) for one in evidence),
        "controls": sum(len(one.controls) for one in evidence),
    }
    return {"trials": found.trials.height, **parts, **counts, "table_gib": found.trials.estimated_size() / 2**30}


def measured(work: Callable[[Path], dict[str, float]], results: Path) -> dict[str, Any]:
    """Run work in a process of its own; add seconds in all, of processors, microseconds a trial and the peak of memory.

    What else the machine does lengthens ``seconds``, and hardly ``cpu_s``: that of the process and its children.
    """
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=report, args=(work, results, sender))
    start, before = perf_counter(), cpu_seconds()
    process.start()
    sender.close()
    assert process.pid is not None
    peak = 0
    while not receiver.poll(0.05):
        peak = max(peak, tree_bytes(process.pid))
    found: dict[str, Any] = receiver.recv()
    process.join()
    seconds = perf_counter() - start
    return {
        **found,
        "seconds": seconds,
        "cpu_s": cpu_seconds() - before,
        "us_a_trial": seconds / found["trials"] * 1e6,
        "peak_gib": peak / 2**30,
    }


def cpu_seconds() -> float:
    """Return the processor seconds of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def report(work: Callable[[Path], dict[str, float]], results: Path, sender: Any) -> None:
    """Send what the work returns."""
    sender.send(work(results))


def tree_bytes(pid: int) -> int:
    """Return the resident memory of a process and its children together; pages that they share count each time."""
    import psutil

    try:
        process = psutil.Process(pid)
        return sum(each.memory_info().rss for each in (process, *process.children(recursive=True)))
    except psutil.NoSuchProcess:
        return 0  # one of them ended just now


def write_run(directory: Path, trials: int) -> dict[str, int]:
    """Write ``results.jsonl`` and ``design.json`` of a made-up run; return lines and bytes a line."""
    rng = np.random.default_rng(7)
    sides = list(configurations())
    units = list(itertools.product(("cold", "hot"), range(WORKLOADS), COMPILERS))
    templates = {
        (unit, index, failed): split(template(*unit, *side, failed))
        for unit in units
        for index, side in enumerate(sides)
        for failed in (False, True)
    }
    lines = size = 0
    planned = []
    with (directory / "results.jsonl").open("w", encoding="utf-8") as file:
        for position in range(0, trials, BLOCK):
            block = position // BLOCK
            unit = units[block % len(units)]
            noise = rng.normal(0.0, 0.01, (BLOCK, 8 + BURSTS)) + rng.normal(0.0, 0.03)
            chance = rng.random((BLOCK, 2))
            for index in range(min(BLOCK, trials - position)):
                role, knobs = sides[index]
                failed, again = chance[index, 0] < 0.01, chance[index, 1] < 0.005
                values = trial_values(block, position + index, unit[1], knobs, noise[index])
                attempts = (True, False) if again else (False,)
                for attempt, early in enumerate(attempts):
                    pieces, names = templates[unit, index, bool(failed or early)]
                    values |= {"attempt": str(attempt), "final": "false" if early else "true"}
                    values["record_id"] = f'"{position + index:014x}{attempt:02x}"'
                    own = map(values.__getitem__, names)
                    text = "".join(itertools.chain.from_iterable(zip(pieces, [*own, ""], strict=True)))
                    size += file.write(text)
                    lines += 1
                planned.append({"trial_id": values["trial_id"][1:-1], "mode": unit[0], "role": role})
    (directory / "design.json").write_text(json.dumps({"trials": planned}, indent=1))
    return {"lines": lines, "bytes_a_line": round(size / lines)}


def configurations() -> Iterator[tuple[str, dict[str, str] | None]]:
    """Yield role and knobs of the trials of a block."""
    for levels in itertools.product(*PRIMARY.values()):
        yield "measured", {**BASELINE, **dict(zip(PRIMARY, levels, strict=True))}
    yield "reference", None
    yield "twin", dict(BASELINE)


def trial_values(block: int, position: int, workload: int, knobs: dict[str, str] | None, noise: Any) -> dict[str, str]:
    """Return the JSON of what is a trial's own."""
    scale = 0.7 if knobs is None else 0.6 ** (knobs["fusion"] == "on") * 1.05 ** (knobs["partition"] == "regions")
    times = ((1.0 + workload) * scale * np.exp(noise)).tolist()
    bursts = times[8:]
    p50 = times[0]
    figures = {
        "p50": p50,
        "mean": p50 * 1.01,
        "p90": p50 * 1.03,
        "p95": p50 * 1.05,
        "p99": p50 * 1.12,
        "min": p50 * 0.97,
        "total": times[1] * 100,
        "plan": times[2] * 2,
        "import": times[3] * 9,
        "compile": times[4] * 70,
        "link": times[5] * 15,
        "load": times[6] * 4,
        "first": times[7] * 1.2,
        "wall": p50 / 4,
        "cpu": p50 / 3,
        "span": p50 / 2,
        "diff": times[1] * 1e-6,
        "relative": times[2] * 1e-5,
        "rms": times[3] / (1 + workload),
    }
    return {name: repr(value) for name, value in figures.items()} | {
        "bursts": f"[{','.join(map(repr, bursts))}]",
        "trial_id": f'"{position:016x}"',
        "block_id": f'"{block:016x}"',
        "file": f'"samples/{block:016x}.jsonl"',
        "digest": f'"{position:064x}"',
        "time": f'"2026-01-01T{position // 3600 % 24:02d}:{position // 60 % 60:02d}:{position % 60:02d}.123Z"',
        "block": str(block),
        "position": str(position),
        "switches": str(position % 6007),
        "rss": str(4_000_000 + position % 9_001 * 128),
    }


def split(text: str) -> tuple[list[str], list[str]]:
    """Return the fixed pieces of a template and the names of the values between them."""
    parts = re.split(r'"@(\w+)@"', text)
    return parts[::2], parts[1::2]


def template(mode: str, workload: int, compiler: str, role: str, knobs: dict[str, str] | None, failed: bool) -> str:
    """Return the line of a trial with ``"@name@"`` where its own values go."""
    record: dict[str, Any] = copy.deepcopy(LINES["cold" if mode == "cold" else "hot", knobs is None])
    name = f"workload_{workload:02d}"
    cell = content_id([name, compiler, knobs])
    record |= {"cell_id": cell, "role": role}
    fill(record, "record_id", "trial_id", "attempt", "final", "block_id", wall_s="wall")
    fill(record["meta"], "block", "position", time_utc="time")
    fill(record["meta"]["noise"], span_s="span", involuntary_switches="switches", cpu_s="cpu")
    record["workload"] |= {"name": name, "digest": digest_value(name)}
    record["workload"]["parameters"]["hidden"] = 64 + workload
    fill(record["correctness"], max_abs_diff="diff", max_rel_diff="relative", rms_ratio="rms")
    if knobs is not None:
        record["config"] |= {"compiler": compiler, "knobs": knobs, "baseline": BASELINE}
        record["compile"]["artifact_digest"] = record["correctness"]["checked_digest"] = digest_value([cell, "code"])
        if mode == "hot":
            record["correctness"]["timed_digest"] = record["correctness"]["checked_digest"]
        fill(record["plan"], plan_ms="plan")
        fill(record["compile"]["compile_ms"], *record["compile"]["compile_ms"])
    runtime = record["runtime"]
    fill(runtime, peak_rss_delta_bytes="rss")
    if mode == "hot":
        fill(runtime, **{f"run_ms_{part}": part for part in ("mean", "p50", "p90", "p95", "p99", "min")})
        fill(runtime, burst_ms_p50="bursts")
        fill(runtime["samples"], "file", "digest")
    elif knobs is not None:
        fill(runtime, **{f"{part}_ms": part for part in ("plan", "import", "compile", "link", "load")})
    if mode == "cold":
        fill(runtime, compile_first_run_ms="total", run_ms_cold="first")
    if failed:
        record |= {"status": "compile_error", "error": ERROR, "compile": None, "runtime": None, "correctness": None}
    return json.dumps(record, separators=(",", ":")) + "\n"


def fill(part: dict[str, Any], *names: str, **others: str) -> None:
    """Put the mark of a trial's own value into fields of a part."""
    part |= {field: f"@{name}@" for field, name in ({name: name for name in names} | others).items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("largest", nargs="?", type=int, default=1_000_000)
    parser.add_argument("largest_pandas", nargs="?", type=int, default=100_000)
    chosen = parser.parse_args()
    main(chosen.largest, chosen.largest_pandas)
