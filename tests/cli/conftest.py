"""The real command, run as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Ablatrix = Callable[..., "subprocess.CompletedProcess[bytes]"]

STUDY = """\
name: smoke
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [tvm]
modes: [cold, hot]
stages:
  - name: primary
    factorial:
      fusion: [off, on]
checks: {draws: 2}
protocol:
  repeats: 0
  cold: {replicates: 1, timeout_s: 120}
  hot: {blocks: 1, most_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""


def run_ablatrix(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ablatrix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def ablatrix() -> Ablatrix:
    return run_ablatrix


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "smoke.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, study_file: Path) -> Path:
    """A directory with a finished run of the study."""
    out = tmp_path_factory.mktemp("finished") / "results"
    done = run_ablatrix("run", study_file, "--out", out)
    assert done.returncode == 0, done.stderr.decode()
    return out
