"""Caches of what hot trials built take no more of a disk than they leave free."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.compilers.cache import CONTENTS
from ablatrix.records.status import Status
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run.hot_caches import HotCaches, clear_caches
from ablatrix.trials.run.runner import RunSummary, _ended


def make(directory: Path, cell: str, size: int) -> None:
    (directory / cell / "entry").mkdir(parents=True)
    (directory / cell / "entry" / "program").write_bytes(b"x" * size)


def disk(directory: Path, size: int) -> Callable[[Path], int]:
    """Return how much of a disk of some bytes is free, which has nothing else on it."""

    def free(_: Path) -> int:
        files = {(one.stat().st_ino, one.stat().st_size) for one in directory.rglob("*") if one.is_file()}
        return size - sum(taken for _, taken in files)

    return free


def names(directory: Path) -> list[str]:
    return sorted(one.name for one in directory.iterdir())


def test_used_caches_that_were_used_longest_ago_go_first(tmp_path: Path) -> None:
    caches = HotCaches(tmp_path, disk(tmp_path, 600))
    for cell in ("a", "b", "c"):
        make(tmp_path, cell, 100)
        assert caches.used([cell]) == []
    assert caches.used(["a"]) == []  # 300 of 600
    make(tmp_path, "d", 100)
    assert caches.used(["d"]) == ["b"]
    assert names(tmp_path) == ["a", "c", "d"]


def test_used_caches_of_the_block_itself_stay(tmp_path: Path) -> None:
    caches = HotCaches(tmp_path, disk(tmp_path, 100))
    make(tmp_path, "a", 90)
    assert caches.used(["a"]) == []
    assert names(tmp_path) == ["a"]


def test_used_what_an_earlier_run_left_counts_and_the_oldest_goes(tmp_path: Path) -> None:
    for number, cell in enumerate(("new", "old")):
        make(tmp_path, cell, 100)
        os.utime(tmp_path / cell, (1000 - number, 1000 - number))
    make(tmp_path, "mine", 100)
    assert HotCaches(tmp_path, disk(tmp_path, 500)).used(["mine"]) == ["old"]


def test_used_files_that_caches_share_go_with_the_last_of_them(tmp_path: Path) -> None:
    shared = tmp_path / CONTENTS / "digest"
    shared.parent.mkdir()
    shared.write_bytes(b"x" * 300)
    for cell in ("a", "b"):
        (tmp_path / cell).mkdir()
        os.link(shared, tmp_path / cell / "program")
    caches = HotCaches(tmp_path, lambda _: 0)
    make(tmp_path, "c", 10)
    assert caches.used(["b", "c"]) == ["a"]
    assert shared.exists()
    assert caches.used(["c"]) == ["b"]
    assert not shared.exists()


def test_clear_caches_nothing_is_left_and_nothing_need_be_there(tmp_path: Path) -> None:
    make(tmp_path / "hot", "a", 10)
    clear_caches(tmp_path / "hot")
    clear_caches(tmp_path / "hot")
    assert not (tmp_path / "hot").exists()
    assert HotCaches(tmp_path / "hot").used(["a"]) == []


@pytest.mark.parametrize(
    ("done", "only", "left"),
    [(2, (), False), (1, (), True), (2, ("workload=mlp",), True)],
    ids=["done", "part", "some"],
)
def test_run_caches_go_when_no_trial_is_left(tmp_path: Path, done: int, only: tuple[str, ...], left: bool) -> None:
    directory = ResultDirectory(tmp_path)
    make(directory.hot_caches, "a", 10)
    _ended(RunSummary(directory.results, 2, {Status.OK: done}, None), directory, only)
    assert directory.hot_caches.exists() is left
    assert directory.work.exists()
