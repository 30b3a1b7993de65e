"""What runs leave on a host: caches go after a day, spools that nobody asked for after a month."""

from __future__ import annotations

import os
from pathlib import Path

from ablatrix.trials.slots.leftovers import MOST_RUNS, prune_runs

DAY = 24 * 3600.0
NOW = 1000 * DAY


def left(runs: Path, name: str, age: float, *spools: str) -> None:
    run = runs / name
    (run / "spools").mkdir(parents=True)
    (run / "work" / "cache").mkdir(parents=True)
    for spool in spools:
        (run / "spools" / spool).write_text("{}\n")
    for path in (*run.rglob("*"), run):
        os.utime(path, (NOW - age, NOW - age))


def test_caches_of_a_run_go_after_a_day_and_spools_after_a_month(tmp_path: Path) -> None:
    left(tmp_path, "lately", 0.5 * DAY)
    left(tmp_path, "ended", 2 * DAY)
    left(tmp_path, "waiting", 20 * DAY, "abcd")
    left(tmp_path, "forgotten", 40 * DAY, "abcd")
    left(tmp_path, "own", 90 * DAY)
    assert sorted(prune_runs(tmp_path, "own", NOW, "spools")) == ["ended", "forgotten"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["lately", "own", "waiting"]


def test_run_that_is_at_work_is_not_old(tmp_path: Path) -> None:
    left(tmp_path, "long", 50 * DAY)
    os.utime(tmp_path / "long" / "work" / "cache", (NOW - 60.0, NOW - 60.0))
    assert prune_runs(tmp_path, "own", NOW, "spools") == []


def test_no_more_than_some_runs_keep_caches(tmp_path: Path) -> None:
    for number in range(MOST_RUNS + 3):
        left(tmp_path, f"run{number:02}", number * 60.0)
    left(tmp_path, "waiting", DAY / 2, "abcd")
    gone = prune_runs(tmp_path, "own", NOW, "spools")
    assert sorted(gone) == [f"run{number:02}" for number in range(MOST_RUNS, MOST_RUNS + 3)]


def test_no_directory_yet_is_nothing_to_remove(tmp_path: Path) -> None:
    assert prune_runs(tmp_path / "runs", "own", NOW, "spools") == []
