from io import BufferedReader
from pathlib import Path

import numpy as np
import pytest

from ablatrix.artifact.checks.samples_check import check_samples
from ablatrix.artifact.contents import Problem, check_lines
from ablatrix.canonical import canonical_json, digest_bytes
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import Record, Samples
from ablatrix.regular_files import open_regular
from tests.synthetic import make_records, write_records

BURSTS = [[1.5, 1.25, 1.75], [1.0, 3.0], [1.125]]


def _line(record: Record, bursts: list[list[float]]) -> dict[str, object]:
    owner = {"trial_id": record.trial_id, "attempt": record.attempt}
    return {**owner, "bursts_ms": bursts, "rewarming_ms": [], "warm_up_ms": []}


def _hot(bursts: list[list[float]], directory: Path) -> Record:
    """A hot record whose times are those of the bursts (by numpy), beside its side file."""
    record = make_records(workloads=("attention",), blocks=1, modes=("hot",))[0]
    line = canonical_json(_line(record, bursts))
    (directory / "samples").mkdir(exist_ok=True)
    (directory / "samples/block-0.jsonl").write_text("{}\n" + line + "\n")
    return _summarised(record, bursts, "samples/block-0.jsonl", digest_bytes(line.encode()))


def _summarised(record: Record, bursts: list[list[float]], file: str, digest: str) -> Record:
    """The record with the times of bursts, whose line has a digest."""
    counted = [sample for burst in bursts for sample in burst]
    assert record.runtime is not None
    times = {"run_ms_mean": float(np.mean(counted)), "run_ms_min": min(counted)}
    percents = {name: float(percent) for name, percent in SAMPLE_METRICS.items() if name not in times}
    times |= {name: float(np.percentile(counted, percent)) for name, percent in percents.items()}
    medians = [float(np.median(burst)) for burst in bursts]
    samples = Samples(file=file, digest=digest, counted=len(counted), rewarming=0)
    runtime = record.runtime.model_copy(
        update={**times, "burst_ms_p50": medians, "burst_ms_min": list(map(min, bursts)), "samples": samples}
    )
    return record.model_copy(update={"runtime": runtime})


def found(directory: Path, records: list[Record]) -> list[Problem]:
    """What is wrong with the samples of records, which are all that the directory has."""
    write_records(directory / "results.jsonl", records)
    recorded, problems = check_lines(directory)
    assert (recorded.count, problems) == (len(records), [])
    return check_samples(directory, recorded.samples)


def _with(record: Record, **times: object) -> Record:
    assert record.runtime is not None
    return record.model_copy(update={"runtime": record.runtime.model_copy(update=times)})


@pytest.mark.parametrize("bursts", [BURSTS, [[2.0]], [[0.1] * 7, [0.3] * 4]])
def test_samples_check_with_derived_times_passes(tmp_path: Path, bursts: list[list[float]]) -> None:
    assert found(tmp_path, [_hot(bursts, tmp_path)]) == []


@pytest.mark.parametrize("name", SAMPLE_METRICS)
def test_samples_check_with_changed_or_missing_time_names_record(tmp_path: Path, name: str) -> None:
    record = _hot(BURSTS, tmp_path)
    for value in (getattr(record.runtime, name) * 1.0001, None):
        (problem,) = found(tmp_path, [_with(record, **{name: value})])
        assert record.record_id in problem.detail
        assert name in problem.detail


@pytest.mark.parametrize("medians", [None, [], [1.5, 2.0], [1.5, 2.0, 1.126]])
def test_samples_check_with_changed_or_missing_burst_median_names_it(
    tmp_path: Path, medians: list[float] | None
) -> None:
    record = _hot(BURSTS, tmp_path)
    (problem,) = found(tmp_path, [_with(record, burst_ms_p50=medians)])
    assert record.record_id in problem.detail
    assert "burst_ms_p50" in problem.detail


@pytest.mark.parametrize("fastest", [[], [1.0, 2.0], [1.0, 2.0, 0.9]])
def test_samples_check_with_changed_fastest_iteration_names_it(tmp_path: Path, fastest: list[float]) -> None:
    (problem,) = found(tmp_path, [_with(_hot(BURSTS, tmp_path), burst_ms_min=fastest)])
    assert "burst_ms_min" in problem.detail


def test_samples_check_of_record_without_fastest_iterations_passes(tmp_path: Path) -> None:
    assert found(tmp_path, [_with(_hot(BURSTS, tmp_path), burst_ms_min=None)]) == []


def test_samples_check_with_changed_samples_reports_mismatch(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path)
    path = tmp_path / "samples/block-0.jsonl"
    path.write_text(path.read_text().replace("1.75", "1.85"))
    (problem,) = found(tmp_path, [record])
    assert problem.path == "samples/block-0.jsonl"


def test_samples_check_with_missing_side_file_names_it(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path)
    (tmp_path / "samples/block-0.jsonl").unlink()
    (problem,) = found(tmp_path, [record])
    assert problem.path == "samples/block-0.jsonl"


def test_samples_check_with_samples_of_other_trial_reports_them(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path).model_copy(update={"trial_id": "f" * 16})
    (problem,) = found(tmp_path, [record])
    assert "those of trial" in problem.detail


@pytest.mark.parametrize("text", ["[1]", "{}", '{"trial_id":1,"attempt":0,"bursts_ms":3}', "nonsense"])
def test_samples_check_with_malformed_line_reports_it(tmp_path: Path, text: str) -> None:
    record = _hot(BURSTS, tmp_path)
    (tmp_path / "samples/block-0.jsonl").write_text(text + "\n")
    samples = Samples(file="samples/block-0.jsonl", digest=digest_bytes(text.encode()), counted=1, rewarming=0)
    (problem,) = found(tmp_path, [_with(record, samples=samples)])
    assert "cannot be read" in problem.detail


def test_samples_check_ignores_side_file_outside_artifact(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    record = _hot(BURSTS, tmp_path)
    assert record.runtime is not None
    assert record.runtime.samples is not None
    outside = record.runtime.samples.model_copy(update={"file": "../samples/block-0.jsonl"})
    assert len(found(tmp_path / "inner", [_with(record, samples=outside)])) == 1


def test_samples_check_skips_records_without_side_file(tmp_path: Path) -> None:
    cold = make_records(workloads=("attention",), blocks=1, modes=("cold",))
    to_stdout = _hot(BURSTS, tmp_path)
    assert to_stdout.runtime is not None
    assert to_stdout.runtime.samples is not None
    no_file = _with(to_stdout, samples=to_stdout.runtime.samples.model_copy(update={"file": None}))
    assert found(tmp_path, [*cold, no_file]) == []


def _several(directory: Path, blocks: int) -> list[Record]:
    """Hot records, a line of samples for each: those of one file are as far apart as they can be."""
    made: list[Record] = []
    (directory / "samples").mkdir()
    for record in make_records(workloads=("attention",), blocks=blocks, modes=("hot",)):
        bursts = [[1.0 + len(made), 2.0], [3.0 + len(made)]]
        file = f"samples/block-{record.meta.block}.jsonl"
        line = canonical_json(_line(record, bursts))
        with (directory / file).open("a") as stream:
            stream.write(line + "\n")
        made.append(_summarised(record, bursts, file, digest_bytes(line.encode())))
    return sorted(made, key=lambda one: one.meta.position % 18)


def test_samples_check_of_records_far_apart_finds_each_change(tmp_path: Path) -> None:
    records = _several(tmp_path, blocks=4)
    files = [one.runtime.samples.file for one in records if one.runtime and one.runtime.samples]
    assert files[:5] == [*(f"samples/block-{number}.jsonl" for number in range(4)), "samples/block-0.jsonl"]
    assert found(tmp_path, records) == []
    path = tmp_path / "samples/block-2.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0].replace("2.0", "2.5"), *lines[1:]]))
    (problem,) = found(tmp_path, records)
    assert problem.path == "samples/block-2.jsonl"
    changed = [_with(records[0], run_ms_min=0.5), *records[1:40], _with(records[40], run_ms_p50=0.5), *records[41:]]
    assert len(found(tmp_path, changed)) == 3


def test_samples_check_reads_a_file_of_many_names_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _hot(BURSTS, tmp_path)
    assert record.runtime is not None
    assert record.runtime.samples is not None
    named = [
        _with(record, samples=record.runtime.samples.model_copy(update={"file": f"samples/{'./' * n}block-0.jsonl"}))
        for n in range(20)
    ]
    opened = []

    def counted(path: Path) -> BufferedReader:
        opened.append(path.name)
        return open_regular(path)

    monkeypatch.setattr("ablatrix.artifact.checks.samples_check.open_regular", counted)
    assert found(tmp_path, named) == []
    assert opened.count("block-0.jsonl") == 1


@pytest.mark.parametrize("name", [f"samples/{'x' * 5000}", "samples"])
def test_samples_check_of_name_that_no_file_has_reports_it(tmp_path: Path, name: str) -> None:
    record = _hot(BURSTS, tmp_path)
    assert record.runtime is not None
    assert record.runtime.samples is not None
    (problem,) = found(tmp_path, [_with(record, samples=record.runtime.samples.model_copy(update={"file": name}))])
    assert "are missing, or not those it was made from" in problem.detail


def test_samples_check_of_line_with_too_many_values_reads_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _hot(BURSTS, tmp_path)
    monkeypatch.setattr("ablatrix.artifact.checks.samples_check.MOST_OBJECT_BYTES", 500)
    (problem,) = found(tmp_path, [record])
    assert "was not read: its values take more than 0.000476837 MiB of memory" in problem.detail


def test_samples_check_of_line_that_is_too_long_stops_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = _hot(BURSTS, tmp_path)
    monkeypatch.setattr("ablatrix.artifact.checks.samples_check.LONGEST_SAMPLES", 50)
    problems = found(tmp_path, [record])
    assert [one.path for one in problems] == ["samples/block-0.jsonl"] * 2
    assert problems[0].detail == "a line has more than 50 bytes; it and what follows were not read"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1.0", "1e13", '"1.5"', "null"])
def test_samples_check_of_sample_that_no_clock_gives_reports_it(tmp_path: Path, value: str) -> None:
    record = _hot(BURSTS, tmp_path)
    path = tmp_path / "samples/block-0.jsonl"
    line = path.read_text().splitlines()[1].replace("1.75", value)
    path.write_text(line + "\n")
    samples = Samples(file="samples/block-0.jsonl", digest=digest_bytes(line.encode()), counted=1, rewarming=0)
    (problem,) = found(tmp_path, [_with(record, samples=samples)])
    assert "cannot be read" in problem.detail
