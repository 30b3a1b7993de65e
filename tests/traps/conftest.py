"""Two real runs: one in which the compiler cannot link, and one in which all is well. And how to read a figure."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.study.design import Design, make_design
from ablatrix.study.load import load_study
from tests.cli.conftest import STUDY, with_programs

BESIDE = """\
  - name: beside
    around: {}
    vary:
      cache_tag: [warm]
      pass_timing: [on]
checks:"""


@dataclass(frozen=True)
class Run:
    """A run of the command, and what it was to do. ``out`` holds its results, unless they went to stdout."""

    design: Design
    exit_code: int
    stdout: bytes
    stderr: bytes
    out: Path


def run(study: Path, out: str | Path, **environment: str) -> Run:
    command = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out), "--quiet"]
    done = subprocess.run(command, capture_output=True, timeout=300, check=False, env={**os.environ, **environment})
    design = make_design(load_study(study))
    return Run(design, done.returncode, done.stdout, done.stderr, study.parent / "results")


@pytest.fixture(scope="session")
def failed_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Records on stdout of a run in which TVM cannot link anything that it generates."""
    study = tmp_path_factory.mktemp("failed") / "study.yaml"
    study.write_text(STUDY)
    return run(study, "-", CXX="false")


@pytest.fixture(scope="session")
def good_run(tmp_path_factory: pytest.TempPathFactory, finished: Path) -> Run:
    """Two hot blocks, a warm cache and an observed compile, started with a thread count that is not the study's."""
    study = tmp_path_factory.mktemp("good") / "study.yaml"
    two_blocks = STUDY.replace("blocks: 1, max_blocks: 1", "blocks: 2, max_blocks: 2")
    study.write_text(two_blocks.replace("checks:", BESIDE).replace("protocol:", "protocol:\n  threads: 1"))
    good = run(study, with_programs(finished, study.parent / "results"), OMP_NUM_THREADS="5")
    assert good.exit_code == 0, good.stderr.decode()
    return good


@pytest.fixture(scope="session")
def good_records(good_run: Run) -> list[Record]:
    return list(read_records(good_run.out / "results.jsonl"))


def marks(axes: Axes) -> list[tuple[str, float, float]]:
    """Return marker, x and y of every marked point of a plot."""
    return [
        (str(line.get_marker()), float(x), float(y))
        for line in axes.lines
        if line.get_marker() not in ("None", None, "")
        for x, y in np.asarray(line.get_xydata())
    ]
