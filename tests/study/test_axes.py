"""Axes of workloads: a study unfolds them into variants, checks every value, and keeps what had no axes as it was."""

from pathlib import Path
from typing import Any

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.design import make_design
from ablatrix.study.design_file import design_text, load_design, write_design
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.workload_choice import WorkloadChoice

ROOT = Path(__file__).parents[2]
SMALL = {"layers": 1, "hidden": 16, "heads": 2, "vocabulary": 32}


def study_of(*workloads: Any, **changes: Any) -> ResolvedStudy:
    given = {
        "name": "s",
        "workloads": list(workloads),
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
        **changes,
    }
    return resolve_study(Study.model_validate(given))


def file_of(folder: Path, workloads: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(
        "name: s\nworkloads:\n" + workloads + "compilers: [tvm]\nmodes: [cold]\n"
        "stages: [{name: primary, factorial: {fusion: [off, on]}}]\n"
    )
    return path


def test_variants_of_two_axes_are_all_combinations_in_order() -> None:
    choice = WorkloadChoice(name="mlp", parameters={"batch": 2}, axes={"hidden": [8, 16], "layers": [1, 2]})
    assert [one.name for one in choice.variants] == [
        "mlp[hidden=8,layers=1]",
        "mlp[hidden=8,layers=2]",
        "mlp[hidden=16,layers=1]",
        "mlp[hidden=16,layers=2]",
    ]
    assert choice.variants[1].axes == (("hidden", 8), ("layers", 2))
    assert dict(choice.variants[1].parameters) == {"batch": 2, "hidden": 8, "layers": 2}


def test_cells_of_variant_are_those_of_workload_with_its_parameters() -> None:
    unfolded = make_design(study_of({"name": "mlp", "axes": {"hidden": [16, 32]}}))
    alone = make_design(study_of({"name": "mlp", "parameters": {"hidden": 32}}))
    own = [cell for cell in unfolded.cells if cell.workload == "mlp[hidden=32]"]
    assert [cell.cell_id for cell in own] == [cell.cell_id for cell in alone.cells]
    assert {(cell.base, cell.axes, cell.parameters["hidden"]) for cell in own} == {("mlp", (("hidden", 32),), 32)}
    assert len(unfolded.cells) == 2 * len(alone.cells)


def test_workload_twice_under_two_names_is_two_workloads_with_titles() -> None:
    small = {"name": "small", "workload": "encoder", "parameters": SMALL}
    design = make_design(study_of("encoder", small, {"workload": "mlp", "axes": {"layers": [1, 2]}, "title": "Net"}))
    names = list(dict.fromkeys(cell.workload for cell in design.cells))
    assert names == ["encoder", "small", "mlp[layers=1]", "mlp[layers=2]"]
    assert {cell.registry_name for cell in design.cells if cell.workload == "small"} == {"encoder"}
    said = [design.titles.workload(name) for name in ("small", "mlp", "mlp[layers=2]")]
    assert said == ["BERT (small)", "Net", "Net (layers=2)"]
    alone = make_design(study_of({"name": "encoder", "parameters": SMALL}))
    assert {cell.cell_id for cell in alone.cells} <= {cell.cell_id for cell in design.cells}


def test_stage_names_workload_with_its_variants_or_one_of_them() -> None:
    stages = [
        {"name": "primary", "factorial": {"fusion": ["off"]}},
        {"name": "more", "factorial": {"fusion": ["on"]}, "workloads": ["mlp[layers=2]"]},
        {"name": "most", "factorial": {"partition": ["regions"]}, "workloads": ["mlp"]},
    ]
    design = make_design(study_of({"name": "mlp", "axes": {"layers": [1, 2]}}, stages=stages))
    asked = [(cell.workload, cell.stage) for cell in design.cells if cell.stage not in (None, "primary")]
    assert asked == [("mlp[layers=1]", "most"), ("mlp[layers=2]", "more"), ("mlp[layers=2]", "most")]


def test_design_with_axes_is_read_as_it_was_written(tmp_path: Path) -> None:
    design = make_design(study_of({"name": "mlp", "axes": {"layers": [1, 2]}}, "encoder"))
    write_design(design, tmp_path / "design.json")
    assert load_design(tmp_path / "design.json") == design


def test_study_without_axes_says_nothing_of_them() -> None:
    resolved = study_of({"name": "mlp", "parameters": {"layers": 2}})
    text = design_text(make_design(resolved))
    assert all(f'"{name}"' not in text for name in ("axes", "base", "registry_name"))
    assert resolved.study.model_dump(mode="json")["workloads"] == [{"name": "mlp", "parameters": {"layers": 2}}]


def test_architecture_has_axes_of_its_fields() -> None:
    resolved = study_of({"name": "own", "source": "hf:llama?hidden=64", "axes": {"layers": [1, 2]}})
    cells = {cell.workload: dict(cell.parameters) for cell in make_design(resolved).cells}
    assert cells == {"own[layers=1]": {"hidden": 64, "layers": 1}, "own[layers=2]": {"hidden": 64, "layers": 2}}
    assert [resolved.catalogue.workload(name).name for name in cells] == list(cells)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{name: mlp, axes: {hiden: [3]}}", "workload 'mlp' has no parameter 'hiden'; it has: layers, hidden"),
        ("{name: mlp, axes: {layers: [1, two, three]}}", "'layers' must be a whole number, but got 'two'"),
        ("{name: mlp, axes: {layers: [1, 0]}}", "layers >= 1 must hold, but got layers=0"),
        ("{name: mlp, axes: {layers: [2, 2]}}", "axis 'layers' lists the value 2 twice; list each once"),
        ("{name: mlp, axes: {layers: []}}", "workloads[0].axes.layers: must have at least 1, but has 0"),
        ("{name: mlp, axes: {}}", "'axes' names no parameter"),
        ("{name: mlp, axes: {layers: 2}}", "workloads[0].axes.layers: input should be a valid list, got 2"),
        ("{name: mlp, parameters: {layers: 1}, axes: {layers: [2]}}", "'layers' is an axis and stands under"),
        ("{name: mlp, axes: {layers: ['a b']}}", "axis 'layers': 'a b' becomes part of a name"),
        (
            "{name: mlp, axes: {layers: [" + ", ".join(map(str, range(1, 18))) + "], hidden: ["
            + ", ".join(map(str, range(1, 18))) + "]}}",
            "axes make 17 x 17 = 289 variants of 'mlp', and at most 256 are allowed",
        ),
        ("{name: net, workload: nlp}", "there is no workload 'nlp'"),
        ("{name: mlp, workload: encoder}", "'mlp' is the name of a workload that there is"),
        ("{name: net, workload: mlp, source: a.py:f}", "'workload' names one of the catalogue and 'source'"),
    ],
)  # fmt: skip
def test_wrong_axes_give_one_message_with_the_line(tmp_path: Path, entry: str, expected: str) -> None:
    path = file_of(tmp_path, f"  - {entry}\n")
    with pytest.raises(StudyError) as caught:
        load_study(path)
    faults = list(caught.value.faults)
    assert any(expected in fault for fault in faults)
    assert all(fault.startswith(f"{path}:3: ") for fault in faults)
    assert len(faults) == len(set(faults))


@pytest.mark.parametrize(
    ("workloads", "expected"),
    [
        ("  - mlp\n  - mlp\n", "'mlp' is listed twice; list each once, or give one another 'name'"),
        ("  - mlp\n  - {name: net, workload: mlp}\n", "'net' is the program of 'mlp'"),
        ("  - {name: mlp, parameters: {layers: 2}}\n  - {name: net, workload: mlp, axes: {layers: [1, 2]}}\n",
         "'net[layers=2]' is the program of 'mlp': the same workload with the same parameters; list it once"),
    ],
)  # fmt: skip
def test_same_program_twice_is_refused(tmp_path: Path, workloads: str, expected: str) -> None:
    with pytest.raises(StudyError, match=r"study.yaml:4: ") as caught:
        load_study(file_of(tmp_path, workloads))
    assert expected in str(caught.value)


def test_example_of_axes_takes_a_further_axis_in_one_line() -> None:
    text = (ROOT / "studies" / "axes.yaml").read_text(encoding="utf-8")
    resolved = load_study(ROOT / "studies" / "axes.yaml")
    names = [variant.name for variant in resolved.study.variants]
    assert names == ["encoder[tokens=16]", "encoder[tokens=64]", "encoder[tokens=256]"]
    assert {len(cell.knobs) > 0 for cell in make_design(resolved).cells} == {True, False}
    assert "      tokens: [16, 64, 256]\n" in text
