"""A study between two builds: those that it names, or that a command line makes up."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from ablatrix.errors import StudyError
from ablatrix.study.model import Study
from ablatrix.study.two_builds import between_builds

DATA: dict[str, Any] = {
    "name": "pr",
    "workloads": ["mlp"],
    "compilers": [{"name": "tvm", "builds": ["stable", "mine"]}, "inductor"],
    "builds": {
        "stable": {"pip": ["apache-tvm==0.27.0"]},
        "mine": {"git": {"repository": "../tvm", "commit": "main", "build": ["make"]}},
    },
    "modes": ["hot"],
    "baseline": {"fusion": "off"},
    "stages": [
        {"name": "builds", "compilers": ["tvm"], "factorial": {"build": ["stable", "mine"], "fusion": ["off", "on"]}},
        {"name": "around", "compilers": ["inductor"], "around": {}, "vary": {"fusion": ["on"]}},
    ],
}
PLAIN = {key: value for key, value in DATA.items() if key != "builds"} | {
    "compilers": ["tvm", "inductor"],
    "stages": [{"name": "one", "factorial": {"fusion": ["off", "on"]}}],
}


def study_of(data: dict[str, Any] = DATA) -> Study:
    return Study.model_validate(data)


def test_study_of_just_these_builds_is_the_same_study() -> None:
    study = study_of()
    found, base, head = between_builds(study, "stable", "mine")
    assert (found, base, head) == (study, "stable", "mine")
    assert found.digest == study.digest


def test_builds_the_other_way_round_have_another_baseline() -> None:
    found, base, head = between_builds(study_of(), "mine", "stable")
    assert (base, head) == ("mine", "stable")
    assert found.compilers[0].builds == ["mine", "stable"]
    assert found.compilers[1].builds == []
    assert found.stages[0].factorial == {"build": ["mine", "stable"], "fusion": ["off", "on"]}
    assert found.stages[1].vary == {"fusion": ["on"]}


@pytest.mark.parametrize(
    ("given", "name", "made"),
    [
        ("pip:onnxruntime==1.23.0", "onnxruntime-1.23.0", {"pip": ["onnxruntime==1.23.0"]}),
        ("pip:a==1, b==2", "a-1-b-2", {"pip": ["a==1", "b==2"]}),
        ("git:v1.2", "v1.2", {"git": {"repository": "../tvm", "commit": "v1.2", "build": ["make"]}}),
        ("mine@77aa", "mine-77aa", {"git": {"repository": "../tvm", "commit": "77aa", "build": ["make"]}}),
        ("git:77aa", "git-77aa", {"git": {"repository": "../tvm", "commit": "77aa", "build": ["make"]}}),
        ("here", "here", {}),
    ],
)
def test_build_that_is_made_up_takes_the_place_of_one(given: str, name: str, made: dict[str, Any]) -> None:
    found, base, head = between_builds(study_of(), "stable", given)
    assert (base, head) == ("stable", name)
    assert found.builds[name].model_dump(mode="json") == made
    assert list(found.builds) == ["stable", name]
    assert found.compilers[0].builds == ["stable", name]


def test_interpreter_is_a_build_and_its_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "venv" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(sys.executable)
    found, _, head = between_builds(study_of(), "stable", str(link))
    assert head == "venv-bin-python"
    assert found.builds[head].python == str(link)


def test_study_without_builds_gets_two_in_every_compiler_and_stage() -> None:
    found, base, head = between_builds(study_of(PLAIN), "here", "pip:apache-tvm==0.27.0")
    assert [choice.builds for choice in found.compilers] == [[base, head], [base, head]]
    assert found.stages[0].factorial == {"build": ["here", "apache-tvm-0.27.0"], "fusion": ["off", "on"]}
    assert list(found.baseline) == ["fusion"]


@pytest.mark.parametrize(
    ("data", "base", "head", "message"),
    [
        (DATA, "stable", "mien", "the study has no build 'mien' \\(it has: stable, mine; did you mean 'mine'\\?\\)"),
        (PLAIN, "here", "mine", "the study has no build 'mine' \\(it has none\\), and it is none of: an interpreter"),
        (DATA, "mine", "mine", "--base mine and --head mine are one build; give two"),
        (PLAIN, "here", "git:main", "the study has 0 builds of a repository; give one build of it 'git'"),
        (DATA, "mine", "stable@main", "'stable' is of no repository, so that it has no commits"),
        (DATA, "mine", "/nowhere/python", "build /nowhere/python: there is no such program; give the path of a Python"),
        (DATA, "mine", "pip:", "build pip:: 'pip' asks for nothing"),
        (DATA, "mine", "pip:-e .", "'-e .' is an option of pip and no requirement"),
    ],
)
def test_build_that_cannot_be_is_refused_with_what_can(
    data: dict[str, Any], base: str, head: str, message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        between_builds(study_of(data), base, head)


def test_screening_between_builds_is_refused() -> None:
    data = PLAIN | {"stages": [{"name": "many", "screen": "all"}]}
    with pytest.raises(StudyError, match="stage 'many' is a screening or its confirmation, which does not compare"):
        between_builds(study_of(data), "here", "pip:apache-tvm==0.27.0")
