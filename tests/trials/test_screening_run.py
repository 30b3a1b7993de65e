"""A real run of a screening: untimed compiles, a choice in the design, and a second run that adds nothing."""

from pathlib import Path

import pytest

from ablatrix.records.journal import read_records
from ablatrix.study.design_file import load_design
from tests.cli.conftest import answer_here

STUDY = """\
name: few
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [{name: tvm, fixed: {schedule: vectorised}}]
modes: [hot]
stages:
  - {name: screen, screen: [memory_plan, fusion]}
  - {name: confirm, factorial_of: {stage: screen, most: 1}}
protocol:
  threads: 1
  repeats: 0
  hot: {blocks: 1, max_blocks: 1, rounds: 2, burst_ms: 1, warm_up_ms: 1}
"""


@pytest.mark.slow
def test_screening_is_compiled_chosen_and_run_once(tmp_path: Path) -> None:
    study = tmp_path / "few.yaml"
    study.write_text(STUDY)
    done = answer_here("run", study, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr.decode()
    records = list(read_records(tmp_path / "out" / "results.jsonl"))
    probes = [one for one in records if one.role == "probe"]
    assert len(probes) == 4  # the baseline, each knob alone, both
    assert {one.status for one in probes} == {"ok"}
    assert all(one.compile is not None and one.runtime is None for one in probes)
    design = load_design(tmp_path / "out" / "design.json")
    screen, confirm = design.choices
    assert (screen.stage, screen.design, screen.programs) == ("screen", "full_factorial", screen.configurations)
    assert (confirm.of, confirm.knobs) == ("screen", ())  # one block shows nothing
    hot = [one for one in records if one.mode == "hot" and one.role == "measured"]
    assert {one.cell_id for one in hot} == screen.corners.keys()
    again = answer_here("run", study, "--out", tmp_path / "out")
    assert b"0 trials to run" in again.stderr
    assert len(list(read_records(tmp_path / "out" / "results.jsonl"))) == len(records)
