"""Decode over its context, and tokens a second against a loop written by hand.

A small Llama decodes one token behind 64 to 2048 others, on eager, ONNX Runtime and OpenVINO, and eager also reads a
prompt. The time of a token should be a line of the context, with R squared of at least 0.99 on each. Tokens a second of
eager, in both phases, should be within 2 % of a plain loop that calls the same program again and again, in a process of
its own and by its own clock. The loop stands in a program on the pipe, so that its bursts alternate with those of eager
and a machine that drifts is seen by both.

    python benchmarks/phases.py [--out DIRECTORY] [--blocks N]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import polars as pl

from ablatrix.analysis.effects import context_line_text, context_lines
from ablatrix.analysis.table import IS_OK, tidy
from ablatrix.statistics.ratio import paired_ratio
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.run import run
from ablatrix.workloads.capture.exporting import export
from ablatrix.workloads.parameters import build_workload, check_parameters
from ablatrix.workloads.source import read_source

SOURCE = "hf:llama?layers=4&hidden=256&heads=8&groups=8&intermediate=704&vocabulary=1024"
CONTEXTS = (64, 128, 256, 512, 1024, 2048)
BY_HAND = {"decode-256": ("decode", 256), "prefill-128": ("prefill", 128)}
COMPILERS = ("onnxruntime", "openvino")
LEAST_FIT = 0.99
MARGIN = 0.02
IS_EAGER, IS_BY_HAND = pl.col("role") == "reference", pl.col("role") == "measured"


def main(out: Path, blocks: int) -> None:
    """Measure both, and print the verdict as JSON."""
    decodes = study([("decode", context) for context in CONTEXTS], COMPILERS, blocks, {"fusion": "on"})
    run(resolve_study(decodes), out / "contexts")
    trials = tidy([out / "contexts"]).trials
    lines = context_lines(trials)
    for one in lines:
        print(f"{one.model} on {one.compiler}: {context_line_text(one)}", flush=True)
    rates = {name: beside_by_hand(out / name, phase, blocks) for name, phase in BY_HAND.items()}
    fits = {one.compiler: one.line.r_squared or 0.0 for one in lines}
    figures = {
        "r_squared": fits,
        "points_ms": {one.compiler: dict(one.points) for one in lines},
        "us_a_token_of_context": {one.compiler: 1e3 * one.line.slope.value for one in lines},
        "ms_without_context": {one.compiler: one.line.start.value for one in lines},
        "tokens_per_s": rates,
        "not_ok": int((~trials.select(IS_OK).to_series()).sum()),
        "generated_tokens": int(trials["generated_tokens"].sum()),
        "generated_ties": int(trials["generated_ties"].sum()),
    }
    holds = (
        set(fits) == {"eager", *COMPILERS}
        and min(fits.values()) >= LEAST_FIT
        and all(abs(one["ratio"] - 1) <= MARGIN for one in rates.values())
        and figures["not_ok"] == 0
    )
    targets = {"r_squared": LEAST_FIT, "largest_difference": MARGIN}
    print(json.dumps({"benchmark": "phases", "figures": figures, "targets": targets, "holds": holds}))


def beside_by_hand(out: Path, phase: tuple[str, int], blocks: int) -> dict[str, Any]:
    """Return tokens a second that are recorded for eager, and those of the plain loop in the same blocks."""
    program = {"name": "by-hand", "command": [sys.executable, __file__, "--program", *map(str, phase)]}
    run(resolve_study(study([phase], [program], blocks, {"gradients": "off"})), out)
    trials = tidy([out]).trials.filter(pl.col("mode") == "hot").sort("block")
    rates = [trials.filter(is_ours)["tokens_per_s"].to_list() for is_ours in (IS_EAGER, IS_BY_HAND)]
    ratio = paired_ratio([math.log(ours / theirs) for ours, theirs in zip(*rates, strict=True)])
    recorded, looped = map(median, rates)
    return {"ratio": ratio.value, "low": ratio.low, "high": ratio.high, "recorded": recorded, "by_hand": looped}


def study(phases: Sequence[tuple[str, int]], compilers: Sequence[Any], blocks: int, baseline: dict[str, str]) -> Study:
    """Return a study of some phases at some contexts; one thread, as the loop by hand has."""
    return Study.model_validate(
        {
            "name": "phases",
            "workloads": [
                {
                    "name": f"{phase}-{context}",
                    "source": SOURCE,
                    "parameters": {"phase": phase, "context": context},
                }
                for phase, context in phases
            ],
            "compilers": list(compilers),
            "modes": ["hot"],
            "stages": [{"name": "primary", "factorial": {name: [level] for name, level in baseline.items()}}],
            "baseline": baseline,
            "checks": {"input_sets": 2},
            "protocol": {
                "threads": 1,
                "repeats": 0,
                "hot": {"blocks": blocks, "max_blocks": blocks, "rounds": 20, "burst_ms": 20, "timeout_s": 300},
            },
        }
    )


class ByHand:
    """A program on the pipe: what a user writes who wants to know how fast a model runs."""

    def __init__(self, phase: str, context: int) -> None:
        self._given: dict[str, int | float | str | bool] = {"phase": phase, "context": context}
        self._inputs: dict[int, tuple[Any, ...]] = {}
        self._outputs: dict[int, Any] = {}

    def describe(self, _request: Any) -> dict[str, Any]:
        """One knob with one level, since a study needs one."""
        gradients = {"name": "gradients", "levels": ["off"], "default": "off", "affects": "run_time"}
        return {"protocol": 1, "summary": "A plain loop around the program as exported.", "knobs": [gradients]}

    def compile(self, request: Any) -> dict[str, Any]:
        """Nothing is built."""
        Path(request["directory"], "nothing").write_text("")
        return {"artifact": "nothing"}

    def load(self, _request: Any) -> dict[str, Any]:
        """Export the model; its weights are in it."""
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        entry = read_source("model", SOURCE, self._given, Path())
        built = build_workload(entry, check_parameters(entry, self._given))
        self._own = dict(zip(built.input_names, built.own_inputs or built.make_inputs(0, {}), strict=True))
        self._step = export("model", built, tuple(self._own.values())).module(check_guards=False)
        return {"threads": {"torch": torch.get_num_threads()}}

    def bind(self, request: Any) -> dict[str, Any]:
        """Read a set of inputs; one that the model does not read is not given."""
        import numpy
        import torch

        read = {one["input"]: torch.from_numpy(numpy.load(one["file"])) for one in request["inputs"]}
        self._inputs[request["set"]] = tuple({**self._own, **read}.values())
        self._wanted = [one["output"] for one in request["outputs"]]
        return {}

    def run(self, request: Any) -> dict[str, Any]:
        """Time each iteration by itself."""
        step, inputs, times = self._step, self._inputs[request["set"]], []
        for _ in range(request["count"]):
            begun = perf_counter()
            made = step(*inputs)
            times.append(1e3 * (perf_counter() - begun))
        self._outputs[request["set"]] = made
        return {"ms": times}

    def check(self, request: Any) -> dict[str, Any]:
        """Write the outputs of the last run."""
        import numpy
        from torch.utils._pytree import tree_leaves

        outputs, made = [], tree_leaves(self._outputs[request["set"]])
        for index in self._wanted:
            one, file = made[index], f"output_{index}.npy"
            numpy.save(Path(request["directory"], file), one.numpy())
            outputs.append({"file": file, "dtype": str(one.numpy().dtype), "shape": list(one.shape)})
        return {"outputs": outputs}


def serve(program: ByHand) -> None:
    """Answer requests until standard input closes."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(getattr(program, request["do"])(request)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="directory for the study's results; default: a temporary one")
    parser.add_argument("--blocks", type=int, default=6, help="hot blocks of each workload")
    parser.add_argument("--program", nargs=2, metavar=("PHASE", "CONTEXT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.program:
        serve(ByHand(arguments.program[0], int(arguments.program[1])))
    elif arguments.out is not None:
        main(arguments.out, arguments.blocks)
    else:
        with tempfile.TemporaryDirectory(prefix="ablatrix-phases-") as scratch:
            main(Path(scratch), arguments.blocks)
