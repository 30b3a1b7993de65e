"""How often the product calls two equal builds different, and how often it finds a slower one, with whole runs.

Each run is ``ablatrix run`` of a study with ``builds`` in a fresh process tree, and what counts is the word that
``ablatrix effects --show builds`` prints of each change of run time: beside the other workloads of its run, and alone,
from records that hold no other comparison.

same: one build under six names, five of which are compared with the first on ten workloads; half of the runs with a
load beside them, a process that sorts and one that copies memory.
padding: ``examples/gcc`` against copies whose kernel differs in padding alone: instructions that do nothing before and
in its code, functions that nobody calls, and its functions in the other order.
planted: a hundred equal kernels against a hundred and two, one workload a run, with the default protocol.

    python benchmarks/same_build.py [--same RUNS] [--padding RUNS] [--planted RUNS] [--keep FILE]

With ``--keep`` the raw words go to a file, and the figures are made of all that it holds: a long run can be made in
pieces.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from whole_runs import HERE, METRIC, append_line, rate, read_lines

TARGETS = {
    "comparisons": 500,
    "called_different": 0.05,
    "called_different_under_load": 0.05,
    "padding_called_changed": 0.05,
    "found_2_percent": 0.95,
    "seconds_a_workload": 60.0,
}
GCC = HERE.parent / "examples" / "gcc"
SHORT = {"blocks": 5, "max_blocks": 5, "rounds": 10, "burst_ms": 2, "warm_up_ms": 20}
NAMES = 6
CHANGED = ("regression", "improvement")
BUSY = "import random\nwhile True:\n    sorted(random.random() for _ in range(200000))\n"
COPYING = "held = bytearray(1 << 27)\nwhile True:\n    bytes(held)\n"
Case = dict[str, Any]
"""``kind``, ``load``, ``seed``, ``s``; ``words``: as printed of the whole run; ``alone``: of each comparison alone."""
HEAD = "#include <cstddef>\n"
ARGUMENTS = (
    "const float* left, const float* right, float* out, std::size_t rows, std::size_t inner, std::size_t columns, "
    "float* transposed"
)
DECLARED = "".join(
    f"static __attribute__((noinline)) void {name}({ARGUMENTS});\n" for name in ("transpose", "multiply")
)
TRANSPOSE = f"""\
static void transpose({ARGUMENTS}) {{
  for (std::size_t k = 0; k < inner; ++k)
    for (std::size_t j = 0; j < columns; ++j) transposed[j * inner + k] = right[k * columns + j];
}}
"""
MULTIPLY = f"""\
static void multiply({ARGUMENTS}) {{
  for (std::size_t i = 0; i < rows; ++i) {{
    for (std::size_t j = 0; j < columns; ++j) {{
      const float* a = left + i * inner;
      const float* b = transposed + j * inner;
      float sum = 0.0F, lost = 0.0F;
      for (std::size_t k = 0; k < inner; ++k) {{
        const float term = a[k] * b[k] - lost;
        const float next = sum + term;
        lost = (next - sum) - term;
        sum = next;
      }}
      out[i * columns + j] = sum;
    }}
  }}
}}
"""
KERNEL = f"""\
extern "C" void kernel({ARGUMENTS}) {{
  transpose(left, right, out, rows, inner, columns, transposed);
  multiply(left, right, out, rows, inner, columns, transposed);
}}
"""
"""The kernel of the example as two functions that are called, so that they can change places."""


def main(same: int, padding: int, planted: int, keep: Path | None) -> None:
    """Run what is asked for, and print figures over that and all kept before as JSON."""
    cases: list[Case] = read_lines(keep)
    for kind, load in [*(("same", number % 2 == 1) for number in range(same)), *[("padding", False)] * padding]:
        cases.append(_one(kind, load, len(cases) + 1, keep))
    for _ in range(planted):
        cases.append(_one("planted", False, len(cases) + 1, keep))
    figures = figures_of(cases)
    held = meets_targets(figures)
    print(json.dumps({"benchmark": "same_build", "figures": figures, "targets": TARGETS, "holds": held}))


def _one(kind: str, load: bool, seed: int, keep: Path | None) -> Case:
    makers = {"same": same_study, "padding": padded_study, "planted": slower_study}
    with tempfile.TemporaryDirectory(prefix="ablatrix-same-build-") as directory, loaded(load):
        place = Path(directory)
        study = makers[kind](seed, place)
        file, results = place / "study.yaml", place / "results"
        file.write_text(json.dumps(study), encoding="utf-8")
        start = perf_counter()
        ablatrix("run", str(file), "--out", str(results), "--quiet")
        seconds = perf_counter() - start
        case: Case = {"kind": kind, "load": load, "seed": seed, "s": seconds}
        case |= {"words": printed_words(results), "alone": words_alone(results, place)}
    append_line(keep, case)
    changed = sum(word in CHANGED for word in case["alone"])
    print(f"{kind}{' under load' if load else ''}: {seconds:.1f} s, {changed} of {len(case['alone'])} changed")
    return case


def same_study(seed: int, place: Path) -> Case:
    """Return a study of one build under several names on ten workloads.

    A variable that changes nothing keeps them from being proven to be one build: of these no times would be judged.
    """
    del place
    others = {f"other{number}": {"env": {"PLANTED_NAME": str(number)}} for number in range(1, NAMES)}
    axes = {"hidden": [8, 16, 24, 32, 48], "layers": [1, 2]}
    return {
        **_planted(seed, {"one": {}, **others}, SHORT),
        "workloads": [{"name": "mlp", "parameters": {"batch": 2}, "axes": axes}],
    }


def slower_study(seed: int, place: Path) -> Case:
    """Return a study of a build and of one with two kernels more in a hundred, with the default protocol."""
    del place
    return _planted(seed, {"before": {}, "after": {"env": {"PLANTED_MORE": "2"}}}, {})


def padded_study(seed: int, place: Path) -> Case:
    """Return a study of gcc's kernel and of copies of it that differ in padding alone."""
    builds: dict[str, Any] = {}
    for name, source in paddings(seed):
        copy = place / name
        shutil.copytree(GCC, copy, ignore=shutil.ignore_patterns(".driver*"))
        (copy / "kernel.cpp").write_text(source, encoding="utf-8")
        builds[name] = {"command": ["sh", str(copy / "start.sh")]}
    return {
        "name": "padding",
        "seed": seed,
        "workloads": [{"source": f"{GCC / 'model.py'}:make", "name": "product", "tier": "tiny"}],
        "compilers": [{"name": "gcc", "command": ["sh", str(place / "plain" / "start.sh")], "builds": [*builds]}],
        "builds": builds,
        "modes": ["hot"],
        "baseline": {"level": "O2", "vectorize": "off", "unroll": "off", "fast_math": "off"},
        "stages": [{"name": "builds", "factorial": {"build": [*builds]}}],
        "checks": {"input_sets": 1},
        "protocol": {"threads": 1, "hot": {"blocks": 8, "max_blocks": 8, "max_live": 2 * len(builds) + 3}},
    }


def paddings(seed: int) -> Iterator[tuple[str, str]]:
    """Yield the kernel's source, and changes that leave what it computes, each with a name; others for another seed."""
    nops = 1 + seed * 7 % 61
    nothing = f'asm(".text\\n.skip {nops}, 0x90");\n'
    skipped = f'{{\n  asm volatile(".skip {nops}, 0x90");\n'
    unused = "".join(
        f'extern "C" float unused_{number}(float x) {{ return x * {number}.5F + {nops}.0F; }}\n' for number in range(3)
    )
    start = HEAD + DECLARED
    yield "plain", start + TRANSPOSE + MULTIPLY + KERNEL
    yield "reversed", start + KERNEL + MULTIPLY + TRANSPOSE
    yield "nops_before", start + nothing + TRANSPOSE + MULTIPLY + KERNEL
    yield "nops_in_kernel", start + TRANSPOSE + MULTIPLY + KERNEL.replace("{\n", skipped, 1)
    yield "nops_in_multiply", start + TRANSPOSE + MULTIPLY.replace("{\n", skipped, 1) + KERNEL
    yield "unused_before", start + unused + TRANSPOSE + MULTIPLY + KERNEL


def _planted(seed: int, builds: dict[str, Any], hot: dict[str, Any]) -> Case:
    return {
        "name": "same_build",
        "seed": seed,
        "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
        "compilers": [{"name": "planted", "builds": [*builds]}],
        "builds": builds,
        "modes": ["hot"],
        "stages": [{"name": "builds", "factorial": {"build": [*builds]}}],
        "checks": {"input_sets": 1},
        "protocol": {"hot": hot},
        "plugins": [str(HERE / "planted.py")],
    }


def printed_words(results: Path) -> list[str]:
    """Return what is printed of the run time of each workload under each further build."""
    held = json.loads(ablatrix("effects", str(results), "--show", "builds", "--metric", METRIC, "--json"))
    return [change["word"] for build in held["builds"] for one in build["metrics"] for change in one["changes"]]


def words_alone(results: Path, place: Path) -> list[str]:
    """Return what is printed of each comparison in records that hold no other one."""
    lines = [json.loads(line) for line in (results / "results.jsonl").read_text().splitlines()]
    records = [record for record in lines if record["final"]]
    base = next(record["config"]["baseline"]["build"] for record in records if record["config"]["baseline"])
    builds = {record["config"]["knobs"].get("build") for record in records} - {None, base}
    words = []
    for workload in sorted({record["workload"]["name"] for record in records}):
        for build in sorted(builds):
            kept = [
                record
                for record in records
                if record["workload"]["name"] == workload
                and record["config"]["knobs"].get("build") in (None, base, build)
            ]
            file = place / "alone.jsonl"
            file.write_text("".join(json.dumps(record) + "\n" for record in kept))
            words += printed_words_here(file)
    return words


def printed_words_here(file: Path) -> list[str]:
    """Return the same of a file, with the command run in this process, since it is run hundreds of times."""
    from typer.testing import CliRunner

    from ablatrix.cli.main import app

    done = CliRunner().invoke(app, ["effects", str(file), "--show", "builds", "--metric", METRIC, "--json"])
    if done.exit_code != 0:
        raise SystemExit(f"ablatrix effects {file} ended with {done.exit_code}: {done.output[-2000:]}")
    held = json.loads(done.stdout)
    return [change["word"] for build in held["builds"] for one in build["metrics"] for change in one["changes"]]


@contextlib.contextmanager
def loaded(wanted: bool) -> Iterator[None]:
    """Keep two processes busy beside what is measured, if that is wanted."""
    programs = (BUSY, COPYING) if wanted else ()
    busy = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def figures_of(cases: Sequence[Case]) -> dict[str, Any]:
    """Return the rates of what was run, with their intervals."""
    figures: dict[str, Any] = {}
    for name, kind, load in (
        ("called_different", "same", False),
        ("called_different_under_load", "same", True),
        ("padding_called_changed", "padding", False),
    ):
        own = [case for case in cases if (case["kind"], case["load"]) == (kind, load)]
        words, printed = (judged_words(own, key) for key in ("alone", "words"))
        if words:
            figures |= rate(name, [word in CHANGED for word in words])
            figures[f"{name}_words"] = {word: words.count(word) for word in dict.fromkeys(words)}
            figures[f"{name}_beside_others"] = sum(word in CHANGED for word in printed) / len(printed)
    figures["comparisons"] = len(judged_words([case for case in cases if case["kind"] == "same"], "alone"))
    planted = [case for case in cases if case["kind"] == "planted"]
    if planted:
        figures |= rate("found_2_percent", [case["words"] == ["regression"] for case in planted])
        figures["seconds_a_workload"] = max(case["s"] for case in planted)
        figures["seconds_a_workload_median"] = statistics.median(case["s"] for case in planted)
    return figures


def judged_words(cases: Sequence[Case], key: str) -> list[str]:
    """Return what was said of times; what is proven to be the same code is judged without them, and shows nothing."""
    return [word for case in cases for word in case[key] if word != "same code"]


def meets_targets(figures: dict[str, Any]) -> bool:
    """Return whether all targets are met. A rate may exceed its target by chance: its interval may not."""
    rates = ("called_different", "called_different_under_load", "padding_called_changed")
    return bool(
        figures["comparisons"] >= TARGETS["comparisons"]
        and all(f"{name}_interval" in figures and figures[f"{name}_interval"][0] <= TARGETS[name] for name in rates)
        and figures.get("found_2_percent", 0.0) >= TARGETS["found_2_percent"]
        and figures.get("seconds_a_workload_median", float("inf")) <= TARGETS["seconds_a_workload"]
    )


def ablatrix(*arguments: str) -> str:
    """Return what a command prints; one that does not end well ends the benchmark."""
    command = [sys.executable, "-m", "ablatrix", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--same", type=int, default=10, metavar="RUNS")
    parser.add_argument("--padding", type=int, default=20, metavar="RUNS")
    parser.add_argument("--planted", type=int, default=60, metavar="RUNS")
    parser.add_argument("--keep", type=Path, default=None, metavar="FILE")
    given = parser.parse_args()
    main(given.same, given.padding, given.planted, given.keep)
