"""``ablatrix doctor``: findings as a table or as JSON, and the noise floor judged by what studies ask for."""

from __future__ import annotations

import json
import math

import pytest
from typer.testing import CliRunner

import ablatrix.trials.run
from ablatrix.cli.main import app
from ablatrix.trials.run.noise_floor import NoiseFloor
from tests.cli.conftest import Ablatrix


def test_doctor_names_what_makes_times_scatter(ablatrix: Ablatrix) -> None:
    done = ablatrix("doctor", "--no-measure", "--json")
    names = {finding["name"] for finding in json.loads(done.stdout)}
    assert {"package torch", "address space randomisation", "swap", "other busy processes", "irqbalance"} <= names
    assert "A/A noise floor" not in names
    assert done.returncode == 0


@pytest.mark.parametrize(("percent", "level"), [(1.5, "ok"), (2.5, "warning")])
def test_doctor_judges_measured_floor_by_usual_study_precision(
    monkeypatch: pytest.MonkeyPatch, percent: float, level: str
) -> None:
    measured = NoiseFloor((math.log1p(percent / 100), 0.0), 0.5, 1, (), 12.0)  # as the measurement would give it
    monkeypatch.setattr(ablatrix.trials.run, "measure_noise_floor", lambda place, notice: measured)
    finding = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)[-1]
    assert (finding["name"], finding["level"], finding["found"]) == ("A/A noise floor", level, f"+-{percent:.2f}%")
    assert measured.sentence() in CliRunner().invoke(app, ["doctor"]).stdout


def test_doctor_without_torch_reports_floor_as_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablatrix.import_spec.find_spec", lambda name: None)
    done = CliRunner().invoke(app, ["doctor", "--json"])
    finding = json.loads(done.stdout)[-1]
    assert (finding["name"], finding["level"]) == ("A/A noise floor", "note")
    assert "torch is not installed" in finding["found"]
    assert "pip install" in finding["remedy"]
