"""Inputs that a study gives: files, values and ranges, and what is said of those that do not fit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.errors import StudyError, WorkloadError
from ablatrix.study.load import load_study
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program

MODELS = """
import torch
from torch import nn


class Resample(nn.Module):
    def forward(self, audio, sr, ids):
        return audio * (sr / 16000), ids + 1


def make():
    return Resample(), (torch.randn(2, 3), torch.tensor(8000), torch.zeros(4, dtype=torch.int64))


def dynamic():
    rows = torch.export.Dim("rows", min=2, max=8)
    return nn.Linear(3, 2), torch.randn(4, 3), ({0: rows},)
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("inputs")
    (tmp_path / "input_models.py").write_text(MODELS)
    numpy.savez(tmp_path / "clip.npz", audio=numpy.arange(6.0).reshape(2, 3), sr=numpy.int32(16000))
    torch.save([torch.arange(6.0).reshape(2, 3), torch.tensor(44100)], tmp_path / "clip.pt")
    numpy.savez(tmp_path / "rows.npz", numpy.ones((6, 3), numpy.float32))
    return tmp_path


def made(directory: Path, inputs: Any, function: str = "make") -> Program:
    study = {
        "name": "given",
        "workloads": [{"source": f"input_models.py:{function}", "inputs": inputs}],
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off"]}}],
        "baseline": {"fusion": "off"},
    }
    file = directory / "study.yaml"
    file.write_text(json.dumps(study))
    resolved = load_study(file)
    return prepare(resolved.catalogue.workload(resolved.study.workloads[0].name), input_sets=3)


def test_value_is_the_same_in_every_input_set(directory: Path) -> None:
    program = made(directory, {"sr": 16000})
    assert [one.inputs[1].item() for one in program.input_sets] == [16000] * 3
    assert program.input_sets[0].inputs[1].dtype == torch.int64


def test_range_is_drawn_for_each_input_set_within_its_bounds(directory: Path) -> None:
    program = made(directory, {"ids": {"low": 5, "high": 9}, "audio": {"low": -1, "high": 1.5}})
    ids = torch.stack([one.inputs[2] for one in program.input_sets])
    assert 5 <= ids.min() <= ids.max() <= 9
    assert len(ids.unique(dim=0)) > 1
    audio = torch.stack([one.inputs[0] for one in program.input_sets])
    assert -1 <= audio.min() <= audio.max() <= 1.5


@pytest.mark.parametrize(("file", "rate"), [("clip.npz", 16000), ("clip.pt", 44100)])
def test_file_gives_inputs_by_name_or_in_order(directory: Path, file: str, rate: int) -> None:
    program = made(directory, file)
    audio, sr, ids = program.input_sets[0].inputs
    assert torch.equal(audio, torch.arange(6.0).reshape(2, 3))
    assert sr.item() == rate
    assert torch.equal(ids, torch.zeros(4, dtype=torch.int64))
    assert program.facts.source_digest != made(directory, {"sr": 16000}).facts.source_digest


def test_file_of_another_size_sets_the_size_that_is_timed(directory: Path) -> None:
    program = made(directory, {"input": {"file": "rows.npz"}}, "dynamic")
    assert program.facts.timed_sizes == {"rows": 6}
    assert program.input_sets[0].inputs[0].shape == (6, 3)


def test_inputs_that_do_not_fit_are_refused_at_once_with_what_the_model_takes(directory: Path) -> None:
    inputs = {"sr": 1.5, "rate": 3, "audio": [[1.0, 2.0]], "ids": {"file": "clip.npz", "key": "other"}}
    with pytest.raises(WorkloadError) as raised:
        made(directory, inputs)
    text = str(raised.value)
    assert "input 'sr' has whole numbers, but got floats" in text
    assert "there is no input 'rate'" in text
    assert "input 'audio' is float32[2, 3], but got [1, 2]" in text
    assert "clip.npz holds no 'other'; it holds: audio, sr" in text
    assert text.endswith("The model takes: audio float32[2, 3], sr int64[], ids int64[4]")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("none.npz", "there is no file"),
        ("input_models.py", "a file of inputs ends in .npz, .pt or .pb"),
        ({"ids": {"low": 3, "high": 2}}, "low <= high must hold"),
        ({"ids": {"low": 3}}, "either 'low' and 'high', or a 'file'"),
    ],
)
def test_wrong_key_inputs_is_a_fault_of_the_study(directory: Path, inputs: Any, message: str) -> None:
    with pytest.raises(StudyError, match=re.escape(message)):
        made(directory, inputs)


def test_file_with_pickled_objects_is_refused(directory: Path) -> None:
    torch.save({"audio": Path("x")}, directory / "bad.pt")
    with pytest.raises(WorkloadError, match=r"bad\.pt: cannot be read as inputs"):
        made(directory, "bad.pt")
