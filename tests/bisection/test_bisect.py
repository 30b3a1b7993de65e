"""A bisection of real builds, each run by the engine: the planted commit is named, broken ones skipped, it resumes."""

from __future__ import annotations

import json

import pytest

from tests.bisection.made import PROGRAM, WRONG, Made, make_bisection
from tests.cli.conftest import Ablatrix

RIGHT = {"source.py": PROGRAM}


def changed(number: int, text: str = PROGRAM) -> dict[str, str]:
    """Files of a commit that differ from those before it and after it, in what does not matter."""
    return {"source.py": f"{text}# {number}\n", "state": "good\n"}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Seven commits: from the fifth on outputs are wrong; the third cannot be built."""
    files = [changed(0), changed(1), {**changed(2), "state": "bad\n"}, changed(3), *(changed(n, WRONG) for n in (4, 5, 6))]
    return make_bisection(tmp_path_factory.mktemp("wrong"), files, ["cold"])


@pytest.fixture(scope="module")
def answer(wrong: Made, ablatrix: Ablatrix) -> dict[str, object]:
    out = wrong.study.parent / "out"
    done = ablatrix("bisect-builds", wrong.study, "--for", "wrong_output", "--blocks", "1", "--out", out, "--json")
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_wrong_output_is_traced_to_its_commit(wrong: Made, answer: dict[str, object]) -> None:
    assert answer["culprits"] == [{"commit": wrong.commits[4], "subject": "change 4"}]
    assert answer["parent"] == wrong.commits[3]
    assert answer["ending"] == "found"


def test_each_commit_is_built_once(wrong: Made, answer: dict[str, object]) -> None:
    builds, skipped = answer["builds"], answer["skipped"]
    assert isinstance(builds, int)
    assert isinstance(skipped, list)
    assert len(wrong.builds.read_text().splitlines()) == builds + len(skipped)


def test_same_command_again_answers_from_journal(wrong: Made, answer: dict[str, object], here: Ablatrix) -> None:
    out = wrong.study.parent / "out"
    before = (out / "bisection.jsonl").read_bytes()
    done = here("bisect-builds", wrong.study, "--for", "wrong-output", "--blocks", "1", "--out", out)
    assert done.returncode == 0
    assert f"culprit: {wrong.commits[4][:12]} change 4" in done.stdout.decode()
    assert (out / "bisection.jsonl").read_bytes() == before


def test_other_question_into_same_directory_is_refused(wrong: Made, answer: dict[str, object], here: Ablatrix) -> None:
    done = here("bisect-builds", wrong.study, "--for", "crashed", "--out", wrong.study.parent / "out")
    assert done.returncode == 2
    assert b"is the journal of another bisection" in done.stderr
