"""Laying out a study: cells add up over stages, blocks hold what is compared, the order is seeded."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.canonical import content_id
from ablatrix.errors import StudyError
from ablatrix.study.design import Design, extend_design, make_design
from ablatrix.study.design_file import design_text
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study

PRIMARY = {
    "partition": ["whole", "regions"],
    "reuse": ["keep", "release"],
    "memory_plan": ["off", "on"],
    "fusion": ["off", "on"],
}

ONE = [{"name": "one", "factorial": {"fusion": ["off"]}}]


def study_of(**changes: Any) -> ResolvedStudy:
    given_values: dict[str, Any] = {
        "name": "s",
        "workloads": ["mlp", "encoder"],
        "compilers": [{"name": "tvm", "fixed": {"schedule": "vectorised"}}],
        "modes": ["cold", "hot"],
        "stages": [{"name": "primary", "factorial": PRIMARY}],
        "protocol": {"cold": {"replicates": 2}, "hot": {"blocks": 3}},
    }
    return resolve_study(Study.model_validate({**given_values, **changes}))


def test_primary_matrix_has_two_to_the_four_cells_and_one_reference() -> None:
    design = make_design(study_of())
    for workload in ("mlp", "encoder"):
        cells = [cell for cell in design.cells if cell.workload == workload]
        assert len([cell for cell in cells if cell.compiler == "tvm"]) == 16
        assert len([cell for cell in cells if cell.compiler == "eager"]) == 1
    assert all(cell.knobs["schedule"] == "vectorised" for cell in design.cells if cell.knobs)


def test_later_stages_add_cells_without_multiplying() -> None:
    around = {"partition": "regions", "reuse": "release", "memory_plan": "on", "fusion": "on"}
    secondary = {
        "name": "secondary",
        "around": around,
        "vary": {"schedule": ["default", "vectorised"], "library": ["off", "on"]},
    }
    stages = [{"name": "primary", "factorial": PRIMARY}, secondary]
    cells = [c for c in make_design(study_of(workloads=["mlp"], stages=stages)).cells if c.compiler == "tvm"]
    # 16, and of the secondary stage only schedule=default and library=on are new: the centre is in the factorial.
    assert len(cells) == 18
    assert [cell.stage for cell in cells].count("secondary") == 2


def test_hot_block_has_reference_baseline_and_aa_control() -> None:
    design = make_design(study_of())
    for block in design.blocks():
        roles = [trial.role for trial in block]
        baselines = [t for t in block if t.role == "measured" and is_baseline(design, t.cell_id)]
        assert roles.count("reference") == 1
        assert len(baselines) == 1
        assert roles.count("twin") == (1 if block[0].mode == "hot" else 0)


def test_block_larger_than_max_live_is_split_with_baseline_in_each_part() -> None:
    protocol = {"cold": {"replicates": 1}, "hot": {"blocks": 1, "max_live": 8}}
    design = make_design(study_of(workloads=["mlp"], modes=["hot"], protocol=protocol))
    blocks = design.blocks()
    assert len(blocks) == 3
    assert all(len(block) <= 8 for block in blocks)
    measured = {trial.cell_id for block in blocks for trial in block if trial.role == "measured"}
    assert len(measured) == 16


def test_design_on_machine_with_fewer_workers_splits_more_of_same_study() -> None:
    study = study_of(workloads=["mlp"], modes=["hot"], protocol={"hot": {"blocks": 1}})
    whole, split = make_design(study), make_design(study, max_live=8)
    assert (len(whole.blocks()), len(split.blocks())) == (1, 3)
    assert (whole.study_digest, whole.cells) == (split.study_digest, split.cells)
    longer = extend_design(study, split, "mlp", "tvm", max_live=8)
    assert len(longer.blocks()) == 6


def test_named_cache_has_one_cache_priming_trial_in_cold_mode_only() -> None:
    around = {"partition": "whole", "reuse": "keep", "memory_plan": "off", "fusion": "off"}
    stages = [
        {"name": "primary", "factorial": {"fusion": ["off", "on"]}},
        {"name": "cache", "around": around, "vary": {"cache_tag": ["private", "warm"]}},
    ]
    design = make_design(study_of(workloads=["mlp"], stages=stages))
    tagged = [trial for trial in design.trials if design.cell(trial.cell_id).knobs.get("cache_tag") == "warm"]
    assert [trial.mode for trial in tagged] == ["cold", "cold", "cold"]
    assert [trial.role for trial in sorted(tagged, key=lambda t: t.position)] == ["primer", "measured", "measured"]


def test_upper_bound_levels_without_dynamic_dimension_are_omitted() -> None:
    stages = [
        {"name": "primary", "factorial": {"fusion": ["off", "on"]}},
        {"name": "bound", "around": {"fusion": "on"}, "vary": {"upper_bound": [128]}},
    ]
    design = make_design(study_of(workloads=["mlp"], stages=stages))
    assert all(cell.knobs["upper_bound"] == "workload" for cell in design.cells if cell.knobs)


def test_cell_with_weights_as_inputs_has_id_of_before_that_knob() -> None:
    fixed = {"name": "tvm", "fixed": {"weights": "input"}}
    changes: list[dict[str, Any]] = [{"compilers": [fixed]}, {"compilers": ["tvm"]}]
    designs = [make_design(study_of(workloads=["mlp"], stages=ONE, **change)) for change in changes]
    cell, other = (one for design in designs for one in design.cells if one.stage)
    knobs = {knob: level for knob, level in cell.knobs.items() if knob != "weights"}
    identity = {"workload": "mlp", "parameters": cell.parameters, "compiler": "tvm", "knobs": knobs}
    assert cell.cell_id == content_id(identity)
    assert (cell.knobs["weights"], other.knobs["weights"]) == ("input", "constant")


def test_study_that_never_runs_its_baseline_is_refused() -> None:
    with pytest.raises(StudyError, match="no stage runs the baseline of mlp on tvm"):
        make_design(study_of(workloads=["mlp"], stages=[{"name": "primary", "factorial": {"fusion": ["on"]}}]))


def test_cold_blocks_of_replicate_precede_its_hot_blocks() -> None:
    design = make_design(study_of())
    modes = [(block[0].mode, len(block)) for block in design.blocks()]
    assert [mode for mode, _ in modes] == ["cold"] * 2 + ["hot"] * 2 + ["cold"] * 2 + ["hot"] * 4


def test_design_with_same_seed_is_same_and_with_other_seed_differs() -> None:
    assert design_text(make_design(study_of())) == design_text(make_design(study_of()))
    orders = {
        tuple((t.cell_id, t.role) for t in make_design(study_of(seed=seed)).trials if t.mode == "hot")
        for seed in range(5)
    }
    assert len(orders) == 5


def test_design_as_json_holds_every_trial_with_position() -> None:
    design = make_design(study_of())
    held = json.loads(design_text(design))
    assert [trial["position"] for trial in held["trials"]] == list(range(len(design.trials)))
    assert {trial["cell_id"] for trial in held["trials"]} <= {cell["cell_id"] for cell in held["cells"]}


levels = st.sampled_from(list(PRIMARY.items()))


@settings(max_examples=60, deadline=None)
@given(
    knobs=st.lists(levels, min_size=1, max_size=4, unique_by=lambda item: item[0]),
    workloads=st.lists(st.sampled_from(["mlp", "encoder"]), min_size=1, unique=True),
    modes=st.lists(st.sampled_from(["cold", "hot"]), min_size=1, unique=True),
    replicates=st.integers(1, 3),
    blocks=st.integers(1, 3),
    max_live=st.integers(4, 20),
    seed=st.integers(0, 2**31),
)
def test_design_runs_every_configuration_once_per_replicate_with_own_id(
    knobs: list[tuple[str, list[str]]],
    workloads: list[str],
    modes: list[str],
    replicates: int,
    blocks: int,
    max_live: int,
    seed: int,
) -> None:
    protocol = {"cold": {"replicates": replicates}, "hot": {"blocks": blocks, "max_live": max_live}}
    stages = [{"name": "primary", "factorial": dict(knobs)}]
    design = make_design(study_of(workloads=workloads, modes=modes, stages=stages, protocol=protocol, seed=seed))
    ids = [trial.trial_id for trial in design.trials]
    assert len(set(ids)) == len(ids)
    assert [trial.position for trial in design.trials] == list(range(len(ids)))
    repeats = {"cold": replicates, "hot": blocks}
    for mode, workload in itertools.product(modes, workloads):
        expected = {cell.cell_id for cell in design.cells if cell.workload == workload and cell.compiler == "tvm"}
        assert len(expected) == 2 ** len(knobs)
        for cell_id in expected:
            runs = [t for t in design.trials if t.cell_id == cell_id and t.mode == mode and t.role == "measured"]
            if is_baseline(design, cell_id):
                assert len(runs) >= repeats[mode]
            else:
                assert len(runs) == repeats[mode]
    for block in design.blocks():
        assert len({(design.cell(t.cell_id).workload, t.mode, t.block) for t in block}) == 1
        assert block[0].mode == "cold" or len(block) <= max_live


def is_baseline(design: Design, cell_id: str) -> bool:
    cell = design.cell(cell_id)
    return bool(cell.knobs) and dict(cell.knobs) == dict(cell.baseline)
