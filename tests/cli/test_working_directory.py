"""Commands in a folder of traps: modules that somebody put there under the names of what ablatrix imports."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.analysis.table import chunk, pool
from ablatrix.records.journal import read_records
from ablatrix.workloads.source import read_source
from tests.cli.conftest import Ablatrix

SOURCES = Path(__file__).parents[2] / "src/ablatrix"
NAMES = (
    "altair", "jax", "json", "jinja2", "matplotlib", "numpy", "onnxruntime", "openvino", "pathlib", "polars",
    "pydantic", "random", "ruamel", "scipy", "sitecustomize", "statistics", "torch", "transformers", "tvm", "typing",
)  # fmt: skip
STUDY = """\
name: own
plugins: [plug.py]
workloads: [{name: net, source: "net.py:make"}]
compilers: [tvm]
modes: [cold]
stages: [{name: only, workloads: [net], factorial: {fusion: [off, on]}}]
checks: {input_sets: 1}
protocol: {repeats: 0, cold: {replicates: 1, timeout_s: 120}}
"""
NET = """\
import beside
import statistics
import torch

def make():
    assert statistics.mean([1, 2]) == 1.5
    return torch.nn.Linear(4, beside.WIDTH), (torch.ones(2, 4),)
"""
PLUG = """\
from ablatrix.plugin import ParameterSpec, WorkloadEntry

WORKLOADS = [
    WorkloadEntry(name="other", tier="tiny", summary="Not run.", parameters={"n": ParameterSpec(2, "Size.")},
                  builder="plug:build", dynamic=())
]
"""


READERS_IN_LONG = ("claims", "page", "verdict", "effects")
"""Commands that read records in the same processes as those of the short form do."""


@pytest.fixture
def traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, a folder of traps: each, when imported, leaves its name in the file ``trapped``."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'trapped')!r}, 'a').write({name + ' '!r})\n")
    monkeypatch.chdir(folder)
    return folder


def trapped(folder: Path) -> str:
    file = folder.parent / "trapped"
    return file.read_text() if file.exists() else ""


def test_traps_catch_an_interpreter_that_looks_in_the_working_directory(traps: Path) -> None:
    subprocess.run([sys.executable, "-c", "import statistics, polars"], check=False)
    assert {"statistics", "polars"} <= set(trapped(traps).split())


@pytest.mark.usefixtures("no_images")
@pytest.mark.parametrize(
    "command", ["verify", "paper", *(pytest.param(one, marks=pytest.mark.long) for one in READERS_IN_LONG)]
)
def test_readers_in_processes_import_nothing_of_the_folder(
    here: Ablatrix, finished: Path, traps: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Records are read by several processes, as those of more than 32 MiB are."""
    for name in ("results.jsonl", "design.json"):
        shutil.copy(finished / name, traps / name)
    shutil.copytree(finished / "samples", traps / "samples")
    (traps / "MANIFEST.json").write_text("{}")
    (traps / "claims.yaml").write_text("version: 1\nclaims:\n  - {id: correct, correct: all}\n")
    monkeypatch.setattr(pool, "WORTH_BYTES", 0)
    monkeypatch.setattr(pool, "cores_allowed", lambda: 2)
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 5000)
    started: list[pool._Reader] = []
    start = pool._Reader.__init__

    def counted(self: pool._Reader) -> None:
        started.append(self)
        start(self)

    monkeypatch.setattr(pool._Reader, "__init__", counted)
    out = {"page": ("--out", traps.parent / "page.html"), "paper": ("--out", traps.parent / "paper")}
    done = here(command, ".", *out.get(command, ()))
    assert done.returncode in {0, 1}, done.stderr.decode()
    assert len(started) >= 2
    assert trapped(traps) == ""


def installed_command(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as it is installed: its own folder, not the working directory, is in front of its modules."""
    command = [sys.executable, "-P", "-m", "ablatrix", *arguments]
    return subprocess.run(command, capture_output=True, timeout=300, check=False)


def test_run_and_doctor_import_what_the_study_names_and_no_trap(traps: Path) -> None:
    """Fork servers and workers; the user's own model finds the module beside it."""
    for name, text in (("own.yaml", STUDY), ("net.py", NET), ("plug.py", PLUG), ("beside.py", "WIDTH = 8\n")):
        (traps / name).write_text(text)
    done = installed_command("run", "own.yaml", "--out", "results", "--quiet")
    assert done.returncode == 0, done.stderr.decode()
    assert {record.status for record in read_records(traps / "results/results.jsonl")} == {"ok"}
    assert installed_command("doctor", "--no-measure").returncode in {0, 1}
    assert trapped(traps) == ""


def test_model_by_module_is_found_where_the_caller_found_it(tmp_path: Path) -> None:
    """A package beside a notebook: other processes look in its folder after everything that is installed."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/__init__.py").touch()
    (tmp_path / "lab/nets.py").write_text("def make():\n    return 'made'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        builder = read_source("nets", "lab.nets:make", {}, tmp_path).builder
    assert builder == f"{tmp_path}/lab.nets:make"
    code = f"from ablatrix.import_spec import import_place; print(import_place({builder!r})())"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=False)
    assert done.stdout == b"made\n", done.stderr.decode()


def test_every_interpreter_is_started_in_one_way() -> None:
    """``sys.executable`` is named where the command line is made, and where a ``python`` of a study is looked up."""
    naming = set()
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.executable":
                naming.add(file.relative_to(SOURCES).as_posix())
    assert naming == {"interpreter.py", "compilers/command/entry.py", "builds/making.py", "builds/overlay.py"}
