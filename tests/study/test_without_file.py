"""A study from a few words, its text, and the study's own models in faults and digests."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, Level, LevelEntry
from ablatrix.compilers.catalogue.model import Kind
from ablatrix.errors import StudyError
from ablatrix.plugin_files import read_catalogue
from ablatrix.study.design import make_design
from ablatrix.study.design_file import read_design, refuse_changed_sources, write_design
from ablatrix.study.files import companions, refuse_changed_files
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.needs import declared_modules, plugin_modules
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.study.without_file import make_single_study, make_study, study_text

MODEL = "def make(width: int = 4):\n    pass\n"
PLUGIN = """
from ablatrix.workloads.entry import WorkloadEntry

WORKLOADS = [WorkloadEntry(name="study_plug", tier="tiny", summary="One.", parameters={}, builder="study_plug:build")]
"""
COMPILER_PLUGIN = """
from ablatrix.plugin import CompilerEntry, KnobEntry, LevelEntry

LEVEL = KnobEntry(
    name="level", kind="primary", summary="One.", levels=(LevelEntry("O1", "One."),), default="O1", affects="code"
)
COMPILERS = [
    CompilerEntry(
        name="needing", summary="One.", modules=("torch", "not_there.compiler"), extra="", adapter="x:Y", knobs=(LEVEL,)
    )
]
"""


def kept(study: Study, directory: Path) -> ResolvedStudy:
    path = directory / "study.yaml"
    path.write_text(study_text(study))
    return load_study(path)


def test_quick_study_as_text_is_same_study(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    models = ["mlp", "net.py:make", "hf:bert?layers=1&hidden=32"]
    study = make_study(models, ["tvm"], ["fusion=off,on", "schedule=vectorised,default"], directory=tmp_path)
    resolved = resolve_study(study)
    again, catalogue = kept(study, tmp_path)
    assert again.digest == study.digest
    assert [choice.name for choice in again.workloads] == ["mlp", "net", "bert"]
    assert again.baseline == {"fusion": "off", "schedule": "vectorised"}
    assert [stage.name for stage in again.stages] == ["primary", "further"]
    assert make_design(ResolvedStudy(again, catalogue)) == make_design(resolved)


def test_quick_study_without_knobs_crosses_every_primary_knob(tmp_path: Path) -> None:
    study = make_study(["mlp"], ["tvm"], directory=tmp_path)
    assert list(study.stages[0].factorial or {}) == ["partition", "reuse", "memory_plan", "fusion"]
    assert len([cell for cell in make_design(resolve_study(study)).cells if cell.knobs]) == 16
    assert study.baseline["partition"] == "whole"


def test_quick_study_with_only_secondary_knobs_varies_around_one_centre(tmp_path: Path) -> None:
    study = make_study(["mlp"], ["tvm"], ["library=off,on"], ["cold"], directory=tmp_path)
    assert [cell.knobs["library"] for cell in make_design(resolve_study(study)).cells if cell.knobs] == ["off", "on"]


def of_flags(name: str, *knobs: KnobEntry) -> Catalogue:
    entry = CompilerEntry(name=name, summary="One.", modules=("torch",), extra="", adapter="x:Y", knobs=knobs)
    return installed_catalogue().including(entry, "a test")


def flag(name: str, *levels: str, kind: Kind = "secondary") -> KnobEntry:
    entries = tuple(LevelEntry(level, "One.") for level in levels)
    return KnobEntry(name=name, kind=kind, summary="One.", levels=entries, default=levels[0], affects="code")


def test_quick_study_of_compiler_without_primary_knob_varies_given_ones(tmp_path: Path) -> None:
    catalogue = of_flags("mine", flag("level", "O1", "O2"), flag("unroll", "off", "on"))
    given = ["level=O2,O1", "unroll=off,on"]
    resolved = resolve_study(make_study(["mlp"], ["mine"], given, directory=tmp_path, catalogue=catalogue), catalogue)
    found = [dict(cell.knobs) for cell in make_design(resolved).cells if cell.knobs]
    right = [("O2", "off"), ("O1", "off"), ("O2", "on")]
    assert [(knobs["level"], knobs["unroll"]) for knobs in found] == right


def test_quick_study_of_one_own_knob_has_its_levels(tmp_path: Path) -> None:
    catalogue = of_flags("mine", flag("level", "O1", "O2"))
    study = make_study(["mlp"], ["mine"], ["level=O1,O2"], directory=tmp_path, catalogue=catalogue)
    cells = make_design(resolve_study(study, catalogue)).cells
    assert [cell.knobs["level"] for cell in cells if cell.knobs] == ["O1", "O2"]
    with pytest.raises(StudyError, match=r"compilers mine have no primary knob .* give one with --knob"):
        make_study(["mlp"], ["mine"], directory=tmp_path, catalogue=catalogue)


def test_quick_study_of_own_primary_knob_crosses_it(tmp_path: Path) -> None:
    catalogue = of_flags("mine", flag("level", "O1", "O2", kind="primary"), flag("unroll", "off", "on"))
    study = make_study(["mlp"], ["mine"], ["level=O2,O1", "unroll=off,on"], directory=tmp_path, catalogue=catalogue)
    assert [stage.name for stage in study.stages] == ["primary", "further"]
    assert study.stages[0].factorial == {"level": ["O2", "O1"]}


def test_study_without_user_models_keeps_its_digest() -> None:
    data = {
        "name": "plain",
        "workloads": ["mlp"],
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
    }
    dumped = Study.model_validate(data).model_dump(mode="json")
    assert dumped["workloads"] == [{"name": "mlp", "parameters": {}}]
    assert "plugins" not in dumped


def test_study_on_cpu_keeps_digest_and_cells_and_on_cuda_has_others(tmp_path: Path) -> None:
    plain, cpu, cuda = (
        make_study(["mlp"], ["tvm"], ["fusion=off,on"], directory=tmp_path, catalogue=None, **words)
        for words in ({}, {"device": "cpu"}, {"device": "cuda"})
    )
    assert "device" not in plain.model_dump(mode="json")
    assert cpu.digest == plain.digest
    assert make_design(resolve_study(cpu)) == make_design(resolve_study(plain))
    assert cuda.digest != plain.digest
    assert kept(cuda, tmp_path).study.digest == cuda.digest
    cells = [{cell.cell_id for cell in make_design(resolve_study(study)).cells} for study in (plain, cuda)]
    assert not cells[0] & cells[1]
    with pytest.raises(StudyError, match="'cpu' or 'cuda'"):
        make_study(["mlp"], ["tvm"], ["fusion=off,on"], directory=tmp_path, device="gpu")


@pytest.mark.parametrize(
    ("workloads", "message"),
    [
        ("[net.py:make, {source: other/net.py:make}]", r"study.yaml:2: .*'net' is listed twice|there is no file"),
        ("[net.py:make, net.py:make]", "'net'"),
        (
            "[{name: mlp, source: net.py:make}]",
            "'mlp' is the name of a workload that there is; give your model another",
        ),
        ("[{name: net.py:make}]", "name: .*pattern|name"),
        ("[{name: mlp, tier: tiny}]", "'tier' and 'dynamic' go with 'source'"),
        ("[{source: net.py:make, parameters: {depth: 1}}]", "workload 'net' has no parameter 'depth'; it has: width"),
        ("[{source: net.py:build}]", "no function 'build' at its top level; there are: make"),
    ],
)
def test_study_with_fault_in_user_model_is_refused_with_line(tmp_path: Path, workloads: str, message: str) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    path = tmp_path / "study.yaml"
    path.write_text(
        f"name: own\nworkloads: {workloads}\ncompilers: [tvm]\nmodes: [cold]\n"
        "stages:\n  - name: primary\n    factorial: {fusion: [off, on]}\n"
    )
    with pytest.raises(StudyError, match=message) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}:2: ")


def test_study_with_changed_model_has_other_cells_and_old_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    study = make_study(["net.py:make"], ["tvm"], ["fusion=off,on"], directory=tmp_path)
    before = make_design(resolve_study(study))
    (tmp_path / "net.py").write_text(MODEL + "\n# changed\n")
    after = make_design(resolve_study(study))
    assert not {cell.cell_id for cell in before.cells} & {cell.cell_id for cell in after.cells}
    with pytest.raises(StudyError, match="the file of workload 'net' has changed"):
        refuse_changed_sources(before, after)
    refuse_changed_sources(after, after)


@pytest.mark.parametrize("edited", ["edited_plug.py", "plug_helper.py"])
def test_study_with_changed_plugin_is_refused_on_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited: str
) -> None:
    monkeypatch.delitem(sys.modules, "edited_plug", raising=False)
    (tmp_path / "plug_helper.py").write_text("WIDTH = 4\n")
    (tmp_path / "edited_plug.py").write_text(
        PLUGIN.replace("study", "edited") + "\n\ndef build():\n    import plug_helper\n"
    )
    study = make_study(["edited_plug"], ["tvm"], ["fusion=off,on"], plugins=["edited_plug.py"], directory=tmp_path)
    loaded = resolve_study(study)
    before = make_design(loaded)
    assert companions(loaded) == {name: tmp_path / name for name in ("plug_helper.py", "edited_plug.py")}
    write_design(before, tmp_path / "design.json")
    assert read_design(tmp_path / "design.json", study) == before
    (tmp_path / edited).write_text((tmp_path / edited).read_text() + "\n# changed\n")
    with pytest.raises(StudyError, match=rf"a file of plug-in edited_plug[.]py has changed .*{edited}"):
        refuse_changed_files(loaded)
    after = make_design(resolve_study(study))
    assert not {cell.cell_id for cell in before.cells} & {cell.cell_id for cell in after.cells}
    with pytest.raises(StudyError, match=r"plug-in edited_plug[.]py, or a file beside it that it imports, has changed"):
        refuse_changed_sources(before, after)
    refuse_changed_sources(replace(before, plugins={}), replace(before, plugins=after.plugins))  # of an older version


def test_study_needs_modules_of_its_plugins(tmp_path: Path) -> None:
    (tmp_path / "needs_helper.py").write_text("import json\nfrom numpy.linalg import norm\n")
    text = COMPILER_PLUGIN + "\n\ndef later():\n    import needs_helper, not_installed.deep\n"
    (tmp_path / "needing_plug.py").write_text(text)
    study = make_study(["mlp"], ["needing"], ["level=O1"], plugins=["needing_plug.py"], directory=tmp_path,
                       catalogue=read_catalogue([tmp_path / "needing_plug.py"]))  # fmt: skip
    resolved = resolve_study(study)
    assert declared_modules(resolved) == {"torch": ("needing",), "not_there.compiler": ("needing",)}
    plugin = ("needing_plug.py",)
    assert plugin_modules(resolved) == {"not_installed": plugin, "numpy": plugin}


def test_study_companions_are_files_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.py").write_text(MODEL)
    (tmp_path / "study_plug.py").write_text(PLUGIN)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "installed_net.py").write_text(MODEL)
    monkeypatch.syspath_prepend(tmp_path / "site")
    models = ["mlp", "models/net.py:make", "hf:bert?layers=1", "installed_net:make"]
    study = make_study(models, ["tvm"], plugins=["study_plug.py"], directory=tmp_path)
    files = companions(resolve_study(study))
    assert files == {name: tmp_path / name for name in ("models/net.py", "study_plug.py")}


def test_study_file_outside_its_directory_is_refused_in_copy(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL)
    study = make_study(["../net.py:make"], ["tvm"], directory=tmp_path / "below")
    with pytest.raises(StudyError, match=r"\.\./net.py lies outside .* put it beside the study file or below it"):
        companions(resolve_study(study))


def test_single_study_is_one_configuration_with_settings_by_address() -> None:
    entry = installed_catalogue().compiler("tvm")
    study = make_single_study("mlp", entry, ["fusion=on", "llvm:vectorize-loops:bool=off", "target:mattr=+avx2,+fma"])
    (choice,) = study.compilers
    assert choice.fixed == {
        "fusion": "on",
        "llvm_vectorize_loops_bool": "off",
        "target_mattr": "+avx2,+fma",
    }
    assert {name: (knob.setting, knob.levels) for name, knob in choice.knobs.items()} == {
        "llvm_vectorize_loops_bool": ("llvm:vectorize-loops:bool", ["off"]),
        "target_mattr": ("target:mattr", ["+avx2,+fma"]),
    }
    assert study.stages[0].factorial == study_levels(study.baseline)
    plain = resolve_study(make_single_study("mlp", entry, ["fusion=on"]))
    (cell,) = (one for one in make_design(plain).cells if one.stage is not None)
    assert cell.knobs == {knob.name: knob.as_shipped for knob in entry.knobs} | {"fusion": "on"}


def study_levels(knobs: Mapping[str, Level]) -> dict[str, list[Level]]:
    return {name: [level] for name, level in knobs.items()}


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        (["fusion"], "--knob fusion: must be of the form knob=level, such as fusion=off"),
        (["=on"], "--knob =on: must be of the form"),
        (["pass:FoldConstant=off", "pass:FoldConstant=on"], "'pass:FoldConstant' is given twice; give it once"),
    ],
)
def test_single_study_refuses_knob_that_is_no_configuration(knobs: list[str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        make_single_study("mlp", installed_catalogue().compiler("tvm"), knobs)
