"""A bundle whose study brings code: readers run none of it, and whoever would run it is asked."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.canonical import digest_bytes
from tests.artifact.conftest import reseal
from tests.cli.conftest import LITTLE_PAPER, Ablatrix

STUDY = """\
name: own
workloads: [{name: net, source: "net.py:make"}]
compilers: [tvm]
modes: [cold]
stages: [{name: only, factorial: {fusion: [off, on]}}]
checks: {input_sets: 1}
protocol: {repeats: 0, cold: {replicates: 1, timeout_s: 120}}
"""
NET = """\
import torch
from pathlib import Path

(Path(__file__).parent / "ran").touch()

def make():
    return torch.nn.Linear(4, 8), (torch.ones(2, 4),)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, here: Ablatrix) -> Path:
    """An artifact of a study with a model of its own, which was run without a question."""
    place = tmp_path_factory.mktemp("author")
    claims = "version: 1\nclaims:\n  - {id: correct, correct: all}\n"
    files = {"own.yaml": STUDY, "own.claims.yaml": claims, "net.py": NET, "paper.yaml": LITTLE_PAPER}
    for name, text in files.items():
        (place / name).write_text(text)
    out = place / "own"
    done = here("artifact", place / "own.yaml", "--out", out, "--quiet", "--template", place / "paper.yaml")
    assert done.returncode == 0, done.stderr.decode()
    assert (place / "ran").exists()
    assert not (out / "ran").exists()
    return out


@pytest.fixture
def here_in(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(bundle)
    return bundle


@pytest.mark.parametrize("command", ["verify .", "claims .", "badges .", "effects ."])
def test_readers_of_bundle_run_nothing_of_it(here: Ablatrix, here_in: Path, command: str) -> None:
    done = here(*command.split())
    assert done.returncode in {0, 1}, done.stderr.decode()
    assert "problems" not in done.stdout.decode()
    assert not (here_in / "ran").exists()


@pytest.mark.parametrize(
    "command",
    [
        "reproduce . --out {out}", "run study.yaml --out {out}", "design study.yaml", "artifact study.yaml --out {out}",
        "rerun {trial} --results . --study study.yaml", "knobs tvm --study study.yaml",
    ],
)  # fmt: skip
def test_commands_that_would_run_code_of_bundle_refuse_it(
    here: Ablatrix, here_in: Path, tmp_path: Path, command: str
) -> None:
    done = here(*command.format(out=tmp_path / "out", trial="0").split())
    assert (done.returncode, done.stdout) == (2, b"")
    line = done.stderr.decode().splitlines()[-1]
    assert line.startswith("error: ")
    assert f"net.py (SHA-256 {digest_bytes((here_in / 'net.py').read_bytes())}, the model 'net'" in line
    assert line.endswith("give --trust (docs/security.md)")
    assert not (here_in / "ran").exists()
    assert not (tmp_path / "out").exists()


def test_trusted_study_of_bundle_is_designed(here: Ablatrix, here_in: Path) -> None:
    done = here("design", "study.yaml", "--trust")
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2)])
def test_in_a_terminal_the_user_is_asked(bundle: Path, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "ablatrix", "design", str(bundle / "study.yaml")]
    done = subprocess.run(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, timeout=60, check=False)
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert f"net.py (SHA-256 {digest_bytes((bundle / 'net.py').read_bytes())}" in said
    assert "Have you read it, and do you trust it? [y/N]:" in said
    assert done.returncode == code
    assert ("nothing was run" in said) == (code == 2)


def test_study_swapped_under_a_fitting_manifest_is_refused_before_its_code(
    here: Ablatrix, bundle: Path, tmp_path: Path
) -> None:
    forged = shutil.copytree(bundle, tmp_path / "own")
    (forged / "evil.py").write_text(NET)
    (forged / "study.yaml").write_text("plugins: [evil.py]\n" + STUDY)
    reseal(forged, documents=True)
    done = here("reproduce", forged, "--out", tmp_path / "out", "--trust")
    assert (done.returncode, done.stdout) == (2, b"")
    assert "study.yaml: changed: it is not the study that was run" in done.stderr.decode()
    assert not (forged / "ran").exists()


def test_tiny_study_that_was_changed_is_refused(here: Ablatrix, bundle: Path, tmp_path: Path) -> None:
    forged = shutil.copytree(bundle, tmp_path / "own")
    (forged / "tiny/study.yaml").write_text(STUDY.replace("net.py", "../net.py"))
    reseal(forged, documents=True)
    done = here("reproduce", forged, "--study", "tiny", "--out", tmp_path / "out", "--trust")
    assert done.returncode == 2
    assert "tiny/study.yaml: changed: not the file that this ablatrix" in done.stderr.decode()
    assert not (forged / "ran").exists()
