"""How long the diagnosis of thousands of configurations takes: knob proofs, causes, break-even and Pareto fronts.

Tables of trials of 2^k configurations of one program, each in 3 cold and 7 hot blocks, either whole or in parts of 16
with the baseline in each. Of the knobs half do something to compile time, run time or memory. With two of them on it
crashes, with two others it is slower, and one changes nothing.

    PYTHONPATH=. python benchmarks/diagnosis_scale.py [--knobs 8 10 12]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import json
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import numpy as np
import polars as pl
from tests.synthetic import make_records, tidied

from ablatrix.analysis.diagnosis import find_break_even, find_causes, find_fronts, prove_knobs

TARGETS = {"configurations": 4096, "front_s": 10.0, "causes_s": 10.0}
COLD, HOT, PART = 3, 7, 15
WORK: dict[str, Callable[[pl.DataFrame], list[Any]]] = {
    "proofs": prove_knobs,
    "causes": find_causes,
    "break_even": find_break_even,
    "front": find_fronts,
}


def main(sizes: list[int]) -> bool:
    """Time each part of the diagnosis at each size, print it, and return whether the targets are reached."""
    found = []
    for knobs in sizes:
        for parts in (False, True):
            trials = table(knobs, parts, np.random.default_rng(knobs))
            row: dict[str, Any] = {"configurations": 1 << knobs, "in_parts": parts, "trials": trials.height}
            for name, work in WORK.items():
                start, before = perf_counter(), process_time()
                made = work(trials)
                row |= {f"{name}_s": perf_counter() - start, f"{name}_cpu_s": process_time() - before, name: len(made)}
            print(row, flush=True)
            found.append(row)
    large = [row for row in found if row["configurations"] == TARGETS["configurations"]]
    holds = bool(large) and all(row[name] <= TARGETS[name] for row in large for name in ("front_s", "causes_s"))
    print(json.dumps({"benchmark": "diagnosis_scale", "figures": found, "targets": TARGETS, "holds": holds}))
    return holds


def table(knobs: int, parts: bool, rng: np.random.Generator) -> pl.DataFrame:
    """Return the trials of all configurations."""
    bits = np.arange(1 << knobs)[:, np.newaxis] >> np.arange(knobs) & 1
    pieces = [slice(0, len(bits))]
    if parts:
        pieces = [slice(start, start + PART) for start in range(1, len(bits), PART)]
    made = tidied(make_records(workloads=["encoder"], blocks=1)).trials
    frames = []
    for mode, blocks in (("cold", COLD), ("hot", HOT)):
        template = made.filter((pl.col("mode") == mode) & (pl.col("role") == "measured") & pl.col("is_baseline"))
        template = template.drop([name for name in made.columns if name.startswith(("knob_", "baseline_"))])
        for block in range(blocks):
            for number, piece in enumerate(pieces):
                own = bits[piece] if not parts else np.concatenate([bits[:1], bits[piece]])
                frames.append(block_of(template, own, f"{mode}-{block}-{number}", rng))
    whole = pl.concat(frames)
    names = [name for name in whole.columns if name.startswith(("knob_", "baseline_"))]
    return whole.with_columns(
        pl.col(*names, "block_id").cast(pl.Categorical()), pl.int_range(pl.len()).alias("position")
    )


def block_of(template: pl.DataFrame, bits: np.ndarray[Any, Any], block: str, rng: np.random.Generator) -> pl.DataFrame:
    """Return the trials of one block."""
    count, knobs = bits.shape
    acting = knobs // 2
    effects = np.random.default_rng(1).normal(0.0, 0.05, (3, knobs)) * (np.arange(knobs) < acting)
    noise = rng.normal(0.0, 0.01, (3, count)) + rng.normal(0.0, 0.05, (3, 1))
    compile_log, run_log, memory_log = effects @ bits.T + noise
    run_log = run_log + 0.2 * (bits[:, 2] & bits[:, 3])
    crashed = (bits[:, 0] & bits[:, 1]).astype(bool)
    levels = {f"knob_k{number:02d}": np.where(bits[:, number] == 1, "on", "off").tolist() for number in range(knobs)}
    baseline = {f"baseline_k{number:02d}": pl.lit("off") for number in range(knobs)}
    code = (bits[:, : knobs - 1] @ (1 << np.arange(knobs - 1))).tolist()
    figures = {
        "compile_first_run_ms": (5000.0 * np.exp(compile_log)).tolist(),
        "run_ms_paired": (30.0 * np.exp(run_log)).tolist(),
        "peak_rss_delta_bytes": (4e7 * np.exp(memory_log)).astype(int).tolist(),
        "planned_bytes": (10_000_000 * np.exp(np.round(effects[2] @ bits.T, 2))).astype(int).tolist(),
        "artifact_digest": [f"{one:064x}" for one in code],
        "is_baseline": (bits.sum(axis=1) == 0).tolist(),
        "status": np.where(crashed, "crashed", "ok").tolist(),
    }
    frame = template[[0] * count]
    known = [pl.Series(name, values).cast(frame.schema[name]) for name, values in figures.items()]
    return frame.with_columns(
        *known,
        *(pl.Series(name, values) for name, values in levels.items()),
        pl.lit(block).alias("block_id"),
        **baseline,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--knobs", type=int, nargs="+", default=[8, 10, 12])
    sys.exit(0 if main(parser.parse_args().knobs) else 1)
