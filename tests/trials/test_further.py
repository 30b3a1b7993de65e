"""Stages that follow from results: laid out when what they follow from is there, on blocks of their own."""

import random
from collections import Counter
from pathlib import Path

from ablatrix.records.brief import Brief
from ablatrix.records.journal import read_records
from ablatrix.records.model import Failure, Record
from ablatrix.records.status import Status
from ablatrix.study.design import Design, make_design
from ablatrix.study.design_file import design_text, load_design
from ablatrix.study.planned_stage import stage_plan
from ablatrix.trials.results import Finished
from ablatrix.trials.run.further import extend_by_results
from ablatrix.trials.run.probed import open_probes
from tests.made_study import MadeStudy
from tests.screened_study import STAGES, many_knobs, write_screened

FACTORS = {"k0": 0.8, "k3": 1.1, "k5": 0.95, "k7": 1.03}


def records_of(made: MadeStudy) -> list[Record]:
    return list(read_records(made.results / "results.jsonl", report=lambda _: None))


def test_screening_is_due_only_when_all_compiles_are_there(tmp_path: Path) -> None:
    resolved = many_knobs(12)
    design = make_design(resolved)
    made = write_screened(tmp_path, FACTORS, 12, 10)
    known = {one.trial_id: one for one in records_of(made) if one.role == "probe"}
    assert len(known) == len(design.trials) == 26
    missing = dict(list(known.items())[1:])
    assert extend_by_results(resolved, design, missing) is None
    extended = extend_by_results(resolved, design, known)
    assert extended is not None
    choice = extended.choices[0]
    assert choice.knobs == tuple(f"k{number}" for number in range(10))
    assert list(choice.idle) == ["k10", "k11"]
    assert choice.why == "10 of 12 knobs may change something; the study asks for it"


def test_screening_and_confirmation_have_blocks_of_their_own_with_baseline(tmp_path: Path) -> None:
    made = write_screened(tmp_path, FACTORS, 12, 10)
    design = load_design(made.results / "design.json")
    cells = {cell.cell_id: cell for cell in design.cells}
    hot = [block for block in design.blocks() if block[0].mode == "hot"]
    assert {one.stage for block in hot for one in block} == {"screen", "confirm"}
    for block in hot:
        assert len({one.stage for one in block}) == 1
        assert len(block) <= 18
        measured = [cells[one.cell_id] for one in block if one.role == "measured"]
        assert sum(cell.knobs == cell.baseline for cell in measured) == 1
    stages = ("screen", "confirm")
    for role in ("reference", "twin"):  # of a screening once a repeat: it compares configurations with each other
        held = Counter((one.stage, one.replicate) for block in hot for one in block if one.role == role)
        assert {*held.values()} == {1}
    replicates = {stage: {one.replicate for block in hot for one in block if one.stage == stage} for stage in stages}
    assert not replicates["screen"] & replicates["confirm"]


def test_confirmation_is_of_largest_knobs_that_were_found(tmp_path: Path) -> None:
    design = load_design(write_screened(tmp_path, FACTORS, 12, 10).results / "design.json")
    choice = design.choice("confirm", "mlp", "mine")
    assert choice is not None
    assert choice.knobs == ("k0", "k3", "k5")  # of four, in the order of the study
    assert (choice.configurations, choice.of) == (8, "screen")
    # Of these draws one knob that does nothing is found, too: a share of 5 % is meant to be.
    assert choice.why == "the 3 largest of 5 knobs that 'screen' found among 10 at a false discovery rate of 5 %"


def test_records_say_what_stage_turned_out_to_be(tmp_path: Path) -> None:
    records = records_of(write_screened(tmp_path, FACTORS, 12, 10))
    assert {one.config.stage for one in records if one.role != "reference"} == {"screen", "confirm"}
    assert all(one.runtime is None for one in records if one.role == "probe")
    plans = {one.config.stage: one.config.stage_plan for one in records if one.role == "measured"}
    screen, confirm = plans["screen"], plans["confirm"]
    assert screen is not None
    assert screen.chosen is not None
    assert (screen.kind, screen.chosen.idle, screen.chosen.of) == ("screen", ["k10", "k11"], None)
    assert confirm is not None
    assert confirm.chosen is not None
    assert (confirm.kind, confirm.chosen.of, confirm.knobs) == ("factorial", "screen", ["k0", "k3", "k5"])


def test_record_names_idle_knobs_in_order_of_study_also_of_resumed_run(tmp_path: Path) -> None:
    resolved = many_knobs(12)
    design = load_design(write_screened(tmp_path, FACTORS, 12, 8).results / "design.json")
    cells = {cell.cell_id: cell for cell in design.cells}
    trial = next(one for one in design.trials if one.stage == "screen" and one.role == "measured")
    plan = stage_plan(resolved, design, trial, cells[trial.cell_id])
    assert plan is not None
    assert plan.chosen is not None
    assert plan.chosen.idle == ["k8", "k9", "k10", "k11"]


def test_design_with_choices_survives_its_file(tmp_path: Path) -> None:
    path = write_screened(tmp_path, FACTORS, 12, 10).results / "design.json"
    design: Design = load_design(path)
    assert [choice.stage for choice in design.choices] == ["screen", "confirm"]
    assert design_text(design) == path.read_text(encoding="utf-8")


def test_knobs_that_all_do_nothing_leave_nothing_to_run(tmp_path: Path) -> None:
    design = load_design(write_screened(tmp_path, {}, 5, 0).results / "design.json")
    assert {one.role for one in design.trials} == {"probe"}
    assert [choice.why for choice in design.choices] == [
        "0 of 5 knobs may change something, so there is nothing to screen",
        "'screen' has nothing to confirm",
    ]


def test_confirmation_of_screening_that_found_nothing_is_empty(tmp_path: Path) -> None:
    design = load_design(write_screened(tmp_path, {}, 6, 6).results / "design.json")
    confirm = design.choice("confirm", "mlp", "mine")
    assert confirm is not None
    assert (confirm.knobs, confirm.configurations) == ((), 0)
    assert "found no knob" in confirm.why


def test_mirror_images_are_always_in_one_block_and_others_by_turns(tmp_path: Path) -> None:
    design = load_design(write_screened(tmp_path, FACTORS, 24, 24).results / "design.json")
    screen = [block for block in design.blocks() if block[0].stage == "screen" and block[0].mode == "hot"]
    repeats = sorted({block[0].replicate for block in screen})
    cells = {cell.cell_id: cell for cell in design.cells}
    parts = [
        {
            frozenset(one.cell_id for one in block if one.role == "measured")
            for block in screen
            if block[0].replicate == repeat
        }
        for repeat in repeats
    ]
    assert [len(one) for one in parts] == [4, 4, 4]  # 56 runs: 15 beside all anchors, 17 beside the baseline
    assert not parts[0] & parts[1]
    assert all(len(frozenset().union(*one)) == design.choices[0].configurations == 56 for one in parts)
    parted = 0
    for block in (block for one in parts for block in one):
        runs = {tuple(level == "on" for level in cells[one].knobs.values()) for one in block}
        parted += sum(tuple(not level for level in run) not in runs for run in runs)
    assert parted <= 2 * 3 + 9  # the baseline's own where the all-on run is elsewhere, and a pair a repeat


def test_layout_of_further_stage_is_same_for_same_seed(tmp_path: Path) -> None:
    first = write_screened(tmp_path / "a", FACTORS, 12, 10).results / "design.json"
    random.seed(3)
    second = write_screened(tmp_path / "b", FACTORS, 12, 10).results / "design.json"
    assert first.read_bytes() == second.read_bytes()


def test_equal_programs_of_all_corners_are_timed_once(tmp_path: Path) -> None:
    stages = [{"name": "screen", "screen": "all"}, STAGES[1]]
    made = write_screened(tmp_path, {"k0": 0.8, "k1": 1.2}, 4, 3, stages=stages)
    design = load_design(made.results / "design.json")
    screen = design.choice("screen", "mlp", "mine")
    assert screen is not None
    assert (screen.design, screen.configurations, screen.programs) == ("full_factorial", 8, 8)
    assert "all 8 corners were compiled and are 8 programs" in screen.why
    assert sorted(corner for corners in screen.corners.values() for corner in corners) == list(range(8))
    probes = [one for one in records_of(made) if one.role == "probe"]
    assert (
        len(probes) == len({one.cell_id for one in probes}) == 13
    )  # 10 for the activity, and the 3 corners that move two knobs
    confirm = design.choice("confirm", "mlp", "mine")
    assert confirm is not None
    assert confirm.knobs == ("k0", "k1")


def test_compiles_that_say_nothing_run_again_until_knobs_are_chosen(tmp_path: Path) -> None:
    made = write_screened(tmp_path, FACTORS, 6, 6, stages=STAGES[:1])
    known = {one.trial_id: one for one in records_of(made)}
    probes = [one for one in known.values() if one.role == "probe"]
    lost = Failure(type="TrialError", message="its server left", phase=None)
    own = Failure(type="CompilerError", message="it does not compile", phase="compile")
    changes = {"status": Status.CRASHED, "compile": None}
    told = {
        **known,
        probes[0].trial_id: probes[0].model_copy(update={**changes, "error": lost}),
        probes[1].trial_id: probes[1].model_copy(update={**changes, "error": own}),
    }
    held = {trial_id: Finished.of(Brief.of(record)) for trial_id, record in told.items()}
    begun = make_design(many_knobs(6, STAGES[:1]))
    assert open_probes(begun, held) == {probes[0].trial_id}
    assert open_probes(load_design(made.results / "design.json"), held) == set()


def test_idle_knobs_leave_although_nothing_compiles_with_all_moved(tmp_path: Path) -> None:
    stages = [{"name": "screen", "screen": "all", "design": "plackett_burman"}]
    made = write_screened(tmp_path, {"k0": 0.8}, 12, 6, stages=stages, breaking=[{"k2"}, {"k7", "k8"}])
    design = load_design(made.results / "design.json")
    choice = design.choice("screen", "mlp", "mine")
    assert choice is not None
    assert choice.needed == ("k2", "k8")  # k2 fails by itself; of k7 and k8 either must stay
    assert (sorted(choice.idle), dict(choice.failed)) == (["k10", "k11", "k6", "k7", "k9"], {"k2": "compile_error"})
    assert choice.knobs == ("k0", "k1", "k3", "k4", "k5", "k8")
    assert "as nothing compiles with all moved, k2, k8 stay where others are last" in choice.why
    assert design_text(design) == (made.results / "design.json").read_text(encoding="utf-8")
    probes = [one for one in design.trials if one.role == "probe"]
    assert len({one.cell_id for one in probes}) == len(probes) < 26 + 26
