"""The example in C++: gcc's flags as knobs, asked as a worker asks it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.analysis.diagnosis import prove_knobs
from ablatrix.analysis.table import tidy
from ablatrix.compilers.command.handover import read_tensor, write_tensor
from ablatrix.compilers.command.session import Session
from ablatrix.errors import CompilerError
from ablatrix.records.journal import final_records, read_records
from ablatrix.study.design import make_design
from ablatrix.study.files import companions
from ablatrix.study.load import load_study
from ablatrix.trials.run import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "gcc"
SHORT = "blocks: 1, max_blocks: 1, rounds: 3"
FLAGS = {"vectorize": "off", "unroll": "off", "fast_math": "off"}

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the example, which builds its driver beside its source."""
    directory = tmp_path_factory.mktemp("example") / "gcc"
    shutil.copytree(EXAMPLE, directory, ignore=shutil.ignore_patterns(".driver*"))
    return directory


def test_gcc_study_has_every_level_with_every_flag(directory: Path) -> None:
    resolved = load_study(directory / "study.yaml")
    assert set(companions(resolved)) == {"driver.cpp", "kernel.cpp", "model.py", "start.sh"}
    design = make_design(resolved)
    entry = resolved.catalogue.compiler("gcc")
    assert entry.primary == ("level", "vectorize", "unroll", "fast_math")
    measured = [cell for cell in design.cells if cell.compiler == "gcc"]
    assert len(measured) == 4 * 2**3
    assert {cell.program_digest for cell in measured} == {entry.program_digest}
    assert all(summary for knob in entry.knobs for summary in (knob.summary, *(one.summary for one in knob.levels)))


def test_gcc_kernel_is_right_with_assembly_and_flags_change_code(directory: Path, tmp_path: Path) -> None:
    session = Session("gcc", ["sh", str(directory / "start.sh")], tmp_path)
    left, right = torch.randn(5, 7), torch.randn(7, 3)
    inputs = [write_tensor(one, tmp_path / f"input_{index}", "raw") for index, one in enumerate((left, right))]
    code = []
    for number, knobs in enumerate(({"level": "O0", **FLAGS}, {"level": "O3", **FLAGS, "fast_math": "on"})):
        asked = {"do": "compile", "program": {}, "knobs": knobs, "directory": str(tmp_path), "dump": str(tmp_path)}
        built = session.ask(asked, 60)
        assert "kernel:" in (tmp_path / "kernel.s").read_text()
        library = (tmp_path / built["artifact"]).rename(tmp_path / f"{number}.so")
        code.append(library.read_bytes())
        load: dict[str, Any] = {"do": "load", "artifact": str(library), "knobs": knobs, "threads": 1, "parameters": []}
        assert session.ask(load, 60) == {"threads": {"kernel": 1}}
        assert session.ask({"do": "bind", "set": number, "inputs": inputs}, 60) == {}
        times = session.ask({"do": "run", "set": number, "count": 4}, 60)["ms"]
        assert len(times) == 4
        assert min(times) >= 0
        (written,) = session.ask({"do": "check", "set": number, "directory": str(tmp_path)}, 60)["outputs"]
        found = read_tensor(written, tmp_path, "raw", "the product")
        assert found.numpy() == pytest.approx(numpy.asarray(left @ right), rel=1e-4, abs=1e-5)
    assert code[0] != code[1]


def test_gcc_that_fails_is_reported_as_reply(directory: Path, tmp_path: Path) -> None:
    session = Session("gcc", ["sh", str(directory / "start.sh")], tmp_path)
    knobs = {"level": "O0", **FLAGS}
    with pytest.raises(CompilerError, match=r"'compile' failed: g\+\+ ended with status"):
        session.ask({"do": "compile", "program": {}, "knobs": knobs, "directory": "/nowhere"}, 60)


def test_gcc_builds_of_one_code_are_one_program_and_padding_is_another(directory: Path, tmp_path: Path) -> None:
    text = (directory / "builds.yaml").read_text()
    short = [("[cold, hot]", "[hot]"), ("[off, on]", "[off]"), ("blocks: 5, max_blocks: 10, rounds: 10", SHORT)]
    for whole, cut in short:
        assert whole in text
        text = text.replace(whole, cut)
    (directory / "short.yaml").write_text(text)
    summary = run(load_study(directory / "short.yaml"), tmp_path / "out", study_directory=directory)
    assert summary.good
    records = [one for one in final_records(read_records(summary.results)) if one.meta.build is not None]
    code = {one.meta.build.name: one.compile.artifact_digest for one in records if one.compile and one.meta.build}
    assert code["plain"] == code["again"] != code["padded"]
    proofs = prove_knobs(tidy([summary.results]).trials)
    assert {one.between: one.verdict for one in proofs if one.knob == "build"} == {
        frozenset({"plain", "again"}): "no_op",
        frozenset({"plain", "padded"}): "effective",
        frozenset({"again", "padded"}): "effective",
    }
    twins = [one.meta.build.name for one in records if one.role == "twin" and one.meta.build and one.meta.block == 0]
    assert sorted(twins) == ["again", "padded", "plain"]
