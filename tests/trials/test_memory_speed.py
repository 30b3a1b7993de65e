"""The speed of memory: what is read of the machine, and that something is measured."""

from pathlib import Path

import pytest

from ablatrix.trials.host import memory_speed
from ablatrix.trials.host.memory_speed import last_cache_bytes, measure_memory_speed


def caches(root: Path, *sizes: str) -> Path:
    for index, size in enumerate(sizes):
        directory = root / f"sys/devices/system/cpu/cpu0/cache/index{index}"
        directory.mkdir(parents=True)
        (directory / "size").write_text(f"{size}\n")
    return root


def test_last_cache_is_the_largest_one_that_sysfs_has(tmp_path: Path) -> None:
    assert last_cache_bytes(tmp_path) is None
    assert last_cache_bytes(caches(tmp_path, "32K", "32K", "1024K", "32M")) == 32 << 20


def test_memory_speed_counts_the_bytes_that_each_loop_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.5, 0.25, 1.0] * memory_speed.TRIES)
    monkeypatch.setattr(memory_speed, "_seconds", lambda *_: next(seconds))
    found = measure_memory_speed(caches(tmp_path, "1M"))
    assert found.last_cache_bytes == 1 << 20
    assert found.bytes_per_s == 2 * (2 << 20) / 0.25  # the copy, which moves two arrays


def test_memory_speed_of_this_machine_is_between_a_disk_and_a_cache(tmp_path: Path) -> None:
    found = measure_memory_speed(caches(tmp_path, "4M"))
    assert 1e8 < found.bytes_per_s < 1e13
