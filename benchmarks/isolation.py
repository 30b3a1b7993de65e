"""What a process of its own costs a trial: fork to ready against a new interpreter, and the timed loop's own cost.

A fork server has torch, TVM and its frontend imported and a small program loaded. Fork to ready is the time from the
request to the worker's word that it begins to plan: limits, threads and seeds are set. The peer is a new interpreter
that makes the same imports, in the same run.

    python benchmarks/isolation.py [forks] [interpreters]
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median, quantiles
from time import perf_counter

from ablatrix.compilers.catalogue import EAGER, TVM
from ablatrix.trials.client.client import WorkloadServer
from ablatrix.trials.messages.answers import ANSWER, StageBegun
from ablatrix.trials.messages.task import TrialTask
from ablatrix.trials.run.block import BlockInput
from ablatrix.trials.worker.timing import loop_cost_ns
from live import open_scene

TARGETS = {"fork_to_ready_ms": 40.0, "interpreter_over_fork": 80.0, "loop_cost_ns": 300.0}
ENTRIES = (TVM, EAGER)
# What the fork server does before it serves, and no more: it prints a byte when it could begin to work.
SAME_IMPORTS = """
import importlib, os
for reference in {adapters!r}:
    module, _, name = reference.partition(":")
    getattr(importlib.import_module(module), name)().preload()
import torch
torch.set_num_threads(1)
import ablatrix.workloads.prepare
os.write(1, b"!")
"""


def main(forks: int, interpreters: int) -> None:
    """Measure both in turn and print the verdict as JSON."""
    fork_ms: list[float] = []
    interpreter_ms: list[float] = []
    with open_scene("mlp", {"layers": 1, "hidden": 16, "batch": 2}, ENTRIES) as scene:
        block = scene.block(["tvm"], 0, {})
        scene.directory.joinpath("scratch").mkdir()
        for number in range(interpreters):
            for _ in range(forks // interpreters):
                fork_ms.append(fork_to_ready_ms(scene.server, block, len(fork_ms)))
            interpreter_ms.append(interpreter_to_ready_ms())
            print(f"{number + 1}/{interpreters}: fork {fork_ms[-1]:.1f} ms, interpreter {interpreter_ms[-1]:.0f} ms")
    figures = {
        "forks": len(fork_ms),
        "fork_to_ready_ms": median(fork_ms),
        "fork_to_ready_ms_p95": quantiles(fork_ms, n=20)[-1],
        "interpreters": len(interpreter_ms),
        "interpreter_ms": median(interpreter_ms),
        "interpreter_over_fork": median(interpreter_ms) / median(fork_ms),
        "loop_cost_ns": median(loop_cost_ns() for _ in range(11)),
    }
    holds = (
        figures["fork_to_ready_ms"] <= TARGETS["fork_to_ready_ms"]
        and figures["interpreter_over_fork"] >= TARGETS["interpreter_over_fork"]
        and figures["loop_cost_ns"] <= TARGETS["loop_cost_ns"]
    )
    print(json.dumps({"benchmark": "isolation", "figures": figures, "targets": TARGETS, "holds": holds}))


def fork_to_ready_ms(server: WorkloadServer, block: BlockInput, number: int) -> float:
    """Return the time from asking for a worker to the begin of its first stage of work, and end it."""
    scratch = block.scratch
    task = TrialTask(
        mode="hot",
        role="measured",
        entry=TVM,
        device="cpu",
        knobs={"partition": "whole", "reuse": "keep"},
        threads=1,
        seed=0,
        padding_seed=0,
        checks=block.study.checks,
        cache_dir=scratch / "cache",
        publish_dir=None,
        work_dir=scratch,
        memory_limit_mb=None,
        cpus=None,
    )
    start = perf_counter()
    worker = server.start(task, scratch / f"{number}.log")
    message, _ = worker.channel.receive(ANSWER, 60)
    while isinstance(message, StageBegun) and message.stage != "plan":
        message, _ = worker.channel.receive(ANSWER, 60)
    milliseconds = (perf_counter() - start) * 1e3
    worker.end(kill=True)
    if not isinstance(message, StageBegun):
        raise SystemExit(f"the worker did not begin: {message}")
    return milliseconds


def interpreter_to_ready_ms() -> float:
    """Return the time from starting an interpreter to the end of the same imports."""
    start = perf_counter()
    code = SAME_IMPORTS.format(adapters=[entry.adapter for entry in ENTRIES])
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.read(1)
        milliseconds = (perf_counter() - start) * 1e3
    if said != b"!":
        raise SystemExit("the interpreter could not make the imports; see above")
    return milliseconds


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [45, 9][len(given) :]))
