"""Names that mean something elsewhere: no byte of theirs that a terminal acts on is printed, whatever reads them."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from ablatrix.cli.progress import LiveView, PlainLines
from ablatrix.records.brief import Brief
from ablatrix.records.journal import read_records
from ablatrix.records.model import Failure, Record
from tests.cli.conftest import Ablatrix
from tests.cli.test_status_and_show import write_run
from tests.synthetic import Plant, make_records

ODD = "\x1b[2J\x1b]0;title\x07\u202e\x08<b>$x$</b> =1+1 `a` \\input{x} \u0085"
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""What a terminal acts on, and what hides a text; no tab and no line end."""


def renamed(record: Record) -> Record:
    """Return a record with odd texts in all that people or compilers name."""
    error = None
    if record.error is not None:
        error = Failure(type=f"T{ODD}", message=f"m{ODD}", phase="compile", traceback=f"t{ODD}", output_tail=f"o{ODD}")
    knobs = {name: level if level is None else f"{level}{ODD}" for name, level in record.config.knobs.items()}
    baseline = {name: f"{level}{ODD}" for name, level in record.config.baseline.items()}
    stage = record.config.stage and f"{record.config.stage}{ODD}"
    config = record.config.model_copy(
        update={"knobs": knobs, "baseline": baseline, "stage": stage, "stage_plan": None, "departures": None}
    )
    machine = record.meta.machine.model_copy(update={"host": f"h{ODD}", "cpu": f"c{ODD}", "os": f"o{ODD}"})
    meta = record.meta.model_copy(update={"machine": machine, "environment": {f"OMP_{ODD}": ODD}})
    workload = record.workload.model_copy(update={"name": f"{record.workload.name}{ODD}", "source": f"s{ODD}"})
    update = {"study": f"s{ODD}", "error": error, "config": config, "meta": meta, "workload": workload}
    return record.model_copy(update=update)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plants = [Plant("crashed", "attention", "cold", {"fusion": "on"}), Plant("wrong_output", "attention", "hot", {}, 0)]
    records = [renamed(one) for one in make_records(workloads=["attention"], blocks=3, plants=plants)]
    return write_run(tmp_path_factory.mktemp("odd") / "results", records, records)


@pytest.mark.parametrize(
    "command",
    [
        "effects {0}", "effects {0} --metric run_ms_paired --show all --wide", "diagnose {0} --show all", "status {0}",
        "verdict {0}", "show {1} --results {0}", "compare {0} {0}", "history {0}", "verify {0}", "badges {0}",
        "claims {0} --claims {2}", "tabulate {0} --out {3}", "paper {0} --out {3} --template {4}", "page {0} --out {5}",
    ],
)  # fmt: skip
def test_nothing_that_a_terminal_acts_on_is_printed(
    here: Ablatrix, results: Path, tmp_path: Path, command: str, recwarn: pytest.WarningsRecorder
) -> None:
    trial = json.loads((results / "design.json").read_text())["trials"][0]["trial_id"]
    claims, template = tmp_path / "claims.yaml", tmp_path / "little.yaml"
    claims.write_text("version: 1\nclaims:\n  - {id: correct, correct: all}\n")
    template.write_text("version: 1\ntext: [fairness, setup]\n")
    words = command.format(results, trial, claims, tmp_path / "out", template, tmp_path / "page.html").split(" ")
    done = here(*words)
    assert done.returncode in {0, 1, 2}, done.stderr.decode()
    text = (done.stdout + done.stderr).decode()
    text += "".join(str(one.message) for one in recwarn)  # a process of its own prints them
    assert "Traceback" not in text
    assert text
    assert ACTS.findall(text) == []


@pytest.mark.parametrize("view", ["plain", "live"])
def test_progress_prints_nothing_that_a_terminal_acts_on(
    results: Path, capsys: pytest.CaptureFixture[str], view: str
) -> None:
    failed = next(one for one in read_records(results / "results.jsonl") if one.status == "crashed")
    listener = PlainLines(verbose=True) if view == "plain" else LiveView()
    listener.notice(f"note {ODD}")
    listener.recorded(Brief.of(failed))
    said = capsys.readouterr()
    text = said.err + said.out
    assert "crashed" in text
    own = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text) if view == "live" else text  # of the view itself
    assert ACTS.findall(own) == []
    assert "2J" not in text or r"\x1b[2J" in text


COMPILER = """\
import sys
from pathlib import Path

Path({file!r}).write_text("started")
"""
STUDY = """\
name: own
workloads: [mlp]
compilers: [{name: mine, command: [python, mine.py], knobs: {fast: {levels: [off, on], default: off}}}]
modes: [cold]
stages: [{name: all, factorial: {fast: [off, on]}}]
"""


def test_design_of_results_starts_no_program_of_the_study(
    here: Ablatrix, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ablatrix.study.load import read_study_digest

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(COMPILER.format(file=str(tmp_path / "started")))
    (tmp_path / "study.yaml").write_text(STUDY)
    design = json.loads((results / "design.json").read_text()) | {"study_digest": read_study_digest("study.yaml")}
    (tmp_path / "design.json").write_text(json.dumps(design))
    done = here("design", "study.yaml", "--recorded")
    assert done.returncode == 0, done.stderr.decode()
    assert f"trials: {len(design['trials'])}" in done.stdout.decode()
    assert ACTS.findall(done.stdout.decode()) == []
    assert json.loads(here("design", "study.yaml", "--recorded", "--json").stdout)["study"] == design["study"]
    assert not (tmp_path / "started").exists()
    refused = here("design", "study.yaml")
    assert refused.returncode == 2
    assert (tmp_path / "started").exists()  # the program was asked, and is none that describes itself


def test_recorded_design_of_another_study_is_refused(here: Ablatrix, results: Path, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY)
    done = here("design", tmp_path / "study.yaml", "--recorded", "--results", results)
    assert done.returncode == 2
    assert b"holds results of another study" in done.stderr
    missing = here("design", tmp_path / "study.yaml", "--recorded")
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1


def test_command_with_closed_streams_ends_with_a_code(results: Path) -> None:
    """Nobody is there to read: no traceback can be, either."""
    pid = os.fork()
    if pid == 0:
        os.closerange(0, 3)
        os.execv(sys.executable, [sys.executable, "-m", "ablatrix", "status", str(results)])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in {0, 1}
