from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.cache import CacheCounters, CacheEntry, Scope, TaskCache, task_key

FACTS = {"structure": "f(x)", "target": "llvm"}
KEY = task_key(FACTS)


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    file = tmp_path / "built.so"
    file.write_bytes(b"machine code")
    return file


def test_cache_entry_is_found_in_memory_by_maker_and_on_disk_by_others(tmp_path: Path, artifact: Path) -> None:
    cache = TaskCache(tmp_path / "cache")
    assert cache.get(KEY) is None
    cache.put(KEY, FACTS, artifact, {"calls": 3})
    assert cache.get(KEY) is not None
    assert cache.counters == CacheCounters(hits_memory=1, misses=1)
    other = TaskCache(tmp_path / "cache")
    entry = other.get(KEY)
    assert entry is not None
    assert entry.path.read_bytes() == b"machine code"
    assert entry.extra == {"calls": 3}
    assert entry.path.suffix == ".so"
    assert other.get(KEY) is entry
    assert other.counters == CacheCounters(hits_memory=1, hits_disk=1)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"compiler": "mine too"}, id="compiler"),
        pytest.param({"code": "edited"}, id="code"),
        pytest.param({"versions": {"mine": "2"}}, id="version"),
        pytest.param({"processor": "a" * 64}, id="processor"),
        pytest.param({"knobs": {"tile": 8}}, id="level"),
        pytest.param({"knobs": {}}, id="knob"),
    ],
)
def test_cache_finds_no_entry_of_another_scope(tmp_path: Path, artifact: Path, other: dict[str, Any]) -> None:
    scope = Scope(compiler="mine", code="first", versions={"mine": "1"}, knobs={"tile": 4})
    TaskCache(tmp_path / "cache", scope=scope).put(KEY, FACTS, artifact, {})
    assert TaskCache(tmp_path / "cache", scope=replace(scope)).get(KEY) is not None
    assert TaskCache(tmp_path / "cache", scope=replace(scope, **other)).get(KEY) is None
    assert TaskCache(tmp_path / "cache").get(KEY) is None


def test_cache_counters_are_snapshots_that_subtract(tmp_path: Path) -> None:
    cache = TaskCache(tmp_path)
    cache.get("a")
    before = cache.counters
    cache.get("b")
    cache.get("c")
    assert cache.counters - before == CacheCounters(misses=2)
    assert before == CacheCounters(misses=1)


def test_cache_memory_can_be_shared(tmp_path: Path, artifact: Path) -> None:
    memory: dict[str, CacheEntry] = {}
    TaskCache(None, memory).put(KEY, FACTS, artifact, {})
    second = TaskCache(None, memory)
    entry = second.get(KEY)
    assert entry is not None
    assert entry.path == artifact
    assert second.counters == CacheCounters(hits_memory=1)


@pytest.mark.parametrize("file", ["artifact.so", "entry.json"])
def test_cache_with_damaged_entry_fails_sets_it_aside_and_rebuilds(tmp_path: Path, artifact: Path, file: str) -> None:
    TaskCache(tmp_path / "cache").put(KEY, FACTS, artifact, {})
    (entry,) = (tmp_path / "cache").iterdir()
    damaged = entry / file
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    cache = TaskCache(tmp_path / "cache")
    assert cache.get(KEY) is None
    assert cache.counters == CacheCounters(misses=1, fails=1)
    cache.put(KEY, FACTS, artifact, {})
    assert TaskCache(tmp_path / "cache").get(KEY) is not None


def test_cache_entry_under_wrong_key_fails(tmp_path: Path, artifact: Path) -> None:
    TaskCache(tmp_path / "cache").put(KEY, FACTS, artifact, {})
    other_facts = {"structure": "g(x)"}
    wrong = task_key(other_facts)
    TaskCache(tmp_path / "other").put(wrong, other_facts, artifact, {})
    (right,), (other,) = tmp_path.glob("cache/*"), tmp_path.glob("other/*")
    right.rename(tmp_path / "cache" / other.name)
    cache = TaskCache(tmp_path / "cache")
    assert cache.get(wrong) is None
    assert cache.counters.fails == 1


def test_cache_entries_when_published_are_hits_elsewhere(tmp_path: Path, artifact: Path) -> None:
    private = TaskCache(tmp_path / "private")
    private.get(KEY)
    private.put(KEY, FACTS, artifact, {"calls": 1})
    assert private.publish_to(tmp_path / "hot") == 1
    assert private.publish_to(tmp_path / "hot") == 0
    hot = TaskCache(tmp_path / "hot")
    entry = hot.get(KEY)
    assert entry is not None
    assert entry.extra == {"calls": 1}


def test_equal_artifacts_of_several_caches_are_one_file_where_contents_are_kept(tmp_path: Path, artifact: Path) -> None:
    for name in ("one", "other"):
        private = TaskCache(tmp_path / f"private-{name}")
        private.get(KEY)
        private.put(KEY, FACTS, artifact, {})
        assert private.publish_to(tmp_path / "hot" / name, tmp_path / "hot" / ".contents") == 1
    (one,), (other,) = tmp_path.glob("hot/one/*/artifact.so"), tmp_path.glob("hot/other/*/artifact.so")
    assert one.stat().st_ino == other.stat().st_ino
    assert TaskCache(tmp_path / "hot" / "other").get(KEY) is not None


def test_cache_remembers_requested_keys_without_order(tmp_path: Path) -> None:
    one, other = TaskCache(tmp_path), TaskCache(tmp_path)
    for key in ("a", "b", "a"):
        one.get(key)
    for key in ("b", "a"):
        other.get(key)
    assert one.key_set_size == 2
    assert one.key_set_digest == other.key_set_digest
    other.get("c")
    assert one.key_set_digest != other.key_set_digest


def _store_often(directory: Path, artifact: Path) -> int:
    for _ in range(30):
        TaskCache(directory).put(KEY, FACTS, artifact, {})
        cache = TaskCache(directory)
        if cache.get(KEY) is None or cache.counters.fails:
            return 1
    return 0


@pytest.mark.slow
def test_cache_with_concurrent_writers_of_one_entry_stays_intact(tmp_path: Path, artifact: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(_store_often, tmp_path / "cache", artifact) for _ in range(3)]
        assert [run.result() for run in runs] == [0, 0, 0]
    assert len(list((tmp_path / "cache").iterdir())) == 1
