"""What becomes of the backend tests of ``onnx``: right, refused for a reason that is true, or wrong.

Each test is written as a file with its inputs and outputs beside it, prepared as any ONNX file of a study, compiled,
run and checked, all in this process. A refusal counts as true where plain use of onnx or of the compiler bears its
reason out (``tests/workloads/backend_cases.py``).

    python benchmarks/onnx_backend.py [--compiler onnxruntime] [--kind node] [--module gemm] [--most 100]

The last line on stdout is one JSON object; the exit status is 1 when a test ended as neither.
"""

import argparse
import itertools
import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from tests.workloads.backend_cases import Case, Judge, node_cases, stored_cases

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.trials.fork_server.child import import_compiler

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")
VERDICTS = ("right", "refused", "wrong")
#: At most so many tests that are neither right nor refused for a reason that is true.
TARGETS = {"wrong": 0}


def main(name: str, kinds: list[str], modules: list[str], most: int | None) -> bool:
    """Judge every test; return whether none is wrong."""
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    torch.set_num_threads(1)
    compiler = import_compiler(SHIPPED[name])
    compiler.set_threads(1)
    with tempfile.TemporaryDirectory(prefix="ablatrix-onnx-") as directory:
        judge = Judge(compiler, Path(directory))
        for number, case in enumerate(itertools.islice(_cases(kinds, modules), most), start=1):
            judge.look_at(case)
            if number % 100 == 0:
                print(f"{number} tests, {len(judge.wrong)} wrong", flush=True)
    for line in judge.wrong:
        print(line)
    print(f"{'kind':<20}" + "".join(f"{one:>10}" for one in VERDICTS))
    for kind in kinds:
        print(f"{kind:<20}" + "".join(f"{judge.counts[kind, one]:>10}" for one in VERDICTS))
    for reason, count in judge.reasons.most_common():
        print(f"refused: {reason}: {count}")
    figures = {
        "compiler": name,
        **{one: sum(count for (_, verdict), count in judge.counts.items() if verdict == one) for one in VERDICTS},
        "refused_by_reason": dict(judge.reasons.most_common()),
    }
    holds = not judge.wrong
    print(json.dumps({"benchmark": "onnx_backend", "figures": figures, "targets": TARGETS, "holds": holds}))
    return holds


def _cases(kinds: list[str], modules: list[str]) -> Iterator[Case]:
    for kind in kinds:
        yield from node_cases(modules) if kind == "node" else stored_cases(kind)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--compiler", default="onnxruntime", choices=("onnxruntime", "openvino", "tvm"))
    parser.add_argument("--kind", action="append", choices=KINDS, help="default: all")
    parser.add_argument("--module", action="append", help="of node tests, those of a module of onnx; default: all")
    parser.add_argument("--most", type=int, help="tests to look at; default: all")
    arguments = parser.parse_args()
    kinds = arguments.kind or list(KINDS)
    sys.exit(0 if main(arguments.compiler, kinds, arguments.module or [], arguments.most) else 1)
