from pathlib import Path

import numpy as np
import pytest

from ablatrix.artifact.checks.samples_check import check_samples
from ablatrix.canonical import canonical_json, digest_bytes
from ablatrix.records.metrics import SAMPLE_METRICS
from ablatrix.records.model import Record, Samples
from tests.synthetic import make_records

BURSTS = [[1.5, 1.25, 1.75], [1.0, 3.0], [1.125]]


def _hot(bursts: list[list[float]], directory: Path) -> Record:
    """A hot record whose times are those of the bursts (by numpy), beside its side file."""
    record = make_records(workloads=("attention",), blocks=1, modes=("hot",))[0]
    value = {"trial_id": record.trial_id, "attempt": 0, "bursts_ms": bursts, "rewarming_ms": [], "warm_up_ms": []}
    line = canonical_json(value)
    (directory / "samples").mkdir(exist_ok=True)
    (directory / "samples/block-0.jsonl").write_text("{}\n" + line + "\n")
    counted = [sample for burst in bursts for sample in burst]
    assert record.runtime is not None
    times = {"run_ms_mean": float(np.mean(counted)), "run_ms_min": min(counted)}
    percents = {name: float(percent) for name, percent in SAMPLE_METRICS.items() if name not in times}
    times |= {name: float(np.percentile(counted, percent)) for name, percent in percents.items()}
    medians = [float(np.median(burst)) for burst in bursts]
    samples = Samples(
        file="samples/block-0.jsonl", digest=digest_bytes(line.encode()), counted=len(counted), rewarming=0
    )
    runtime = record.runtime.model_copy(
        update={**times, "burst_ms_p50": medians, "burst_ms_min": list(map(min, bursts)), "samples": samples}
    )
    return record.model_copy(update={"runtime": runtime})


def _with(record: Record, **times: object) -> Record:
    assert record.runtime is not None
    return record.model_copy(update={"runtime": record.runtime.model_copy(update=times)})


@pytest.mark.parametrize("bursts", [BURSTS, [[2.0]], [[0.1] * 7, [0.3] * 4]])
def test_samples_check_with_derived_times_passes(tmp_path: Path, bursts: list[list[float]]) -> None:
    assert check_samples(tmp_path, [_hot(bursts, tmp_path)]) == []


@pytest.mark.parametrize("name", SAMPLE_METRICS)
def test_samples_check_with_changed_or_missing_time_names_record(tmp_path: Path, name: str) -> None:
    record = _hot(BURSTS, tmp_path)
    for value in (getattr(record.runtime, name) * 1.0001, None):
        (problem,) = check_samples(tmp_path, [_with(record, **{name: value})])
        assert record.record_id in problem.detail
        assert name in problem.detail


@pytest.mark.parametrize("medians", [None, [], [1.5, 2.0], [1.5, 2.0, 1.126]])
def test_samples_check_with_changed_or_missing_burst_median_names_it(
    tmp_path: Path, medians: list[float] | None
) -> None:
    record = _hot(BURSTS, tmp_path)
    (problem,) = check_samples(tmp_path, [_with(record, burst_ms_p50=medians)])
    assert record.record_id in problem.detail
    assert "burst_ms_p50" in problem.detail


@pytest.mark.parametrize("fastest", [[], [1.0, 2.0], [1.0, 2.0, 0.9]])
def test_samples_check_with_changed_fastest_iteration_names_it(tmp_path: Path, fastest: list[float]) -> None:
    (problem,) = check_samples(tmp_path, [_with(_hot(BURSTS, tmp_path), burst_ms_min=fastest)])
    assert "burst_ms_min" in problem.detail


def test_samples_check_of_record_without_fastest_iterations_passes(tmp_path: Path) -> None:
    assert check_samples(tmp_path, [_with(_hot(BURSTS, tmp_path), burst_ms_min=None)]) == []


def test_samples_check_with_changed_samples_reports_mismatch(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path)
    path = tmp_path / "samples/block-0.jsonl"
    path.write_text(path.read_text().replace("1.75", "1.85"))
    (problem,) = check_samples(tmp_path, [record])
    assert problem.path == "samples/block-0.jsonl"


def test_samples_check_with_missing_side_file_names_it(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path)
    (tmp_path / "samples/block-0.jsonl").unlink()
    (problem,) = check_samples(tmp_path, [record])
    assert problem.path == "samples/block-0.jsonl"


def test_samples_check_with_samples_of_other_trial_reports_them(tmp_path: Path) -> None:
    record = _hot(BURSTS, tmp_path).model_copy(update={"trial_id": "f" * 16})
    (problem,) = check_samples(tmp_path, [record])
    assert "those of trial" in problem.detail


@pytest.mark.parametrize("text", ["[1]", "{}", '{"trial_id":1,"attempt":0,"bursts_ms":3}', "nonsense"])
def test_samples_check_with_malformed_line_reports_it(tmp_path: Path, text: str) -> None:
    record = _hot(BURSTS, tmp_path)
    (tmp_path / "samples/block-0.jsonl").write_text(text + "\n")
    samples = Samples(file="samples/block-0.jsonl", digest=digest_bytes(text.encode()), counted=1, rewarming=0)
    (problem,) = check_samples(tmp_path, [_with(record, samples=samples)])
    assert "cannot be read" in problem.detail


def test_samples_check_ignores_side_file_outside_artifact(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    record = _hot(BURSTS, tmp_path)
    assert record.runtime is not None
    assert record.runtime.samples is not None
    outside = record.runtime.samples.model_copy(update={"file": "../samples/block-0.jsonl"})
    assert len(check_samples(tmp_path / "inner", [_with(record, samples=outside)])) == 1


def test_samples_check_skips_records_without_side_file(tmp_path: Path) -> None:
    cold = make_records(workloads=("attention",), blocks=1, modes=("cold",))
    to_stdout = _hot(BURSTS, tmp_path)
    assert to_stdout.runtime is not None
    assert to_stdout.runtime.samples is not None
    no_file = _with(to_stdout, samples=to_stdout.runtime.samples.model_copy(update={"file": None}))
    assert check_samples(tmp_path, [*cold, no_file]) == []
