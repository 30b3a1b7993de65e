"""``ablatrix history``: the table, the page, the exit code; refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ablatrix
from tests.history_of_builds import build_records, write_run


@pytest.fixture(scope="module")
def nightly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten runs; the new build is 5 % slower from the sixth on, and the last three ran on another machine."""
    path = tmp_path_factory.mktemp("nightly")
    for day in range(1, 11):
        factors = {"stable": 1.0, "head": 1.05 if day >= 6 else 1.0}
        host, slow = ("old", 1.0) if day < 8 else ("new", 1.7)
        write_run(path / f"2026-01-{day:02d}", build_records(factors, seed=day, day=day, host=host, slow=slow))
    return path


def test_slower_build_is_named_with_its_run_and_exits_1(here: Ablatrix, nightly: Path) -> None:
    done = here("history", nightly)
    assert done.returncode == 1
    text = done.stdout.decode()
    assert "slower from 2026-01-06 on: 1.0" in text
    assert "another machine from 2026-01-08 on: new" in text
    assert "10 points; at most one false alarm is expected" in text
    assert done.stderr == b""


def test_change_before_last_runs_exits_0(here: Ablatrix, nightly: Path) -> None:
    assert here("history", nightly, "--last", "3").returncode == 0


def test_json_has_points_and_alarms(here: Ablatrix, nightly: Path) -> None:
    done = here("history", *sorted(nightly.iterdir()), "--json")
    data = json.loads(done.stdout)
    assert data["holds"] is False
    assert [one["run"] for one in data["alarms"]] == ["2026-01-06"]
    assert len(data["series"][0]["points"]) == 10


def test_page_has_figure_in_words_and_table(here: Ablatrix, nightly: Path, tmp_path: Path) -> None:
    page = tmp_path / "history.html"
    done = here("history", nightly, "--page", page)
    assert str(page) in done.stderr.decode()
    text = page.read_text()
    assert "From 2026-01-06 on slower: by 1.0" in text
    assert "Another machine from 2026-01-08 on." in text
    assert '<table id="points-0">' in text
    here("history", nightly, "--page", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--head", "other"], "it has no build 'other', but: head, stable"),
        (["--metric", "speed"], "there is no metric 'speed' for a history"),
        (["--least", "many"], "--least many: must lie between 0 and 100 %"),
    ],
)
def test_wrong_option_is_one_message_and_exits_2(
    here: Ablatrix, nightly: Path, arguments: list[str], expected: str
) -> None:
    done = here("history", nightly, *arguments)
    assert done.returncode == 2
    assert expected in done.stderr.decode()
    assert done.stdout == b""


def test_directory_without_runs_exits_2(here: Ablatrix, tmp_path: Path) -> None:
    done = here("history", tmp_path)
    assert done.returncode == 2
    assert b"contains no run" in done.stderr
