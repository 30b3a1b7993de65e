"""``ablatrix init``: a study file that loads, from flags or from answers; nothing is overwritten unasked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

from ablatrix.cli.main import app
from ablatrix.study.load import load_study
from tests.cli.conftest import Ablatrix

FLAGS = ["--model", "mlp", "--compiler", "tvm", "--knob", "fusion=off,on", "--mode", "cold"]


def test_init_with_flags_writes_study_that_loads(here: Ablatrix, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    done = here("init", file, *FLAGS)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    study = load_study(file).study
    assert (study.name, study.modes, [one.name for one in study.workloads]) == ("mine", ["cold"], ["mlp"])
    assert study.stages[0].factorial == {"fusion": ["off", "on"]}
    assert f"ablatrix design {file}" in done.stderr.decode()
    assert f"# See what it would run:  ablatrix design {file}" in file.read_text()


def test_init_keeps_existing_file_unless_forced(here: Ablatrix, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("mine")
    refused = here("init", file, *FLAGS)
    assert (refused.returncode, file.read_text()) == (2, "mine")
    assert b"the file exists already; name another one, or overwrite it (--force)" in refused.stderr
    assert here("init", file, *FLAGS, "--force").returncode == 0
    assert load_study(file).study.name == "study"


def test_init_without_flags_and_terminal_says_what_to_give(here: Ablatrix, tmp_path: Path) -> None:
    done = here("init", tmp_path / "study.yaml")
    assert done.returncode == 2
    assert done.stderr.decode() == (
        "error: models: none given, and there is no terminal to ask at; give --model (repeatable)\n"
    )


def test_init_in_terminal_asks_for_models_and_compilers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["mlp, attention", "tvm"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: next(answers))
    file = tmp_path / "asked.yaml"
    app(["init", str(file)], standalone_mode=False)
    assert [one.name for one in load_study(file).study.workloads] == ["mlp", "attention"]
    assert "Models, such as mlp, convolution" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "mpl", "--compiler", "tvm"], "there is no workload 'mpl'"),
        (["--model", "mlp", "--compiler", "gcc"], "there is no compiler 'gcc'"),
        (["--model", "mlp", "--compiler", "tvm", "--knob", "fusion"], "must be of the form knob=level,level"),
    ],
)
def test_init_with_wrong_names_writes_nothing(
    here: Ablatrix, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = here("init", tmp_path / "study.yaml", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert not (tmp_path / "study.yaml").exists()
