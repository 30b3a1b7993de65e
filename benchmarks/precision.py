"""What interleaving buys: the spread of a program's ratio to itself, and the time to know a ratio to +-1 %.

Each repetition has two fresh workers of the same program. They are measured twice, in random order: interleaved, one
burst each in turn, and one after the other, with the same number of bursts. The figure is the standard deviation of
the log ratio over repetitions. Scenes: the machine as it is, and with a neighbour's load made on purpose (a busy
process on every core, on and off at random). Then one pair is measured until its interval is +-1 %, against two runs
of pyperf's default command on the same function.

    python benchmarks/precision.py [repetitions]
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from time import monotonic, perf_counter, sleep
from typing import Any

from ablatrix.statistics.ratio import Ratio, paired_ratio, welch_ratio
from ablatrix.study.model import HotProtocol
from ablatrix.trials.block import Turn, run_hot
from false_verdicts import enough
from live import Scene, burst_means, open_scene, sample_mean

TARGETS = {"spread_ratio_under_load": 3.0, "sequential_sd_under_load": 0.03, "machine_time_ratio": 4.0}
PROGRAM = {"layers": 2, "hidden": 512, "batch": 64}
PROTOCOL = HotProtocol(warm_up_ms=50)
MEAN_PHASE_S = 0.5
PYPERF = Path(__file__).with_name("precision_pyperf.py")


def main(repetitions: int) -> None:
    """Run all scenes and print the verdict as JSON."""
    with open_scene("mlp", PROGRAM) as scene:
        quiet = spreads(scene, repetitions, 0)
        with neighbours():
            loaded = spreads(scene, repetitions, repetitions)
        program = scene.program
        engine_s, engine = time_engine(scene)
        pyperf_s, pooled, by_process = time_pyperf(program)
    figures = {
        "repetitions": repetitions,
        "quiet_interleaved_sd": quiet[0],
        "quiet_sequential_sd": quiet[1],
        "load_interleaved_sd": loaded[0],
        "load_sequential_sd": loaded[1],
        "spread_ratio_quiet": quiet[1] / quiet[0],
        "spread_ratio_under_load": loaded[1] / loaded[0],
        "engine_s": engine_s,
        "engine_half_width": engine.half_width,
        "engine_blocks": engine.count,
        "pyperf_s": pyperf_s,
        "pyperf_half_width_pooled": pooled.half_width,
        "pyperf_half_width_by_process": by_process.half_width,
        "machine_time_ratio": pyperf_s / engine_s,
    }
    holds = (
        repetitions >= 40
        and loaded[1] >= TARGETS["sequential_sd_under_load"]
        and loaded[1] >= TARGETS["spread_ratio_under_load"] * loaded[0]
        and quiet[0] <= quiet[1]
        and engine.half_width is not None
        and engine.half_width <= 0.01
        and pyperf_s >= TARGETS["machine_time_ratio"] * engine_s
    )
    print(json.dumps({"benchmark": "precision", "figures": figures, "targets": TARGETS, "holds": holds}))


def spreads(scene: Scene, repetitions: int, first: int) -> tuple[float, float]:
    """Return the standard deviation of the log ratio, interleaved and one after the other."""
    order = random.Random(first)
    interleaved: list[float] = []
    sequential: list[float] = []
    for number in range(first, first + repetitions):
        block = scene.block(["once", "once"], number, PROTOCOL.model_dump())
        turns = [Turn(block, trial, cell, scene.server) for trial, cell in block.trials]
        for turn in turns:
            turn.build(PROTOCOL.timeout_s)
        for turn in turns:
            turn.take({"do": "warm_up", "ms": PROTOCOL.warm_up_ms})
        rounds = [[turn for _ in range(PROTOCOL.rounds) for turn in order.sample(turns, 2)]]
        rounds.append([turn for turn in order.sample(turns, 2) for _ in range(PROTOCOL.rounds)])
        designs = [interleaved, sequential]
        for place in order.sample([0, 1], 2):
            for turn in rounds[place]:
                burst(turn)
            means = [fmean(burst_means(turn.outcome)[-PROTOCOL.rounds :]) for turn in turns]
            designs[place].append(math.log(means[0] / means[1]))
        for turn in turns:
            turn.finish()
            burst_means(turn.outcome)
        print(f"{number - first + 1}/{repetitions}: {interleaved[-1]:+.4f} {sequential[-1]:+.4f}", flush=True)
    return stdev(interleaved), stdev(sequential)


def burst(turn: Turn) -> None:
    """Wake a worker for one burst, as a block does it."""
    turn.take(
        {
            "do": "burst",
            "rewarm": PROTOCOL.rewarm_iterations,
            "ms": PROTOCOL.burst_ms,
            "iterations": PROTOCOL.burst_iterations,
        }
    )


@contextmanager
def neighbours() -> Iterator[None]:
    """Keep every core busy now and then, all of them at the same times, until left."""
    context = get_context("spawn")
    seed = random.randrange(2**32)
    busy = [context.Process(target=disturb, args=(core, seed), daemon=True) for core in os.sched_getaffinity(0)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.terminate()
            process.join()


def disturb(core: int, seed: int) -> None:
    """Compute and sleep in turn on one core, for random times that are the same for the same seed."""
    os.sched_setaffinity(0, {core})
    phases = random.Random(seed)
    end = monotonic()
    while True:
        end += phases.expovariate(1 / MEAN_PHASE_S)
        while monotonic() < end:
            pass
        end += phases.expovariate(1 / MEAN_PHASE_S)
        sleep(max(0.0, end - monotonic()))


def time_engine(warm: Scene) -> tuple[float, Ratio]:
    """Return the wall time to know one pair to +-1 %, from nothing prepared, and the ratio."""
    start = perf_counter()
    means: list[list[float]] = [[], []]
    with open_scene("mlp", PROGRAM) as scene:
        while not enough(means, PROTOCOL):
            block = scene.block(["once", "once"], len(means[0]), PROTOCOL.model_dump())
            for place, outcome in enumerate(run_hot(block, scene.server, lambda trial, what: None)):
                means[place].append(sample_mean(outcome))
    ratio = paired_ratio([math.log(b / a) for a, b in zip(*means, strict=True)])
    return perf_counter() - start, ratio


def time_pyperf(program: Path) -> tuple[float, Ratio, Ratio]:
    """Return the wall time of pyperf's default command on the function, twice, and the ratio by values and processes.

    The first ratio takes every value for itself, as ``pyperf compare_to`` does; the second one mean a process.
    """
    seconds = 0.0
    runs: list[list[list[float]]] = []
    for side in ("a", "b"):
        out = program.parent / f"{side}.json"
        start = perf_counter()
        subprocess.run(
            [sys.executable, str(PYPERF), "--quiet", "-o", str(out), "--inherit-environ", "ABLATRIX_PROGRAM"],
            env={**os.environ, "ABLATRIX_PROGRAM": str(program)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds += perf_counter() - start
        found: Any = json.loads(out.read_text())
        runs.append([run["values"] for run in found["benchmarks"][0]["runs"] if "values" in run])
    values = [[value for run in side for value in run] for side in runs]
    means = [[fmean(run) for run in side] for side in runs]
    return seconds, welch_ratio(values[1], values[0]), welch_ratio(means[1], means[0])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
