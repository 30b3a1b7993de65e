"""Does ``reduce`` leave little, and does that show the same? Planted faults over compilers, and real settings.

A planted fault is a pass of the user's own with a mistake (``reduced_faults/``): it spoils what it knows, refuses it,
kills the process, or hangs. Real ones are settings of a compiler that give wrong results, some of them public reports.
Each is reduced from a model of dozens of operations; ``repro.py`` and ``study.yaml`` are then run in fresh
interpreters, the script where ablatrix cannot be imported.

    nice python benchmarks/reduce_faults.py [--only tvm] [--most 5] [--keep reductions.jsonl]

With ``--keep`` each case is a line of that file, and a case that is there is not run again: pieces add up. A case whose
whole program does not show the trouble on this machine counts as not shown, and is no part of the figures. The last
line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablatrix.errors import AblatrixError
from ablatrix.reduction import ReductionQuestion, reduce
from ablatrix.study.load import load_study
from ablatrix.troubles import Configuration

FOLDER = Path(__file__).parent / "reduced_faults"
TARGETS = {"median_share_left": 0.05, "same_signature": 1.0}
TIMEOUT_S = 300.0
HANGING_S = 45.0
"""Limit of a trial, and of one that is to hang: those cases come last."""
STUDY = """\
name: planted
workloads: [{{name: subject, source: "models.py:{model}"}}]
compilers:
  - name: {compiler}
    fixed: {fixed}
    knobs: {knobs}
modes: [cold]
stages: [{{name: primary, factorial: {{{first}}}}}]
checks: {{input_sets: 2}}
protocol: {{cold: {{replicates: 1, timeout_s: {timeout}}}}}
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault.

    Attributes:
        name: Of the case.
        knobs: What the study makes knobs, as it has them.
        bad, good: Levels with the fault, and without.
        fixed: Levels of knobs that the compiler has by itself.
    """

    name: str
    compiler: str
    model: str
    kind: str
    bad: Mapping[str, str]
    good: Mapping[str, str]
    knobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)


PASSES = {
    "inductor": (
        ("tanh_is_sigmoid", "wrong_output", ("tower", "attention")),
        ("exp_is_cos", "wrong_output", ("tower", "attention", "convolutions")),
        ("erf_is_tanh", "wrong_output", ("tower",)),
        ("sigmoid_is_tanh", "wrong_output", ("convolutions", "tower")),
        ("killed_by_sigmoid", "crashed", ("convolutions", "tower")),
        ("maximum_is_minimum", "wrong_output", ("convolutions",)),
        ("product_of_sum_is_one", "wrong_output", ("tower", "recurrent")),
        ("killed_by_maximum", "crashed", ("convolutions",)),
        ("refuses_tanh", "compile_error", ("tower", "attention")),
        ("hangs_at_erf", "timeout", ("tower",)),
    ),
    "tvm": (
        ("tanh_is_sigmoid", "wrong_output", ("tower", "attention")),
        ("exp_is_cos", "wrong_output", ("attention",)),
        ("sigmoid_is_tanh", "wrong_output", ("convolutions", "tower")),
        ("killed_by_sigmoid", "crashed", ("convolutions", "tower")),
        ("maximum_is_minimum", "wrong_output", ("convolutions",)),
        ("product_of_sum_is_sum", "wrong_output", ("tower", "recurrent")),
        ("killed_by_maximum", "crashed", ("convolutions",)),
        ("refuses_tanh", "compile_error", ("tower", "attention")),
        ("hangs_at_softmax", "timeout", ("attention",)),
    ),
}
FILES = {"inductor": ("fx_faults.py", "post_grad"), "tvm": ("tvm_faults.py", "DecomposeOpsForInference")}
OFF, ON = {"spoil": "off"}, {"spoil": "on"}
FAST = {
    "fast": {"setting": "flag:xla_cpu_enable_fast_math", "default": "off"},
    "nans": {"setting": "flag:xla_cpu_fast_math_honor_nans"},
}
REWRITER = {"rewriter": {"setting": "pass:dot-library-rewriter"}}
NARROW = {"narrow": {"setting": "property:INFERENCE_PRECISION_HINT", "levels": ["f32", "bf16"], "default": "f32"}}
DENORMALS = {"tiny": {"setting": "session:session.set_denormal_as_zero", "levels": ["0", "1"], "default": "0"}}
ZEROS = {"tiny": {"setting": "property:CPU_DENORMALS_OPTIMIZATION", "default": "off"}}
SNIPPETS = {
    "snippets": {"setting": "property:SNIPPETS_MODE", "levels": ["ENABLE", "DISABLE"], "default": "ENABLE"},
}
Levels = Mapping[str, str]
REAL: tuple[tuple[str, str, str, Mapping[str, Mapping[str, Any]], Levels, Levels, Levels], ...] = (
    ("xla", "rows", "wrong_output", REWRITER, {"rewriter": "on"}, {"rewriter": "off"}, {}),
    ("xla", "quotient", "wrong_output", FAST, {"fast": "on", "nans": "off"}, {"fast": "off"}, {}),
    ("onnxruntime", "faint", "wrong_output", DENORMALS, {"tiny": "1"}, {"tiny": "0"}, {}),
    ("xla", "rank_seven", "crashed", REWRITER, {"rewriter": "on"}, {"rewriter": "off"}, {}),
    ("openvino", "square", "wrong_output", SNIPPETS, {"snippets": "ENABLE"}, {"snippets": "DISABLE"}, {}),
    ("openvino", "no_number", "wrong_output", SNIPPETS, {"snippets": "ENABLE"}, {"snippets": "DISABLE"}, {}),
    ("openvino", "tower", "wrong_output", NARROW, {"narrow": "bf16"}, {"narrow": "f32"}, {}),
    ("onnxruntime", "tiny", "wrong_output", DENORMALS, {"tiny": "1"}, {"tiny": "0"}, {}),
    ("openvino", "tiny", "wrong_output", ZEROS, {"tiny": "on"}, {"tiny": "off"}, {}),
    ("openvino", "attention", "wrong_output", NARROW, {"narrow": "bf16"}, {"narrow": "f32"}, {}),
    ("openvino", "convolutions", "wrong_output", NARROW, {"narrow": "bf16"}, {"narrow": "f32"}, {}),
)


def cases() -> list[Case]:
    """Return all cases, compilers in turn."""
    by_compiler: dict[str, list[Case]] = {}
    for compiler, faults in PASSES.items():
        file, anchor = FILES[compiler]
        for name, kind, models in faults:
            for model in models:
                knobs = {"spoil": {"pass": f"{file}:{name}", "after": anchor}}
                made = Case(
                    name=f"{compiler} {name} {model}",
                    compiler=compiler,
                    model=model,
                    kind=kind,
                    bad=ON,
                    good=OFF,
                    knobs=knobs,
                )
                by_compiler.setdefault(compiler, []).append(made)
    for compiler, model, kind, given, bad, good, fixed in REAL:
        levels = " ".join(f"{name}={level}" for name, level in bad.items())
        by_compiler.setdefault(compiler, []).append(
            Case(
                name=f"{compiler} {levels} {model}",
                compiler=compiler,
                model=model,
                kind=kind,
                bad=bad,
                good=good,
                knobs=given,
                fixed=fixed,
            )
        )
    rounds = itertools.zip_longest(*by_compiler.values())
    in_turn: list[Case] = [one for each in rounds for one in each if one is not None]
    return sorted(in_turn, key=lambda one: one.kind == "timeout")


def main() -> None:
    """Run what is missing, and print what all cases came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="a part of the names of cases (repeatable)")
    parser.add_argument("--most", type=int, default=1000, help="cases in this piece")
    parser.add_argument("--keep", type=Path, help="file of cases that were run")
    given = parser.parse_args()
    held = _held(given.keep)
    done = {one["name"] for one in held}
    wanted = [one for one in cases() if one.name not in done]
    if given.only:
        wanted = [one for one in wanted if any(part in one.name for part in given.only)]
    for case in wanted[: given.most]:
        held.append(_run(case))
        print(json.dumps(held[-1]), flush=True)
        if given.keep is not None:
            with given.keep.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(held[-1]) + "\n")
    figures = _figures(held)
    holds = {
        "median_share_left": _at_most(figures["median_share_left"], TARGETS["median_share_left"]),
        "same_signature": figures["same_signature"] == 1.0,
    }
    print(json.dumps({"benchmark": "reduce_faults", "figures": figures, "targets": TARGETS, "holds": holds}))
    sys.exit(0 if all(holds.values()) else 1)


def _run(case: Case) -> dict[str, Any]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ablatrix-reduce-") as scratch:
        directory = Path(scratch)
        for file in FOLDER.glob("*.py"):
            (directory / file.name).write_bytes(file.read_bytes())
        first = next(iter(case.knobs), None)
        factorial = "partition: [whole]" if first is None else f"{first}: ['{case.good.get(first, 'off')}']"
        text = STUDY.format(
            model=case.model,
            compiler=case.compiler,
            fixed=json.dumps(dict(case.fixed)),
            knobs=json.dumps({name: dict(one) for name, one in case.knobs.items()}),
            first=factorial,
            timeout=HANGING_S if case.kind == "timeout" else TIMEOUT_S,
        )
        (directory / "study.yaml").write_text(text, encoding="utf-8")
        try:
            configuration = Configuration(
                resolved=load_study(directory / "study.yaml"),
                workload="subject",
                compiler=case.compiler,
                levels=case.bad,
            )
            question = ReductionQuestion(kind=case.kind, reference=case.good)
            found = reduce(configuration, question, directory / "out", tell=_tell)
        except AblatrixError as error:
            return {"name": case.name, "shown": False, "told": str(error), "seconds": time.monotonic() - start}
    return {
        "name": case.name,
        "shown": True,
        "trouble": found.trouble.text[:200],
        "nodes": found.nodes,
        "nodes_left": found.nodes_left,
        "operators": list(found.operators),
        "elements_left": found.elements_left,
        "ending": found.ending,
        "programs": sum(found.steps.values()),
        "trials": found.trials,
        "study": found.again,
        "repro": found.repro,
        "told": found.repro_told[-300:],
        "others": [one.text[:100] for one in found.others],
        "seconds": time.monotonic() - start,
    }


def _figures(held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    shown = [one for one in held if one["shown"]]
    if not shown:
        return {"cases": 0, "not_shown": len(held), "median_share_left": None, "same_signature": None}
    same = [one["study"] == "yes" and one["repro"] == "yes" for one in shown]
    return {
        "cases": len(shown),
        "not_shown": len(held) - len(shown),
        "median_share_left": statistics.median(one["nodes_left"] / one["nodes"] for one in shown),
        "largest_share_left": max(one["nodes_left"] / one["nodes"] for one in shown),
        "median_nodes_left": statistics.median(one["nodes_left"] for one in shown),
        "median_programs": statistics.median(one["programs"] for one in shown),
        "median_seconds": statistics.median(one["seconds"] for one in shown),
        "same_signature": sum(same) / len(same),
        "study_shows": sum(one["study"] == "yes" for one in shown),
        "repro_shows": sum(one["repro"] == "yes" for one in shown),
    }


def _held(keep: Path | None) -> list[dict[str, Any]]:
    if keep is None or not keep.exists():
        return []
    return [json.loads(line) for line in keep.read_text(encoding="utf-8").splitlines()]


def _at_most(value: float | None, most: float) -> bool:
    return value is not None and value <= most


def _tell(text: str) -> None:
    print(f"    {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
