"""The real command, run as a user runs it, and the same command within this process where only its words count."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from ablatrix.cli.main import main

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
checks: {input_sets: 2}
protocol:
  repeats: 0
  cold: {replicates: 1, timeout_s: 120}
  hot: {blocks: 1, max_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""

LITTLE_PAPER = """\
version: 1
tables:
  - {number: 1, title: Memory, kind: memory, caption: Medians.}
figures:
  - {number: 1, title: Planned memory, kind: memory, caption: Relative to the baseline.}
text: [claims]
"""
"""A template, for tests in which a paper is made that nobody looks at."""


@pytest.fixture(autouse=True)
def unknown_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed to a pipe does not depend on the width of the terminal that tests are started in."""
    monkeypatch.delenv("COLUMNS", raising=False)


def run_ablatrix(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ablatrix", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=300, check=False)


def with_programs(finished: Path, out: Path) -> Path:
    """Return a new directory with the prepared programs of a finished run: another one into it prepares none again."""
    shutil.copytree(finished / "work" / "programs", out / "work" / "programs")
    return out


def answer_here(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Answer a command line within this process: for refusals, of which there are many and a new process is dear.

    ``test_usage`` holds that a process of its own gives the same answer. A trial in the foreground keeps this process
    to the processors of the protocol, which later tests would be held to as well.
    """
    command = ["ablatrix", *map(str, arguments)]
    stdout, stderr = io.StringIO(), io.StringIO()
    processors = os.sched_getaffinity(0)
    with patch.object(sys, "argv", command), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            main()
            code = 0
        except SystemExit as ending:
            assert isinstance(ending.code, int)
            code = ending.code
        finally:
            os.sched_setaffinity(0, processors)
    return subprocess.CompletedProcess(command, code, stdout.getvalue().encode(), stderr.getvalue().encode())


@pytest.fixture(scope="session")
def ablatrix() -> Ablatrix:
    return run_ablatrix


@pytest.fixture(scope="session")
def here() -> Ablatrix:
    return answer_here
