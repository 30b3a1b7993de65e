"""What a reduction came to, as text: printed, and kept beside the results with the trial."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ablatrix.cli.reduction_text import keep_beside, reduction_lines, show_reduction
from ablatrix.records.kept_findings import kept_findings
from ablatrix.reduction import Reduction
from ablatrix.reduction.question import OtherTrouble
from ablatrix.troubles import Trouble

WRONG = Trouble(kind="wrong_output", message="values", told="input set 0, output 0: 1 of 4 elements are wrong")
FOUND = Reduction(
    trouble=WRONG,
    final=WRONG,
    ending="most_time",
    nodes=26,
    nodes_left=1,
    operators=("aten.tanh.default",),
    elements=6976,
    elements_left=1,
    steps={"no": 3, "other": 1, "yes": 9},
    trials=22,
    seconds=71.0,
    others=(OtherTrouble(text="crashed (SIGSEGV)", programs=1, example=Path("out/candidates/1f.pt2")),),
    controlled=False,
    again="yes",
    repro="no",
    repro_told="output 0: 1 of 1 elements are wrong\n  at [0]: expected 1, actual 2",
    out=Path("out"),
)
LINES = [
    "trouble: wrong output: input set 0, output 0: 1 of 4 elements are wrong",
    "reduced: 1 of 26 operations (3.8 %), 1 of 6976 elements of inputs and weights: aten.tanh.default",
    "it ended before nothing more could be removed, after as long as --most-minutes allows; run it again with more",
    "13 programs (3 no, 1 other, 9 yes), 22 trials, 71 s",
    "no step was tried without the setting: there is none, or the trouble is there without it, too",
    "study.yaml in new processes: shows it",
    "repro.py in a new interpreter without ablatrix: does NOT show it",
    "  output 0: 1 of 1 elements are wrong",
    "  at [0]: expected 1, actual 2",
    "another trouble, of 1 program: crashed (SIGSEGV) (out/candidates/1f.pt2)",
]


def test_reduction_lines_say_what_is_left_and_what_shows_it() -> None:
    assert reduction_lines(FOUND) == LINES


def test_show_reduction_names_the_files_that_come_next(capsys: pytest.CaptureFixture[str]) -> None:
    show_reduction(FOUND)
    printed = capsys.readouterr()
    assert "study.yaml in new processes: shows it" in printed.out
    for file in ("out/repro.py", "out/study.yaml", "out/issue.md"):
        assert file in printed.err


def test_keep_beside_is_a_finding_of_the_trial(tmp_path: Path) -> None:
    configuration: Any = SimpleNamespace(workload="net", compiler="inductor")
    keep_beside(FOUND, configuration, tmp_path, "8974259a", "ablatrix reduce 8974259a --results r --study s --out out")
    (kept,) = kept_findings([tmp_path / "results.jsonl"])
    assert kept.kind == "reduction"
    assert kept.title == "net on inductor: the smallest program with the trouble (trial 8974259a)"
    assert kept.lines == (*(line.strip() for line in LINES), "the script: out/repro.py")
    assert kept.command.endswith("--out out")
