"""The log of a run: everything goes to the file while it lasts, and nothing of the logger is changed afterwards."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablatrix.errors import TrialError
from ablatrix.records.brief import Brief
from ablatrix.study.design import make_design
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.results.logbook import LoggedProgress, run_log
from ablatrix.trials.results.progress import Silence
from tests.synthetic import broken, make_records
from tests.trials.conftest import small_study

LOGGER = logging.getLogger("ablatrix")
ROOM = logging.getLogger("ablatrix.trials.run.session")


@pytest.fixture
def application() -> Iterator[io.StringIO]:
    """A handler of the application, on the root logger, which asks for warnings only."""
    stream = io.StringIO()
    root = logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_run_log_holds_every_level_with_time_and_process(tmp_path: Path) -> None:
    with run_log(tmp_path / "run.log"):
        ROOM.debug("one %s", "debugged")
        ROOM.warning("one warning")
    lines = (tmp_path / "run.log").read_text().splitlines()
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\w+) +\d+ ablatrix\.trials\.run\.session: (.*)"
    assert [found.groups() for line in lines if (found := re.fullmatch(shape, line))] == [
        ("DEBUG", "one debugged"),
        ("WARNING", "one warning"),
    ]


def test_run_log_second_run_appends(tmp_path: Path) -> None:
    for text in ("first", "second"):
        with run_log(tmp_path / "run.log"):
            ROOM.info(text)
    assert [line.rpartition(": ")[2] for line in (tmp_path / "run.log").read_text().splitlines()] == ["first", "second"]


def test_run_log_after_end_restores_logger(tmp_path: Path) -> None:
    before = (LOGGER.level, LOGGER.propagate, list(LOGGER.handlers))
    with run_log(tmp_path / "run.log"):
        assert LOGGER.handlers != before[2]
    assert (LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)) == before
    ROOM.error("after the run")
    assert (tmp_path / "run.log").read_text() == ""


def test_run_log_passes_application_its_requested_levels(tmp_path: Path, application: io.StringIO) -> None:
    with run_log(tmp_path / "run.log"):
        ROOM.info("for the file")
        ROOM.warning("for both")
    assert application.getvalue() == "for both\n"


def test_run_log_of_error_has_traceback(tmp_path: Path) -> None:
    with pytest.raises(KeyError), run_log(tmp_path / "run.log"):
        raise KeyError("lost")
    text = (tmp_path / "run.log").read_text()
    assert "ERROR" in text
    assert "the run ended with KeyError: 'lost'" in text
    assert "Traceback (most recent call last):" in text
    assert LOGGER.propagate


def test_run_log_that_cannot_be_opened_is_trial_error(tmp_path: Path) -> None:
    with (
        pytest.raises(TrialError, match=r"run\.log: cannot be written: No such file .*; choose another --out"),
        run_log(tmp_path / "nowhere" / "run.log"),
    ):
        pass


def test_run_log_on_full_disk_loses_lines_and_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    with run_log(Path("/dev/full")):
        ROOM.warning("no room for this")
    assert capsys.readouterr() == ("", "")


def test_run_log_progress_lists_trials_and_failures_without_rounds(tmp_path: Path) -> None:
    design = make_design(resolve_study(small_study()))
    trial = design.trials[0]
    cell = design.cell(trial.cell_id)
    good = make_records(seed=1)[0]
    bad = broken(good, "timeout")
    with run_log(tmp_path / "run.log"):
        progress = LoggedProgress(Silence())
        progress.begin([(trial, cell)], 3)
        progress.working(None, cell, "preparing")
        progress.working(trial, cell, "cold")
        progress.working(None, None, "hot: round 1 of 3")
        progress.added([(trial, cell)])
        progress.recorded(Brief.of(good))
        progress.recorded(Brief.of(bad))
    lines = (tmp_path / "run.log").read_text().splitlines()
    heads = [line.split()[1] for line in lines]
    said = [line.partition("logbook: ")[2] for line in lines]
    assert heads == ["INFO"] * 5 + ["WARNING"]
    assert said[:2] == ["1 trials to run, 3 were finished before", "mlp: preparing"]
    assert said[2].startswith(f"block {trial.block_id}: {trial.role} trial {trial.trial_id}, mlp ")
    assert said[3] == f"1 further trials, in blocks {trial.block_id}"
    assert f"attempt {good.attempt}: ok in " in said[4]
    assert bad.error is not None
    assert said[5].endswith(f"s: {bad.error.message}")


def test_run_log_of_slots_lists_failures_alone(tmp_path: Path) -> None:
    good = make_records(seed=1)[0]
    with run_log(tmp_path / "run.log"):
        progress = LoggedProgress(Silence(), only_failures=True)
        progress.recorded(Brief.of(good))
        progress.recorded(Brief.of(broken(good, "timeout")))
    (line,) = (tmp_path / "run.log").read_text().splitlines()
    assert f"trial {good.trial_id}, attempt 0: timeout" in line


def test_import_of_ablatrix_adds_null_handler_only() -> None:
    probe = (
        "import logging, ablatrix, ablatrix.cli.main, ablatrix.trials.run.runner\n"
        "logger = logging.getLogger('ablatrix')\n"
        "print([type(one).__name__ for one in logger.handlers], logger.level, logger.propagate, "
        "logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['NullHandler'] 0 True []"
