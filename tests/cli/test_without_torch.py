"""Every command where neither torch nor a compiler is installed: its answer, or one line with a remedy that works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.bare import bare_site, run_bare
from tests.cli.conftest import LITTLE_PAPER
from tests.history_of_builds import build_records, write_run
from tests.synthetic import make_records, write_records

STUDY = """\
name: s
workloads: [mlp]
compilers: [tvm]
modes: [cold]
stages: [{name: p, factorial: {fusion: [off, on]}}]
"""
MODEL = "import torch\n\ndef make(width: int = 4):\n    return torch.nn.Linear(4, 4), (torch.zeros(1, 4),)\n"
TORCH = "pip install 'torch>=2.13' 'transformers>=5'"
TVM = f"{TORCH} 'apache-tvm>=0.27'"
EAGER_ABSENT = f"error: compiler 'eager' is not installed; to have it: {TORCH}\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bare")
    bare_site(directory / "site")
    (directory / "s.yaml").write_text(STUDY)
    (directory / "net.py").write_text(MODEL)
    (directory / "little.yaml").write_text(LITTLE_PAPER)
    write_records(directory / "run/results.jsonl", make_records(workloads=["attention"], blocks=2))
    for day in range(1, 4):
        write_run(
            directory / f"nightly/{day}", build_records({"stable": 1.0, "head": 1.0}, seed=day, day=day, blocks=2)
        )
    return directory


@pytest.mark.parametrize(
    "arguments",
    [
        "--version",
        "--help",
        "schema record",
        "compilers",
        "knobs tvm",
        "design s.yaml",
        "effects run",
        "diagnose run",
        "tabulate run --out tabulated",
        "paper run --out paper --template little.yaml",
        "page run --out page.html",
        "history nightly --page history.html",
    ],
)
def test_command_that_needs_no_torch_answers_without_it(place: Path, arguments: str) -> None:
    done = run_bare(place / "site", *arguments.split(), cwd=place)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("workloads", EAGER_ABSENT),
        ("workloads --json", EAGER_ABSENT),
        ("run s.yaml --out a", EAGER_ABSENT),
        ("run --model mlp --compiler tvm --out b", EAGER_ABSENT),
        ("run --model net.py:make --compiler tvm --out c", EAGER_ABSENT),
        ("models --out d --compiler tvm", EAGER_ABSENT),
        ("models --out d", "error: no compiler is installed; 'ablatrix compilers' shows how to install one\n"),
    ],
)
def test_command_that_needs_torch_gives_one_line_with_remedy(place: Path, arguments: str, error: str) -> None:
    done = run_bare(place / "site", *arguments.split(), cwd=place)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(error)
    assert "Traceback" not in done.stderr


def test_rerun_without_torch_gives_one_line_with_remedy(place: Path) -> None:
    design = run_bare(place / "site", "design", "s.yaml", "--json", cwd=place)
    trial = json.loads(design.stdout)["trials"][0]["trial_id"]
    done = run_bare(place / "site", "rerun", trial, "--results", "run", "--study", "s.yaml", cwd=place)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", EAGER_ABSENT)


@pytest.mark.parametrize("options", [["--no-measure"], []])
def test_doctor_without_torch_says_that_studies_cannot_run(place: Path, options: list[str]) -> None:
    done = run_bare(place / "site", "doctor", *options, cwd=place)
    assert done.returncode == 1
    assert done.stdout.rstrip().splitlines()[-1] == "CANNOT RUN: package torch"
    assert "WILL RUN" not in done.stdout
    found = {one["name"]: one for one in json.loads(run_bare(place / "site", "doctor", *options, "--json").stdout)}
    assert (found["package torch"]["level"], found["package torch"]["remedy"]) == ("fatal", "pip install 'torch'")
    assert found["package transformers"]["level"] == "note"


def test_artifact_without_torch_names_each_package_with_remedy(place: Path) -> None:
    done = run_bare(place / "site", "artifact", "s.yaml", "--out", "e", cwd=place)
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: package torch: not installed, needed for eager, inductor; pip install 'torch'; ")
    assert "package apache-tvm: not installed, needed for tvm; pip install 'apache-tvm'" in error
    assert not (place / "e").exists()


def test_compilers_without_torch_show_what_installs_each(place: Path) -> None:
    shown = run_bare(place / "site", "compilers", cwd=place).stdout
    assert "no: " in shown
    assert "ablatrix[" not in shown
    facts = json.loads(run_bare(place / "site", "compilers", "--json", cwd=place).stdout)
    assert {one["name"] for one in facts if one["installed"]} == set()
    assert re.sub(r"[\s│]+", " ", shown).count("'torch>=2.13'") >= 1
