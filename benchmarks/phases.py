"""Decode over its context, and tokens a second against a loop written by hand.

A small Llama decodes one token behind 64 to 2048 others, on eager, ONNX Runtime and OpenVINO, and eager also reads a
prompt. The time of a token should be a line of the context, with R squared of at least 0.99 on each. Tokens a second of
eager, in both phases, should be within 2 % of a plain loop that calls the same program again and again in a process of
its own: half of it runs before the study and half behind it, so that a machine that drifts is seen by both.

    python benchmarks/phases.py [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from ablatrix.analysis.effects import context_line_text, context_lines
from ablatrix.analysis.table import IS_OK, tidy
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.run import run

SOURCE = "hf:llama?layers=4&hidden=256&heads=8&groups=8&intermediate=704&vocabulary=1024"
CONTEXTS = (64, 128, 256, 512, 1024, 2048)
BY_HAND = {"decode-256": ("decode", 256), "prefill-128": ("prefill", 128)}
COMPILERS = ("onnxruntime", "openvino")
LEAST_FIT = 0.99
MARGIN = 0.02
LOOP_S = 3.0
WARM_UP_S = 0.5


def main(out: Path) -> None:
    """Measure both, and print the verdict as JSON."""
    loops = {name: [by_hand(*phase)] for name, phase in BY_HAND.items()}
    run(resolve_study(study()), out)
    for name, phase in BY_HAND.items():
        loops[name].append(by_hand(*phase))
    trials = tidy([out]).trials
    lines = context_lines(trials)
    for one in lines:
        print(f"{one.model} on {one.compiler}: {context_line_text(one)}")
    eager = trials.filter((trials["role"] == "reference") & trials.select(IS_OK).to_series())
    rates: dict[str, dict[str, Any]] = {}
    for name, found in loops.items():
        ours = median(eager.filter(eager["workload"] == name)["tokens_per_s"].to_list())
        theirs = sum(found) / len(found)
        rates[name] = {"recorded": ours, "by_hand": theirs, "ratio": ours / theirs, "by_hand_each": found}
    floors = {
        name: median(own["floor_share"].to_list())
        for name in BY_HAND
        if not (own := eager.filter((eager["workload"] == name) & eager["floor_share"].is_not_null())).is_empty()
    }
    fits = {one.compiler: one.line.r_squared or 0.0 for one in lines}
    figures = {
        "r_squared": fits,
        "us_a_token_of_context": {one.compiler: 1e3 * one.line.slope.value for one in lines},
        "ms_without_context": {one.compiler: one.line.start.value for one in lines},
        "tokens_per_s": rates,
        "floor_share": floors,
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


def study() -> Study:
    """Return the study of both phases; one thread, as the loop by hand has."""
    decodes = [("decode", context) for context in CONTEXTS]
    return Study.model_validate(
        {
            "name": "phases",
            "workloads": [
                {
                    "name": f"{phase}-{context}",
                    "source": SOURCE,
                    "parameters": {"phase": phase, "context": context},
                }
                for phase, context in [*decodes, BY_HAND["prefill-128"]]
            ],
            "compilers": list(COMPILERS),
            "modes": ["hot"],
            "stages": [{"name": "primary", "factorial": {"fusion": ["on"]}}],
            "baseline": {"fusion": "on"},
            "checks": {"input_sets": 2},
            "protocol": {
                "threads": 1,
                "repeats": 0,
                "hot": {"blocks": 2, "max_blocks": 2, "rounds": 20, "burst_ms": 20, "timeout_s": 300},
            },
        }
    )


def by_hand(phase: str, context: int) -> float:
    """Return tokens a second of a plain loop in a process of its own."""
    command = [sys.executable, __file__, "--loop", phase, str(context)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def loop(phase: str, context: int) -> None:
    """Run the exported program again and again, and print tokens a second by the median of its times."""
    import torch

    from ablatrix.workloads.capture.exporting import export
    from ablatrix.workloads.parameters import build_workload, check_parameters
    from ablatrix.workloads.source import read_source

    torch.set_num_threads(1)
    given: dict[str, Any] = {"phase": phase, "context": context}
    entry = read_source("model", SOURCE, given, Path())
    built = build_workload(entry, check_parameters(entry, given))
    inputs = built.own_inputs or built.make_inputs(0, {})
    step = export("model", built, inputs).module(check_guards=False)
    times = []
    with torch.no_grad():
        begun = perf_counter()
        while perf_counter() - begun < WARM_UP_S + LOOP_S:
            since = perf_counter()
            step(*inputs)
            if since - begun > WARM_UP_S:
                times.append(perf_counter() - since)
    assert built.tokens is not None
    print(built.tokens.tokens / median(times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="directory for the study's results; default: a temporary one")
    parser.add_argument("--loop", nargs=2, metavar=("PHASE", "CONTEXT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop:
        loop(arguments.loop[0], int(arguments.loop[1]))
    elif arguments.out is not None:
        main(arguments.out)
    else:
        with tempfile.TemporaryDirectory(prefix="ablatrix-phases-") as scratch:
            main(Path(scratch) / "results")
