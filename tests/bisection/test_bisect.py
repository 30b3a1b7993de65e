"""A bisection of real builds, run by the engine: the planted commit is named, broken ones are skipped, it resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.bisection.made import PROGRAM, SLOW, WRONG, Made, make_bisection
from tests.builds.sources import git
from tests.cli.conftest import answer_here

LIMIT_S = 1800.0


def changed(number: int, text: str = PROGRAM, state: str = "good") -> dict[str, str]:
    """Files of a commit that differ from those of all others, in what does not matter."""
    return {"source.py": f"{text}# {number}\n", "state": f"{state}\n"}


def run_long(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own: several runs, one after the other."""
    command = [sys.executable, "-m", "ablatrix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five commits: from the fourth on outputs are wrong; the third, in the middle, cannot be built."""
    files = [changed(0), changed(1), changed(2, state="bad"), changed(3, WRONG), changed(4, WRONG)]
    return make_bisection(tmp_path_factory.mktemp("wrong"), files, ["cold"])


def command_of(made: Made, out: Path) -> list[str]:
    question = ["--for", "wrong_output", "--blocks", "1", "--confidence", "80%"]
    return ["bisect-builds", str(made.study), *question, "--out", str(out)]


@pytest.fixture(scope="module")
def out(wrong: Made) -> Path:
    """The directory of a bisection that is killed during its second look."""
    out = wrong.study.parent / "out"
    words = [sys.executable, "-m", "ablatrix", *command_of(wrong, out)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and process.poll() is None and len(list(out.glob("looks/*"))) < 2:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (out / "bisection.jsonl").read_text().count('"looked"') == 1
    return out


@pytest.fixture(scope="module")
def answer(wrong: Made, out: Path) -> dict[str, Any]:
    done = run_long(*command_of(wrong, out), "--json")
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_wrong_output_is_traced_to_commit_and_skipped_one_before_it(wrong: Made, answer: dict[str, Any]) -> None:
    assert [one["commit"] for one in answer["culprits"]] == [wrong.commits[2], wrong.commits[3]]
    assert answer["parent"] == wrong.commits[1]
    assert answer["ending"] == "found"
    assert answer["confidence"] >= 0.8


def test_commit_that_cannot_be_built_is_skipped(wrong: Made, answer: dict[str, Any]) -> None:
    (skipped,) = answer["skipped"]
    assert skipped["commit"] == wrong.commits[2]
    assert "'grep -q good state && cp source.py compiler.py' failed (exit code 1)" in skipped["why"]


def test_each_commit_is_built_once(wrong: Made, answer: dict[str, Any]) -> None:
    assert len(wrong.builds.read_text().splitlines()) == answer["builds"] + len(answer["skipped"])


def test_same_command_after_branch_moved_answers_from_journal(wrong: Made, out: Path, answer: dict[str, Any]) -> None:
    git(wrong.study.parent / "compiler", "commit", "--quiet", "--allow-empty", "--message", "later")
    before = (out / "bisection.jsonl").read_bytes()
    done = answer_here(*command_of(wrong, out))
    assert done.returncode == 0
    assert "culprit: one of 2 commits" in done.stdout.decode()
    assert f"{wrong.commits[3][:12]} change 3" in done.stdout.decode()
    assert f"git show {wrong.commits[3]}" in done.stderr.decode()
    assert (out / "bisection.jsonl").read_bytes() == before


def test_other_question_into_same_directory_is_refused(wrong: Made, out: Path, answer: dict[str, Any]) -> None:
    done = answer_here("bisect-builds", wrong.study, "--for", "crashed", "--out", out)
    assert done.returncode == 2
    assert b"is the journal of another bisection" in done.stderr


@pytest.mark.slow
def test_commits_whose_builds_cannot_be_used_are_skipped(tmp_path: Path) -> None:
    silent = "raise SystemExit('no module named speed')\n"
    files = [changed(0), changed(1, state="good, bare"), changed(2, silent), changed(3, WRONG)]
    made = make_bisection(tmp_path, files, ["cold"])
    done = answer_here(*command_of(made, tmp_path / "out"), "--json")
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert [one["commit"] for one in answer["culprits"]] == list(made.commits[1:])
    assert [(one["commit"], one["why"]) for one in answer["skipped"]] == [
        (
            made.commits[1],
            f"it cannot be built: commit {made.commits[1][:12]} has no directory 'library' for its 'pythonpath'",
        ),
        (made.commits[2], "its build cannot be used: mine: left with exit code 1 during 'describe'"),
    ]


@pytest.mark.long
def test_slow_down_is_traced_and_measured_beside_parent(tmp_path: Path) -> None:
    made = make_bisection(tmp_path, [changed(0), changed(1), changed(2, SLOW)], ["hot"])
    done = run_long("bisect-builds", made.study, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert [one["commit"] for one in answer["culprits"]] == [made.commits[2]]
    assert answer["ratio"]["blocks"] == 6
    assert answer["ratio"]["low"] > 1.3


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--for", "ugly"], "there is no trouble 'ugly'; there are: slower, "),
        (["--good", "bad", "--bad", "bad"], "'bad' is both the good build and the bad one"),
        (["--good", "other"], "compiler 'mine' has no build 'other'; it has: good, bad"),
        (["--workload", "encoder"], "the study has no workload 'encoder'; it has: mlp"),
        (["--metric", "speed"], "there is no metric 'speed'"),
        (["--confidence", "40%"], "the confidence must lie between 50 and 100 %, but is 0.4"),
        (["--good", "bad"], "the good commit has to come before the bad one"),
    ],
)
def test_question_that_does_not_fit_is_one_message(
    wrong: Made, tmp_path: Path, options: list[str], expected: str
) -> None:
    done = answer_here("bisect-builds", wrong.study, "--out", tmp_path, *options)
    assert done.returncode == 2
    assert expected in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
