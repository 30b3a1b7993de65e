"""The workflow of ``examples/pr``, run as far as it can be without a code host: its step that compares two commits."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

from tests.cli.conftest import Ablatrix, answer_here

ROOT = Path(__file__).parents[2]
EXAMPLE, GCC = ROOT / "examples" / "pr", ROOT / "examples" / "gcc"
SHORT = "hot: {blocks: 3, max_blocks: 3, rounds: 3, burst_ms: 1, warm_up_ms: 1, burst_iterations: 2}"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A repository of the kernel and the study, and two commits: with one flag the second one computes four times."""
    place = tmp_path_factory.mktemp("repository")
    for file in (GCC / "driver.cpp", GCC / "kernel.cpp", GCC / "model.py", GCC / "start.sh", EXAMPLE / "policy.yaml"):
        shutil.copy(file, place)
    study = (EXAMPLE / "study.yaml").read_text(encoding="utf-8")
    (place / "study.yaml").write_text(study.replace("hot: {blocks: 5, max_blocks: 8}", SHORT), encoding="utf-8")
    git(place, "init", "--quiet", "--initial-branch=main")
    base = commit(place)
    kernel = (place / "kernel.cpp").read_text(encoding="utf-8")
    line = "  for (std::size_t i = 0; i < rows; ++i) {\n"
    assert kernel.count(line) == 1
    again = "#ifdef __FAST_MATH__\n  for (int again = 0; again < 4; ++again)\n#endif\n"
    slower = kernel.replace(line, again + line)
    (place / "kernel.cpp").write_text(slower, encoding="utf-8")
    return place, base, commit(place)


def git(place: Path, *words: str) -> str:
    author = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", *author, *words], cwd=place, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(place: Path) -> str:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", "Change")
    return git(place, "rev-parse", "HEAD")


def step_of(name: str) -> dict[str, str]:
    workflow = YAML(typ="safe").load((EXAMPLE / "pull-request.yml").read_text(encoding="utf-8"))
    steps: list[dict[str, str]] = workflow["jobs"]["compare"]["steps"]
    return next(step for step in steps if step.get("name") == name)


def test_step_that_compares_fails_a_slower_commit_and_leaves_its_files(
    repository: tuple[Path, str, str], tmp_path: Path
) -> None:
    place, base, head = repository
    step = step_of("Compare")
    assert step["shell"] == "bash"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    summary = tmp_path / "summary.md"
    variables = {
        "PATH": path,
        "BASE": base,
        "HEAD": head,
        "RUN": "https://ci.example/1",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    done = subprocess.run(  # as the code host runs it
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=place,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    text = (place / "pr.md").read_text(encoding="utf-8")
    assert text == summary.read_text(encoding="utf-8")
    assert text.startswith(f"### ablatrix: head-{head} against base-{base}: fails\n")
    assert "**regression**" in text
    assert "fast\\_math=on" in text
    assert text.endswith("[All results](https://ci.example/1)\n")
    kept = place / "results" / "study" / "study.yaml"
    assert kept.read_text(encoding="utf-8").startswith(f"# The study of builds base-{base} and head-{head} as")
    assert (kept.parent / "model.py").read_bytes() == (place / "model.py").read_bytes()
    before = (place / "results" / "results.jsonl").read_bytes()
    again = answer_here("run", kept, "--out", place / "results")  # is that very study, and nothing is left to do
    assert again.returncode == 0, again.stderr.decode()
    assert (place / "results" / "results.jsonl").read_bytes() == before
    root = ElementTree.parse(place / "pr.xml").getroot()
    assert int(root.attrib["failures"]) >= 1
    assert (place / "results" / "results.jsonl").is_file()


@pytest.mark.long
def test_second_session_has_another_seed_and_confirms_the_slower_commit(
    ablatrix: Ablatrix, repository: tuple[Path, str, str]
) -> None:
    place, base, head = repository
    builds = ("--base", f"base@{base}", "--head", f"head@{head}")
    done = ablatrix("pr", place / "study.yaml", *builds, "--out", place / "results", "--confirm", "--json", "-q")
    assert done.returncode == 1, done.stderr.decode()
    held = json.loads(done.stdout)["comparison"]
    assert held["sessions"] == 2
    (change,) = held["metrics"][0]["changes"]
    assert (change["word"], change["second_session"]) == ("regression", "regression")
    (crossed,) = held["metrics"][0]["crossings"]
    assert (crossed["knob"], crossed["base_level"], crossed["level"], crossed["depends"]) == (
        "fast_math",
        "off",
        "on",
        True,
    )
    without, with_flag = crossed["build_at"]
    assert without["word"] != with_flag["word"] == "regression"
    assert with_flag["ratio"] > 2.0 > without["ratio"]
    seeds = [json.loads((place / name / "design.json").read_text())["seed"] for name in ("results", "results-second")]
    assert seeds == [11, 12]


def test_steps_name_only_files_that_the_comparison_writes() -> None:
    compare, comment = step_of("Compare")["run"], step_of("Comment")
    assert "tee pr.md" in compare
    assert "--body-file pr.md" in comment["run"]
    assert "hashFiles('pr.md') != ''" in comment["if"]
