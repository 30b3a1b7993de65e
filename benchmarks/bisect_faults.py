"""Does ``bisect`` name the pass or setting that has a fault? Planted faults over the five compilers, and real ones.

A planted fault comes with a pass that changed the program, or with two of them together, or, for OpenVINO, whose passes
cannot be switched off, with one of nine settings (``planted_compilers.py``): it spoils one element of the output,
makes a run a tenth longer, or crashes the process, while it compiles or on inputs of one size. Which pass it is, is
drawn. The command's own search is run on it, with all passes that changed the program as candidates and no hint. A
further pass that it names as slow counts as right where ``explain`` finds it slow in the compiler as it is. Real ones
are public reports that reproduce with the versions here (``examples/complaints``).

    nice python benchmarks/bisect_faults.py [--seed 1] [--only tvm] [--case "tvm spoil 0 of 1"] [--most 5]
                                            [--keep faults.jsonl]

With ``--keep`` each case is a line of that file, and a case that is there is not run again: pieces add up. The last
line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import itertools
import json
import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ablatrix.culprits import Question, SeenPasses, find_candidates, find_culprits, question_of_study, see_passes
from ablatrix.explain import explain, pair_of_study
from ablatrix.plugin_files import read_catalogue
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import KeptServers
from ablatrix.troubles import Looks

HERE = Path(__file__).parent
COMPLAINTS = HERE.parent / "examples" / "complaints"
VARIABLE = "PLANTED_FAULT"
COST_BLOCKS = 6
"""What a pass costs that is named as slow, and that nothing was planted in, is measured in so many blocks."""
TARGETS = {"named": 38 / 40, "pairs_named": 0.8, "median_trials_over_allowed": 1.0}
PROGRAMS = {
    "onnxruntime": ("convolution", "encoder"),
    "openvino": ("mlp", "attention"),
    "tvm": ("mlp", "attention"),
    "xla": ("mlp", "attention"),
    "inductor": ("mlp", "attention"),
}
"""What the first fault of each kind is planted in, and all others: few programs, so that little is prepared."""
WORKLOADS: Mapping[str, Mapping[str, int]] = {
    "mlp": {"layers": 2, "hidden": 64, "batch": 8},
    "attention": {"tokens": 32},
    "convolution": {"blocks": 1, "channels": 16},
    "encoder": {"layers": 1, "hidden": 64, "tokens": 16, "vocabulary": 256},
}
SETTINGS = {
    "CPU_DENORMALS_OPTIMIZATION": "on",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 64,
    "ENABLE_CPU_PINNING": "on",
    "EXECUTION_MODE_HINT": "ACCURACY",
    "KEY_CACHE_GROUP_SIZE": 32,
    "KV_CACHE_PRECISION": "f32",
    "PERFORMANCE_HINT_NUM_REQUESTS": 2,
    "TBB_PARTITIONER": "AUTO",
    "VALUE_CACHE_GROUP_SIZE": 32,
}
DIMENSION = {"mlp": 64, "attention": 32, "convolution": 3, "encoder": 16}
"""A dimension of the inputs of each workload: every second crash is one on it."""
KINDS = {"spoil": "wrong_output", "slow": "slower", "crash": "crashed"}
PLAN = {
    "onnxruntime": {"spoil": 4, "crash": 2, "slow": 2},
    "xla": {"spoil": 3, "crash": 2, "slow": 2},
    "inductor": {"spoil": 3, "crash": 2, "slow": 2},
    "tvm": {"spoil": 4, "crash": 2, "slow": 2},
    "openvino": {"spoil": 4, "crash": 2, "slow": 2},
}
PAIRS = {"onnxruntime": 2, "xla": 1, "inductor": 2, "tvm": 2, "openvino": 2}
REAL: tuple[tuple[str, str | None, str, Mapping[str, str], tuple[str, ...]], ...] = (
    ("library_rows.yaml", "rows", "wrong_output", {"rewriter": "on"}, ("pass:dot-library-rewriter",)),
    ("library_rows.yaml", "rank_seven", "crashed", {"rewriter": "on"}, ("pass:dot-library-rewriter",)),
    ("cast_and_divide.yaml", None, "compile_error", {}, ("optimizer:CastElimination", "optimizer:DivMulFusion")),
    ("fast_math.yaml", "quotient", "wrong_output", {"fast": "on", "nans": "off"}, ("fast=on", "nans=off")),
)
"""Study, workload, trouble, levels, and what is to be named; the last two take two together."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault.

    Attributes:
        name: Of the case.
        fault: What the environment says; empty of a real one.
        guilty: Titles that are to be named.
        seen: Passes of its program, which are asked for once for all cases of one; None of a real one.
    """

    name: str
    compiler: str
    workload: str
    what: str
    guilty: tuple[str, ...]
    fault: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)
    study: str = ""
    seen: SeenPasses | None = None


def main() -> None:
    """Run what is missing, and print what all cases came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="a compiler, or 'real' (repeatable)")
    parser.add_argument("--case", action="append", help="a case by its name (repeatable)")
    parser.add_argument("--most", type=int, default=1000, help="cases in this piece")
    parser.add_argument("--keep", type=Path, help="file of cases that were run")
    given = parser.parse_args()
    held = _held(given.keep)
    with (
        tempfile.TemporaryDirectory(prefix="ablatrix-faults-") as scratch,
        KeptServers(Path(scratch) / "servers") as kept,
    ):
        os.environ[VARIABLE] = f"{scratch}/fault"
        Path(scratch, "programs").mkdir()
        Path(scratch, "fault").write_text("none")
        done = {one["name"] for one in held}
        wanted = _Wanted(frozenset(given.only or [*PLAN, "real"]), frozenset(given.case or ()), frozenset(done))
        cases = _cases(given.seed, Path(scratch), wanted, kept)
        for case in itertools.islice(cases, given.most):
            held.append(_run(case, Path(scratch), kept))
            print(_line(held[-1]), flush=True)
            if given.keep is not None:
                with given.keep.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(held[-1]) + "\n")
    figures = _figures(held)
    holds = {name: figures[name] is not None and _is_met(name, figures[name]) for name in TARGETS}
    print(json.dumps({"benchmark": "bisect_faults", "figures": figures, "targets": TARGETS, "holds": holds}))
    sys.exit(0 if all(holds.values()) else 1)


@dataclass(frozen=True)
class _Wanted:
    compilers: frozenset[str]
    cases: frozenset[str]
    done: frozenset[str]

    def has(self, compiler: str, name: str) -> bool:
        """Return whether a case is to be run."""
        return compiler in self.compilers and name not in self.done and (not self.cases or name in self.cases)


def _cases(seed: int, scratch: Path, wanted: _Wanted, kept: KeptServers) -> Iterator[Case]:
    """Yield the cases that are not done, those of one program after each other; its passes are asked for once."""
    for file, workload, trouble, levels, guilty in REAL:
        name = f"real {file} {workload}"
        if wanted.has("real", name):
            yield Case(
                name=name,
                compiler="real",
                workload=workload or "",
                what=trouble,
                guilty=guilty,
                levels=levels,
                study=file,
            )
    for program, compiler in itertools.product((0, 1), PLAN):
        planned = [
            (what, number, size)
            for what, size in (*((one, 1) for one in KINDS), ("spoil", 2))
            for number in range(PLAN[compiler][what] if size == 1 else PAIRS[compiler])
            if program == min(number, 1) and wanted.has(compiler, f"{compiler} {what} {number} of {size}")
        ]
        if planned:
            yield from _cases_of(compiler, PROGRAMS[compiler][program], planned, seed, scratch, kept)


def _cases_of(
    compiler: str,
    workload: str,
    planned: Sequence[tuple[str, int, int]],
    seed: int,
    scratch: Path,
    kept: KeptServers,
) -> Iterator[Case]:
    """Yield cases of one program: what the fault does, its number, and how many passes have it together."""
    question = _question(compiler, workload, "wrong_output", scratch)
    Path(scratch, "fault").write_text("none")
    seen = SeenPasses()
    if compiler != "openvino":
        with Looks(_place(scratch) / "looks", kept=kept) as looks:
            seen = see_passes(question, looks)
    titles = _titles(compiler, question, seen)
    for what, number, size in planned:
        name = f"{compiler} {what} {number} of {size}"
        drawn = tuple(sorted(random.Random(f"{seed} {name}").sample(titles, size)))
        kind = f"crash:{DIMENSION[workload]}" if what == "crash" and number % 2 else what
        yield Case(
            name=name,
            compiler=compiler,
            workload=workload,
            what=what,
            guilty=drawn,
            fault=" ".join((kind, *(one.partition("=")[0] for one in drawn))),
            seen=seen,
        )


def _titles(compiler: str, question: Question, seen: SeenPasses) -> list[str]:
    """Return what can have a fault: passes that changed the program and can be off, or OpenVINO's settings."""
    if compiler == "openvino":
        return [f"property:{name}={level}" for name, level in SETTINGS.items()]
    return [one.title for one in find_candidates(question, seen).every if one.kind == "pass" and not one.needed]


def _study(compiler: str, workload: str, directory: Path, prefix: str = "planted_") -> ResolvedStudy:
    shutil.copy(HERE / "planted_compilers.py", directory)
    settings = {name.lower(): {"setting": f"property:{name}", "levels": [level]} for name, level in SETTINGS.items()}
    own = {"knobs": settings, "fixed": {name.lower(): level for name, level in SETTINGS.items()}}
    study = {
        "name": "fault",
        "plugins": ["planted_compilers.py"],
        "workloads": [{"name": workload, "parameters": dict(WORKLOADS[workload])}],
        "compilers": [{"name": f"{prefix}{compiler}", **(own if compiler == "openvino" else {})}],
        "modes": ["cold", "hot"],
        "baseline": {"fusion": "on", "partition": "whole"},
        "stages": [{"name": "one", "factorial": {"fusion": ["on"]}}],
        "checks": {"input_sets": 1},
        "protocol": {
            "threads": 1,
            "cold": {"replicates": 1, "timeout_s": 120},
            "hot": {"blocks": 1, "max_blocks": 1, "rounds": 12, "burst_ms": 2, "warm_up_ms": 20, "timeout_s": 120},
        },
    }
    path = directory / f"{compiler}-{workload}.yaml"
    path.write_text(json.dumps(study))
    return load_study(path, read_catalogue(()))


def _question(compiler: str, workload: str, kind: str, scratch: Path) -> Question:
    return question_of_study(_study(compiler, workload, scratch), kind)


def _run(case: Case, scratch: Path, kept: KeptServers) -> dict[str, Any]:
    """Search for the culprits of one case, and return what was found."""
    begun = time.monotonic()
    Path(scratch, "fault").write_text(case.fault or "none")
    out = _place(scratch)
    if case.study:
        resolved = load_study(COMPLAINTS / case.study, read_catalogue(()))
        question = question_of_study(resolved, case.what, workload=case.workload or None, levels=case.levels)
    else:
        question = _question(case.compiler, case.workload, KINDS[case.what], scratch)
    # What is counted is what it takes to name it.
    found = find_culprits(replace(question, closer=False), out, seen=case.seen, kept=kept)
    shutil.rmtree(out, ignore_errors=True)
    wanted, named = {*map(_address, case.guilty)}, {_address(one.title) for one in found.culprits}
    others = [one.title for one in found.culprits if case.what == "slow" and _address(one.title) not in wanted]
    besides = {title: _cost(case, title, scratch) for title in others}
    are_slow = bool(besides) and all(low > 0.0 for low, _ in besides.values())
    switchable = sum(not one.needed for one in found.candidates)
    return {
        **{name: value for name, value in asdict(case).items() if name != "seen"},
        "named": sorted(named),
        # A real one may need another pass, too; and there are slow passes that nobody planted.
        "right": wanted <= named and (bool(case.study) or named == wanted or are_slow),
        "besides": besides,
        "ending": found.ending,
        "relation": found.relation,
        "confidence": found.confidence,
        "candidates": len(found.candidates),
        "switchable": switchable,
        "looks": len(found.looks),
        "trials": found.trials,
        "allowed": 2.0 * math.log2(max(2, len(found.candidates))) + 6.0,
        "stay": len(found.stay),
        "seconds": time.monotonic() - begun,
        "load": os.getloadavg()[1],
    }


def _cost(case: Case, title: str, scratch: Path) -> tuple[float, float]:
    """Return the ends of what a pass adds to a run where nothing is planted, as parts of its time: by `explain`."""
    resolved = _study(case.compiler, case.workload, scratch, prefix="")
    pair = pair_of_study(resolved, f"{case.compiler}:{title}=off", f"{case.compiler}:fusion=on", case.workload)
    found = explain(pair, most_blocks=COST_BLOCKS, causes=0, peak=False)
    low, high = found.difference.low, found.difference.high
    assert low is not None
    assert high is not None
    return low / found.a.total.ms, high / found.a.total.ms


def _place(scratch: Path) -> Path:
    """Return a directory for a search, with the programs that were prepared for the cases before."""
    out = Path(tempfile.mkdtemp(dir=scratch))
    (out / "looks").mkdir()
    (out / "looks" / "programs").symlink_to(scratch / "programs")
    return out


def _address(title: str) -> str:
    """Return what names a candidate, however its title is written."""
    return title.removeprefix("property:").partition("=")[0].lower()


def _figures(held: Sequence[dict[str, Any]]) -> dict[str, Any]:
    single = [one for one in held if len(one["guilty"]) == 1]
    pairs = [one for one in held if len(one["guilty"]) > 1]
    return {
        "faults": len(single),
        "named": _share(single),
        "pairs": len(pairs),
        "pairs_named": _share(pairs),
        "median_trials": statistics.median(one["trials"] for one in single) if single else None,
        "median_trials_over_allowed": statistics.median(one["trials"] / one["allowed"] for one in single)
        if single
        else None,
        "within_allowed": sum(one["trials"] <= one["allowed"] for one in single),
        "median_candidates": statistics.median(one["candidates"] for one in single) if single else None,
        "median_seconds": statistics.median(one["seconds"] for one in held) if held else None,
        "missed": [one["name"] for one in held if not one["right"]],
    }


def _share(held: Sequence[dict[str, Any]]) -> float | None:
    return sum(one["right"] for one in held) / len(held) if held else None


def _is_met(name: str, value: float) -> bool:
    return value <= TARGETS[name] if name.endswith("allowed") else value >= TARGETS[name]


def _held(keep: Path | None) -> list[dict[str, Any]]:
    if keep is None or not keep.exists():
        return []
    return [json.loads(line) for line in keep.read_text(encoding="utf-8").splitlines()]


def _line(one: Mapping[str, Any]) -> str:
    right = "right" if one["right"] else "WRONG"
    return (
        f"{right}: {one['name']} on {one['workload']}: {', '.join(one['guilty'])}; named {', '.join(one['named'])} "
        f"({one['ending']}), {one['candidates']} candidates, {one['trials']} trials of {one['allowed']:.1f}, "
        f"{one['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
