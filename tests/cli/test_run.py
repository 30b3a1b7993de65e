"""``ablatrix run``: stdout carries records alone, exit codes tell, a second run resumes, an interrupt loses nothing.

``ablatrix rerun``: one trial once more, here, and what its compiler has of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ablatrix.records.journal import read_records
from ablatrix.records.schema import validate_line
from tests.cli.conftest import STUDY, Ablatrix, with_programs


def planned(here: Ablatrix, study: Path) -> list[str]:
    design = json.loads(here("design", study, "--json").stdout)
    return [trial["trial_id"] for trial in design["trials"]]


@pytest.fixture(scope="module")
def streamed(ablatrix: Ablatrix, study_file: Path) -> subprocess.CompletedProcess[bytes]:
    """A run with its records on stdout, and its log beside its progress on stderr."""
    done = ablatrix("--log-level", "info", "run", study_file, "--out", "-")
    assert done.returncode == 0, done.stderr.decode()
    return done


def test_run_stdout_has_one_valid_record_per_trial_and_nothing_else(
    here: Ablatrix, study_file: Path, streamed: subprocess.CompletedProcess[bytes]
) -> None:
    text = streamed.stdout.decode()
    assert text.endswith("\n")
    records = [validate_line(line) for line in text.splitlines()]
    assert sorted(record.trial_id for record in records) == sorted(planned(here, study_file))
    assert {record.status for record in records} == {"ok"}
    assert {(record.mode, record.role) for record in records} == {
        ("cold", "measured"),
        ("cold", "reference"),
        ("hot", "measured"),
        ("hot", "reference"),
        ("hot", "twin"),
    }
    assert all(record.correctness and record.correctness.missing == 0 for record in records)


def test_run_with_log_level_shows_log_on_stderr_only(streamed: subprocess.CompletedProcess[bytes]) -> None:
    assert all(validate_line(line) for line in streamed.stdout.decode().splitlines())
    logged = [line for line in streamed.stderr.decode().splitlines() if line.startswith("INFO ablatrix.")]
    assert any("ablatrix.trials.run.runner: run of study 'smoke'" in line for line in logged)
    assert not any(line.startswith("DEBUG") for line in streamed.stderr.decode().splitlines())


@dataclass(frozen=True)
class Part:
    """How a run ended, and its lines."""

    code: int
    lines: list[str]


@pytest.fixture(scope="module")
def part(here: Ablatrix, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Part:
    """A quiet run of part of a study in which no hot trial can end in time; its program is prepared already."""
    place = tmp_path_factory.mktemp("failing")
    study, out = place / "failing.yaml", with_programs(finished, place / "out")
    study.write_text(STUDY.replace("warm_up_ms: 1, timeout_s: 120}", "warm_up_ms: 1, timeout_s: 0.005}"))
    done = here("run", study, "--out", out, "--quiet", "--only", "mode=hot", "--only", "fusion=on")
    return Part(done.returncode, (out / "results.jsonl").read_text(encoding="utf-8").splitlines())


def test_run_with_failures_writes_valid_records_and_exits_with_1(part: Part) -> None:
    assert part.code == 1
    records = [validate_line(line) for line in part.lines]
    assert {record.status for record in records} == {"timeout"}
    for record in records:
        assert record.error is not None
        assert record.error.type == "timeout"
        assert record.runtime is None


def test_run_with_only_restricts_trials_but_keeps_partners_of_pairs(part: Part) -> None:
    records = [validate_line(line) for line in part.lines]
    assert {record.mode for record in records} == {"hot"}
    assert sorted(record.role for record in records) == ["measured", "measured", "reference", "twin"]


@pytest.mark.long
def test_run_of_cuda_study_without_gpu_skips_every_cell_with_reason(
    ablatrix: Ablatrix, here: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    study = tmp_path / "cuda.yaml"
    study.write_text(STUDY.replace("modes:", "device: cuda\nmodes:").replace("max_blocks: 1", "max_blocks: 9"))
    done = ablatrix("run", study, "--out", "-", "--quiet")
    assert done.returncode == 0, done.stderr.decode()
    records = [validate_line(line) for line in done.stdout.decode().splitlines()]
    assert sorted(record.trial_id for record in records) == sorted(planned(here, study))  # no block was added
    assert {(record.status, record.config.device) for record in records} == {("unsupported", "cuda")}
    messages = {(record.config.compiler, record.error.message) for record in records if record.error}
    reasons = dict(messages)
    assert len(reasons) == len(messages) == 2
    assert reasons["tvm"].startswith("compiler 'tvm' does not run on CUDA: its pipeline")
    assert reasons["eager"].startswith("device 'cuda': ")
    assert all(record.meta.environment["PYTORCH_NVML_BASED_CUDA_CHECK"] == "1" for record in records)
    assert all(record.meta.process == "forked" and record.meta.machine.gpu is None for record in records)


def test_run_record_holds_what_protocol_promises(finished: Path) -> None:
    records = list(read_records(finished / "results.jsonl"))
    cold = next(r for r in records if r.mode == "cold" and r.role == "measured")
    assert cold.runtime and cold.plan and cold.compile
    assert cold.compile.compile_cache_miss_delta_first_run == cold.compile.expected_cache_misses
    assert cold.compile.compile_cache_miss_delta_first_run == cold.plan.distinct_tasks
    assert cold.compile.planned_bytes == cold.plan.physical_bytes_est + (cold.compile.compiler_planned_bytes or 0)
    hot = next(r for r in records if r.mode == "hot" and r.role == "measured")
    assert hot.runtime and hot.compile and hot.correctness and hot.runtime.samples
    assert hot.compile.compile_cache_hit_disk_delta_first_run == hot.plan.distinct_tasks if hot.plan else False
    assert (hot.config.device, hot.runtime.timed_by) == ("cpu", "runner")
    assert "PYTORCH_NVML_BASED_CUDA_CHECK" not in hot.meta.environment
    assert hot.correctness.timed_digest == hot.correctness.checked_digest == hot.compile.artifact_digest
    assert (hot.runtime.run_ms_min or 0) <= (hot.runtime.run_ms_p50 or 0) <= (hot.runtime.run_ms_p99 or 0)
    samples = (finished / str(hot.runtime.samples.file)).read_text().splitlines()
    line = next(json.loads(line) for line in samples if json.loads(line)["trial_id"] == hot.trial_id)
    assert sum(map(len, line["bursts_ms"])) == hot.runtime.samples.counted


def test_run_into_same_directory_again_repeats_nothing(here: Ablatrix, study_file: Path, finished: Path) -> None:
    before = (finished / "results.jsonl").read_bytes()
    done = here("run", study_file, "--out", finished)
    assert done.returncode == 0
    assert b"0 trials to run" in done.stderr
    assert (finished / "results.jsonl").read_bytes() == before


def test_run_into_directory_of_other_study_is_refused(here: Ablatrix, finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(STUDY.replace("input_sets: 2", "input_sets: 3"))
    done = here("run", other, "--out", finished)
    assert done.returncode == 2
    assert b"holds results of another study" in done.stderr
    assert b"Traceback" not in done.stderr


def test_run_keeps_log_in_work_directory(finished: Path) -> None:
    text = (finished / "work" / "run.log").read_text()
    assert "INFO" in text
    assert "run of study 'smoke'" in text
    assert "starting the fork server of 'tvm'" in text
    assert re.search(r"block [0-9a-f]{16}: hot, 4 trials", text)
    assert "the run ended: 7 trials: 7 ok" in text
    assert "ending the fork server of 'tvm'" in text


@dataclass(frozen=True)
class Ended:
    """A run that a signal ended after its first record, and another one into the same directory before that."""

    out: Path
    code: int
    stderr: bytes
    second: subprocess.CompletedProcess[bytes]


def end_by(number: signal.Signals, here: Ablatrix, study: Path, out: Path) -> Ended:
    process = start(study, out)
    wait_for_lines(out / "results.jsonl", 1)
    second = here("run", study, "--out", out)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    return Ended(out, process.returncode, stderr, second)


@pytest.fixture(scope="module")
def interrupted(here: Ablatrix, study_file: Path, finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    out = with_programs(finished, tmp_path_factory.mktemp("interrupted") / "out")
    return end_by(signal.SIGINT, here, study_file, out)


def test_run_twice_at_once_into_one_directory_is_refused(interrupted: Ended) -> None:
    assert interrupted.second.returncode == 2
    assert b"another run is writing there" in interrupted.second.stderr


def assert_resumes(here: Ablatrix, study: Path, ended: Ended) -> None:
    assert b"run the same command again to resume" in ended.stderr
    done = here("run", study, "--out", ended.out)
    assert done.returncode == 0, done.stderr.decode()
    records = list(read_records(ended.out / "results.jsonl"))
    assert sorted(r.trial_id for r in records if r.final) == sorted(planned(here, study))
    assert {r.status for r in records if not r.final} <= {"interrupted"}


def test_run_after_interrupt_keeps_everything_and_tells_how_to_resume(interrupted: Ended) -> None:
    assert interrupted.code == 130, interrupted.stderr.decode()
    assert b"run the same command again to resume" in interrupted.stderr
    assert (interrupted.out / "results.jsonl").read_bytes().endswith(b"\n")


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_run_after_other_signals_keeps_everything_and_resumes(
    here: Ablatrix, study_file: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    ended = end_by(number, here, study_file, tmp_path / "out")
    assert ended.code == code, ended.stderr.decode()
    assert_resumes(here, study_file, ended)


def test_run_after_interrupt_kill_9_and_torn_line_repeats_what_is_missing(
    here: Ablatrix, study_file: Path, interrupted: Ended
) -> None:
    """It is resumed twice: by a run that is killed in its turn, and by one that finds half of a line."""
    journal = interrupted.out / "results.jsonl"
    process = start(study_file, interrupted.out)
    wait_for_lines(journal, journal.read_bytes().count(b"\n") + 1)
    process.kill()
    process.communicate()
    wait_until_gone(interrupted.out)
    whole = [line for line in journal.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    torn = next(line for line in whole if json.loads(line)["final"])
    kept = [line for line in whole if line is not torn]
    journal.write_bytes(b"".join(kept) + torn[: len(torn) // 2])
    done = here("run", study_file, "--out", interrupted.out)
    assert done.returncode == 0, done.stderr.decode()
    assert b"set aside" in done.stderr
    assert (interrupted.out / "results.jsonl.torn-0").read_bytes() == torn[: len(torn) // 2]
    records = list(read_records(journal))
    assert sorted(one.trial_id for one in records if one.final) == sorted(planned(here, study_file))
    assert json.loads(torn)["trial_id"] in {one.trial_id for one in records[len(kept) :]}
    # Nothing that was finished is repeated; of a hot block it may be, where the kill left a part of it.
    before, after = (
        [one for one in held if one.mode == "cold"] for held in (records[: len(kept)], records[len(kept) :])
    )
    assert not {one.trial_id for one in before if one.final} & {one.trial_id for one in after}
    assert {one.status for one in before if not one.final} <= {"interrupted"}


def test_dump_shows_code_of_record_with_labels(
    here: Ablatrix, study_file: Path, finished: Path, tmp_path: Path
) -> None:
    records = list(read_records(finished / "results.jsonl"))
    one = next(one for one in records if one.mode == "cold" and one.config.knobs and one.config.knobs["fusion"] == "on")
    dump = tmp_path / "dump"
    done = here("rerun", one.trial_id, "--results", finished, "--study", study_file, "--dump", dump)
    assert done.returncode == 0, done.stderr.decode()
    assert f"wrote {dump / 'index.json'}" in done.stderr.decode()
    told = json.loads(done.stdout)
    assert one.compile is not None
    assert told["compile"]["artifact_digest"] == one.compile.artifact_digest
    index = json.loads((dump / "index.json").read_text())
    assert index["trial"] == one.trial_id
    assert index["knobs"] == one.config.knobs
    assert index["missing"] == []
    assert {file["stage"] for file in index["files"]} == {"given", "before", "after", "code"}
    assert "fused" in (dump / "task-0" / "lowered.py").read_text()


@pytest.mark.parametrize(
    ("role", "file", "message"),
    [
        ("measured", "already.txt", "is not empty; a dump goes into an empty or new directory"),
        ("reference", "", "is of eager, which compiles nothing; choose another"),
    ],
)
def test_dump_of_undumpable_configuration_is_refused_with_one_message(
    here: Ablatrix, study_file: Path, finished: Path, tmp_path: Path, role: str, file: str, message: str
) -> None:
    one = next(one for one in read_records(finished / "results.jsonl") if one.role == role)
    dump = tmp_path / "dump"
    if file:
        dump.mkdir()
        (dump / file).touch()
    done = here("rerun", one.trial_id, "--results", finished, "--study", study_file, "--dump", dump)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert [path.name for path in dump.glob("*")] == ([file] if file else [])


def test_rerun_takes_id_of_record_for_its_trial(
    here: Ablatrix, study_file: Path, finished: Path, tmp_path: Path
) -> None:
    one = next(one for one in read_records(finished / "results.jsonl") if one.role == "reference")
    dump = tmp_path / "dump"
    done = here("rerun", one.record_id[:12], "--results", finished, "--study", study_file, "--dump", dump)
    assert done.returncode == 2
    assert f"trial {one.trial_id} is of eager, which compiles nothing" in done.stderr.decode()


def test_run_to_reader_that_goes_away_ends_with_one_line(study_file: Path) -> None:
    """As ``| head -1`` does."""
    command = [sys.executable, "-m", "ablatrix", "run", str(study_file), "--out", "-", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert validate_line(process.stdout.readline().decode())
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(timeout=60) == 1
    assert re.fullmatch(r"stopped: stdout was closed after \d+ records, .* run with --out DIRECTORY\n", said), said


def start(study: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out)]
    environment = {**os.environ, "ABLATRIX_TEST_MARK": str(out)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def wait_for_lines(journal: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.02)
    pytest.fail(f"{journal} never had {count} lines")


def wait_until_gone(out: Path) -> None:
    """Wait until no process that carries the run's mark in its environment is left: no orphan may stay."""
    mark = f"ABLATRIX_TEST_MARK={out}".encode()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not [entry for entry in Path("/proc").glob("[0-9]*") if carries(entry, mark)]:
            return
        time.sleep(0.05)
    pytest.fail("orphans are left after kill -9 of the runner")


def carries(process: Path, mark: bytes) -> bool:
    try:
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and mark in (process / "environ").read_bytes()
    except OSError:
        return False
