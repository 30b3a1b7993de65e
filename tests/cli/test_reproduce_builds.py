"""``ablatrix reproduce`` of an artifact of two builds: a stranger makes both again, and judges a claim about them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablatrix.artifact.reproduction.reproduction import read_report
from ablatrix.records.journal import read_records
from tests.cli.conftest import LITTLE_PAPER, Ablatrix
from tests.conftest import SAVE_PAGES, save_no_images

PROGRAM = Path(__file__).parents[2] / "examples" / "command" / "numpy_compiler.py"
SLOW = PROGRAM.read_text(encoding="utf-8").replace(
    '    lines += [f"    return', '    lines += ["    sum(range(20000))"]\n    lines += [f"    return'
)
STUDY = {
    "name": "two-builds",
    "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
    "compilers": [{"name": "numpy", "command": ["python3", "quick.py"], "builds": ["slow", "quick"]}],
    "builds": {name: {"command": ["python3", f"{name}.py"]} for name in ("slow", "quick")},
    "modes": ["hot"],
    "stages": [{"name": "main", "factorial": {"build": ["slow", "quick"]}}],
    "checks": {"input_sets": 1},
    "protocol": {
        "threads": 1,
        "repeats": 0,
        "hot": {"blocks": 3, "max_blocks": 3, "rounds": 6, "burst_ms": 0.5, "warm_up_ms": 1, "timeout_s": 60},
    },
}
CLAIMS = """\
version: 1
claims:
  - {id: correct, correct: all}
  - {id: quicker, workload: mlp, compiler: numpy, metric: run_ms_paired, knob: build, at_least: 1.2}
"""


@pytest.fixture(autouse=True)
def figures_without_pictures() -> Iterator[None]:
    """Nobody looks at the figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SAVE_PAGES, save_no_images)
        yield


def test_artifact_of_two_builds_is_reproduced_with_both(here: Ablatrix, tmp_path: Path) -> None:
    assert SLOW.count("sum(range(20000))") == 1
    for name, text in (("quick", PROGRAM.read_text(encoding="utf-8")), ("slow", SLOW)):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    study, bundle, again = tmp_path / "study.yaml", tmp_path / "bundle", tmp_path / "again"
    study.write_text(json.dumps(STUDY))
    (tmp_path / "study.claims.yaml").write_text(CLAIMS)
    (tmp_path / "paper.yaml").write_text(LITTLE_PAPER)
    for command in (
        ("run", study, "--out", bundle, "--quiet"),
        ("artifact", study, "--out", bundle, "--quiet", "--template", tmp_path / "paper.yaml"),
    ):
        done = here(*command)
        assert done.returncode == 0, done.stderr.decode()
    refused = here("reproduce", bundle, "--out", again, "--quiet")
    assert (refused.returncode, again.exists()) == (2, False)
    assert "quick.py" in refused.stderr.decode()
    done = here("reproduce", bundle, "--out", again, "--quiet", "--trust")
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
    report = read_report(again / "reproduction.json")
    assert {claim.id: claim.outcome for claim in report.claims} == {"correct": "reproduced", "quicker": "reproduced"}
    made = {
        record.config.knobs["build"] for record in read_records(again / "results.jsonl") if record.role == "measured"
    }
    assert made == {"slow", "quick"}
