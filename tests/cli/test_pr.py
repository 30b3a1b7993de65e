"""``ablatrix pr`` on records that are there: Markdown, JUnit, JSON, and the exit code of the policy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.run import RunSummary
from tests.cli.conftest import Ablatrix
from tests.synthetic import make_records, write_records
from tests.with_builds import Knobs, only_memory_and_fusion, with_builds


def slower(workload: str, mode: str, knobs: Knobs) -> float:
    del mode, knobs
    return 1.03 if workload == "encoder" else 1.0


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sessions: a slowdown that only the first has."""
    place = tmp_path_factory.mktemp("sessions")
    records = only_memory_and_fusion(make_records(modes=["hot"], blocks=4, noise=0.001))
    for name, made in (("one", with_builds(records, slower)), ("two", with_builds(records, seed=8))):
        write_records(place / name / "results.jsonl", made)
    return place / "one", place / "two"


def test_pr_of_a_regression_fails_in_all_forms(here: Ablatrix, sessions: tuple[Path, Path], tmp_path: Path) -> None:
    asked = ("pr", "--results", sessions[0], "--base", "stable", "--head", "pr")
    done = here(
        *asked, "--markdown", tmp_path / "deep" / "pr.md", "--junit", tmp_path / "pr.xml", "--link", "https://x.y"
    )
    assert (done.returncode, done.stderr) == (1, b"")
    text = done.stdout.decode()
    assert text.startswith("### ablatrix: pr against stable: fails\n")
    assert (tmp_path / "deep" / "pr.md").read_text() == text
    assert text.endswith("[All results](https://x.y)\n")
    assert ElementTree.parse(tmp_path / "pr.xml").getroot().attrib["failures"] == "1"
    held = json.loads(here(*asked, "--json").stdout)
    assert held["passes"] is False
    assert [one["workload"] for one in held["checks"] if one["state"] == "fails"] == ["encoder"]
    assert held["comparison"]["sessions"] == 1


def test_pr_the_other_way_round_passes(here: Ablatrix, sessions: tuple[Path, Path]) -> None:
    done = here("pr", "--results", sessions[0], "--base", "pr", "--head", "stable")
    assert (done.returncode, b"improvement" in done.stdout) == (0, True)


def test_pr_of_two_sessions_calls_changed_only_what_recurs(here: Ablatrix, sessions: tuple[Path, Path]) -> None:
    one, two = sessions
    done = here("pr", "--results", one, "--results", two)
    assert done.returncode == 0
    assert b"not confirmed (second session: same)" in done.stdout
    assert b"Two sessions were run; only what both show is called a change." in done.stdout
    assert here("pr", "--results", one, "--results", one).returncode == 1


STUDY = """\
name: pr
seed: 11
workloads: [attention, encoder]
builds: {stable: {}, pr: {env: {A: "1"}}}
compilers: [{name: tvm, builds: [stable, pr]}]
modes: [hot]
stages: [{name: builds, factorial: {build: [stable, pr], fusion: [off, on]}}]
"""


def test_pr_with_confirm_runs_second_session_of_another_seed(
    here: Ablatrix, sessions: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that are there stand for those of the two runs, which the long form in ``test_pr_workflow`` makes."""
    begun: list[tuple[int, str]] = []

    def lay_down(resolved: ResolvedStudy, path: Path, out: Path, *_: object) -> RunSummary:
        shutil.copytree(sessions[len(begun)], out, dirs_exist_ok=True)
        begun.append((resolved.study.seed, out.name))
        return RunSummary(results=out / "results.jsonl", planned=0, statuses={}, signal=None)

    monkeypatch.setattr("ablatrix.cli.run.run_study", lay_down)
    (tmp_path / "study.yaml").write_text(STUDY)
    builds = ("--base", "stable", "--head", "pr")
    done = here("pr", tmp_path / "study.yaml", *builds, "--out", tmp_path / "results", "--confirm", "--json")
    assert done.returncode == 0, done.stderr.decode()
    assert begun == [(11, "results"), (12, "results-second")]
    assert json.loads(done.stdout)["comparison"]["sessions"] == 2


def test_pr_follows_its_policy(here: Ablatrix, sessions: tuple[Path, Path], tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nlimits: {run_ms_paired: 5%}\n")
    assert here("pr", "--results", sessions[0], "--policy", policy).returncode == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--base", "none"], "there is no build 'none' in these results; there are: stable, pr"),
        (["--head", "stable", "--base", "stable"], "build 'stable' cannot be compared with itself"),
        (["--policy", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["--junit", "/proc/none/pr.xml"], "--junit /proc/none/pr.xml: cannot be written"),
    ],
)
def test_pr_with_wrong_input_gives_one_message_and_exits_with_2(
    here: Ablatrix, sessions: tuple[Path, Path], more: list[str], message: str
) -> None:
    done = here("pr", "--results", sessions[0], *more)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
