"""What is gathered of records, one at a time, is what a plain look at all of them gives; and it is bounded."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.artifact.bundle.verify import Verification
from ablatrix.artifact.contents import Bounds, check_lines, gather
from ablatrix.artifact.contents.budget import MOST_NAMES
from ablatrix.artifact.contents.problem import LONGEST_DETAIL, MOST_LISTED
from ablatrix.canonical import content_id
from ablatrix.records.build import BuildFacts
from ablatrix.records.gpu import Gpu
from ablatrix.records.journal import final_records, record_line
from ablatrix.records.layout import Layout
from ablatrix.records.model import Record, Samples
from ablatrix.records.status import Status
from tests.artifact.conftest import reseal
from tests.synthetic import broken, make_records, write_records

GPU = Gpu(name="NVIDIA H100", memory_bytes=80 << 30, l2_bytes=50 << 20, count=1, driver="570.1")
STATUSES = [status.value for status in Status if status.is_final and status is not Status.OK]


def varied(seed: int) -> list[Record]:
    """Records of a made-up study in which whatever documents read was drawn, each trial with one final record."""
    rng = random.Random(seed)
    found = []
    for trial in make_records(blocks=2):
        attempts = rng.choice((1, 1, 1, 2, 3))
        for attempt in range(attempts):
            one = _drawn(rng, trial)
            status = "interrupted" if attempt < attempts - 1 else rng.choice(["ok"] * 12 + STATUSES)
            if status != "ok":
                one = broken(one, status)
            update = {
                "attempt": attempt,
                "final": attempt == attempts - 1,
                "record_id": content_id([trial.trial_id, attempt]),
                "wall_s": rng.choice((0.1, 0.2, rng.uniform(0, 1e3), 1e9)),
            }
            found.append(one.model_copy(update=update))
    rng.shuffle(found)
    return found


def _drawn(rng: random.Random, record: Record) -> Record:
    """The record with other versions, machine, threads, layout, build, source, device, caches, times and samples."""
    build = BuildFacts(
        name=rng.choice("ab"), digest="c" * 64, commit=None, dirty=None, program=None, complete_code=True
    )
    machine = record.meta.machine.model_copy(
        update={
            "host": rng.choice(("one", "two")),
            "gpu": rng.choice((None, GPU)),
            "cpus": rng.choice((None, [0, 1])),
            "memory_bytes": rng.choice((8 << 30, 16 << 30)),
        }
    )
    meta = {
        "machine": machine,
        "build": rng.choice((None, build)),
        "versions": record.meta.versions | {"torch": rng.choice(("2.1", "2.2")), rng.choice("xyz"): "1"},
        "threads": {rng.choice(("torch", "tvm")): rng.randrange(1, 4)},
        "time_utc": f"2026-01-0{rng.randrange(1, 9)}T00:00:0{rng.randrange(9)}.000+0{rng.randrange(3)}:00",
        "layout": rng.choice((None, Layout(sampling=rng.choice(("run", "both")), padding_seed=None, server=None))),
    }
    workload = {
        "source": rng.choice((None, "net.py:make", "net.onnx?a=1")),
        "source_digest": rng.choice((None, "ab" * 32)),
        "oracle": rng.choice((None, "float64", "float32")),
    }
    update: dict[str, Any] = {
        "meta": record.meta.model_copy(update=meta),
        "workload": record.workload.model_copy(update=workload),
        "config": record.config.model_copy(update={"device": rng.choice((None, "cpu", "cuda"))}),
    }
    if record.compile is not None:
        caches = {"cache_tag": rng.choice((None, "shared")), "compile_cache_miss_delta_first_run": rng.randrange(2)}
        update["compile"] = record.compile.model_copy(update=caches)
    if record.runtime is not None:
        file = rng.choice((None, f"samples/{record.block_id}.jsonl", "samples/all.jsonl"))
        samples = Samples(file=file, digest=f"{rng.randrange(16**8):064x}", counted=1, rewarming=0)
        runtime = {
            "peak_rss_compile_bytes": rng.choice((None, rng.randrange(2**40))),
            "peak_rss_delta_bytes": rng.choice((None, 0, rng.randrange(2**40))),
            "samples": rng.choice((None, samples)),
        }
        update["runtime"] = record.runtime.model_copy(update=runtime)
    return record.model_copy(update=update)


def plainly(records: Sequence[Record]) -> dict[str, object]:
    """The same as `gather`, of the whole list, by the journal's own choice of final records."""
    final = final_records(records)
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for one in records:
        groups[one.workload.name, one.mode].append(one)
    machines: dict[str, Any] = {}
    for one in final:
        key = one.meta.machine.model_dump_json(exclude={"gpu", "cpus", "memory_speed"})
        if key not in machines or machines[key].gpu is None:
            machines[key] = one.meta.machine
    versions: dict[str, dict[str, None]] = defaultdict(dict)
    for one in final:
        for package, version in one.meta.versions.items():
            versions[package][version] = None
    failed = [one for one in final if one.status.is_failure]
    compiles = [(one, one.compile) for one in final if one.compile is not None]
    starts = [datetime.fromisoformat(one.meta.time_utc) for one in records]
    modes = {one.mode for one in final}
    knobs = {
        knob: {level for one in final if (level := one.config.knobs.get(knob)) is not None} for knob in _knobs(final)
    }
    return {
        "count": len(records),
        "start": min(starts),
        "end": max(start + timedelta(seconds=one.wall_s) for start, one in zip(starts, records, strict=True)),
        "packages": {pair for one in records for pair in one.meta.versions.items()},
        "builds": {one.meta.build.name: one.meta.build.digest for one in records if one.meta.build is not None},
        "models": {
            (one.workload.source.split("?")[0].split(":")[0], one.workload.source_digest)
            for one in records
            if one.workload.source is not None and one.workload.source_digest is not None
        },
        "usages": [
            (workload, mode, len(group), sum(one.wall_s for one in group), _growth(group, mode), _files(group))
            for (workload, mode), group in sorted(groups.items())
        ],
        "statuses": Counter(one.status for one in final),
        "failed": [(one.trial_id, one.status, one.error and one.error.message, one.workload.name) for one in failed],
        "workloads": sorted({one.workload.name for one in final}),
        "oracles": [[one.workload.oracle for one in final if one.workload.name == name][-1] for name in _names(final)],
        "machines": [(one.host, one.memory_bytes, one.gpu) for one in machines.values()],
        "versions": {package: ", ".join(versions[package]) for package in sorted(versions)},
        "levels": {knob: levels for knob, levels in knobs.items() if levels},
        "threads": {pair for one in final for pair in one.meta.threads.items()},
        "samplings": {one.meta.layout.sampling for one in final if one.meta.layout is not None},
        "blocks": {mode: len({one.block_id for one in final if one.mode == mode}) for mode in modes},
        "compiled": (len(compiles), sum(compile.compile_cache_miss_delta_first_run > 0 for _, compile in compiles)),
        "tagged": sum(one.mode == "cold" and compile.cache_tag is not None for one, compile in compiles),
        "cuda": any(one.config.device == "cuda" for one in final),
        "lines": [(one.trial_id, one.record_id, one.cell_id, one.block_id, one.mode, one.final) for one in records],
    }


def _names(records: Sequence[Record]) -> list[str]:
    return sorted({one.workload.name for one in records})


def _knobs(records: Sequence[Record]) -> set[str]:
    return {knob for one in records for knob in one.config.knobs}


def _files(group: Sequence[Record]) -> set[str]:
    named = (one.runtime.samples for one in group if one.runtime is not None)
    return {one.file for one in named if one is not None and one.file is not None}


def _growth(group: Sequence[Record], mode: str) -> int | None:
    """The largest sum over what is alive at once: a block in hot mode, one record in cold mode."""
    live: dict[str, list[int]] = defaultdict(list)
    for one in group:
        if one.runtime is not None:
            sizes = (one.runtime.peak_rss_compile_bytes, one.runtime.peak_rss_delta_bytes)
            live[one.block_id if mode == "hot" else one.record_id] += [size for size in sizes if size is not None]
    return max((sum(sizes) for sizes in live.values() if sizes), default=None)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_gathered_facts_are_those_of_whole_list(seed: int) -> None:
    records = varied(seed)
    found, expected = gather(records), plainly(records)
    trials = found.trials
    fields = ("trial_id", "record_id", "cell_id", "block_id", "mode", "final")
    assert {
        "count": found.count,
        "start": found.start,
        "end": found.end,
        "packages": found.packages,
        "builds": found.builds,
        "models": found.models,
        "usages": [
            (one.workload, one.mode, one.attempts, one.seconds, one.growth_bytes, one.sample_files)
            for one in found.usages
        ],
        "statuses": trials.statuses,
        "failed": [(one.trial_id, one.status, one.message, one.workload) for one in trials.failed],
        "workloads": [one.name for one in trials.workloads],
        "oracles": [one.oracle for one in trials.workloads],
        "machines": [(one.host, one.memory_bytes, one.gpu) for one in trials.machines],
        "versions": trials.versions,
        "levels": {knob: set(levels) for knob, levels in trials.levels.items()},
        "threads": trials.threads,
        "samplings": trials.samplings,
        "blocks": trials.blocks,
        "compiled": (trials.reported, trials.compiled_anew),
        "tagged": trials.cache_tagged,
        "cuda": trials.asked_for_cuda,
        "lines": list(found.lines.select(fields).iter_rows()),
    } == expected


def test_gathered_samples_say_where_records_are(tmp_path: Path) -> None:
    records = make_records(workloads=("attention",), blocks=2, modes=("cold", "hot"))
    file = write_records(tmp_path / "results.jsonl", records)
    samples = check_lines(tmp_path)[0].samples
    hot = [one for one in records if one.runtime is not None and one.runtime.samples is not None]
    assert len(hot) == len(samples.offsets) == 36
    content = file.read_bytes()
    for place, one in enumerate(hot):
        assert one.runtime is not None
        assert one.runtime.samples is not None
        assert content[int(samples.offsets[place]) :].startswith(record_line(one).encode())
        assert samples.names[samples.files[place]] == one.runtime.samples.file
        assert samples.digest(place).hex() == one.runtime.samples.digest


def test_gathering_nothing_gives_no_records() -> None:
    found = gather([])
    assert (found.count, found.start, found.lines.height, found.trials.count, found.usages) == (0, None, 0, 0, ())


def hostile(change: Callable[[Record], Record]) -> list[Record]:
    """Records of which the first was changed."""
    first, *rest = make_records(workloads=("attention",), blocks=1, modes=("cold",))
    return [change(first), *rest]


def with_versions(record: Record) -> Record:
    versions = {f"package-{number}": "1" for number in range(MOST_NAMES)}
    return record.model_copy(update={"meta": record.meta.model_copy(update={"versions": versions})})


def with_threads(record: Record) -> Record:
    threads = {f"library-{number}": 1 for number in range(MOST_NAMES)}
    return record.model_copy(update={"meta": record.meta.model_copy(update={"threads": threads})})


@pytest.mark.parametrize("change", [with_versions, with_threads])
def test_record_of_too_many_names_ends_reading(tmp_path: Path, change: Callable[[Record], Record]) -> None:
    write_records(tmp_path / "results.jsonl", hostile(change))
    recorded, (problem,) = check_lines(tmp_path)
    assert recorded.count == 1
    assert problem.detail == (
        "up to line 1 they name more than 20000 different versions, levels, threads, machines, workloads, builds, "
        "models, compilers and keys; what follows was not read"
    )


def test_ids_beyond_what_is_kept_end_reading(tmp_path: Path) -> None:
    def with_long_id(record: Record) -> Record:
        return record.model_copy(update={"trial_id": "x" * 200_000})

    write_records(tmp_path / "results.jsonl", hostile(with_long_id))
    recorded, (problem,) = check_lines(tmp_path, Bounds(held_bytes=2**17))
    assert recorded.count == 1
    assert problem.detail == "up to line 1 their ids and names take more than 0.125 MiB; what follows was not read"


def test_messages_of_failed_trials_beyond_what_is_kept_end_reading(tmp_path: Path) -> None:
    records = [broken(one, "crashed") for one in make_records(workloads=("attention",), blocks=1, modes=("cold",))]
    write_records(tmp_path / "results.jsonl", records)
    recorded, (problem,) = check_lines(tmp_path, Bounds(failed_bytes=8192))
    assert 1 < recorded.count < len(records)
    assert "their failed trials take more than 0.0078125 MiB" in problem.detail


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (None, {"wall_s": 1e12}, "which ends beyond the calendar"),
        ("runtime", {"peak_rss_delta_bytes": 10**400}, "a size of 2^63 bytes or more, which no memory has"),
        ("machine", {"memory_bytes": 2**63}, "a size of 2^63 bytes or more, which no memory has"),
    ],
)
def test_record_that_says_what_cannot_be_is_a_problem(
    artifact: Path, check: Callable[[Path], Verification], part: str | None, change: dict[str, object], said: str
) -> None:
    first, *rest = (artifact / "results.jsonl").read_text().splitlines()
    second = rest.pop(0)  # the first was interrupted, and has no run time
    record = json.loads(second)
    (record if part is None else record["meta"]["machine"] if part == "machine" else record[part]).update(change)
    (artifact / "results.jsonl").write_text("\n".join([first, json.dumps(record), *rest, ""]))
    reseal(artifact)
    found = [one.detail for one in check(artifact).problems if one.path == "results.jsonl"]
    assert any(said in one for one in found), found


def test_thousands_of_lines_that_do_not_hold_are_counted(tmp_path: Path) -> None:
    key = "x" * 5000
    (tmp_path / "results.jsonl").write_text(f'{{"{key}": 1, "{key}": 2}}\n{{"{key}": 1}}\n' * 1500)
    recorded, problems = check_lines(tmp_path)
    assert (recorded.count, len(problems)) == (0, MOST_LISTED + 1)
    assert problems[-1].detail == "2000 more problems like these are not listed"
    assert max(len(one.detail) for one in problems) <= LONGEST_DETAIL + 3
