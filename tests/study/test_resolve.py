"""A study and the catalogue that holds for it: found once, and nothing of the process changes by it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ablatrix.compilers import catalogue as shipped_compilers
from ablatrix.errors import StudyError
from ablatrix.plugin_files import read_catalogue
from ablatrix.study.cost import estimate
from ablatrix.study.design import make_design
from ablatrix.study.files import companions, refuse_changed_files
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.study.without_file import make_study
from ablatrix.trials.messages.message import decode, encode
from ablatrix.trials.messages.orders import OUTFIT, Outfit
from ablatrix.trials.run.runner import run
from ablatrix.trials.run.session import Session
from ablatrix.workloads import shipped as shipped_workloads

PROGRAM = """\
import sys
with open("{count}", "a") as stream:
    stream.write("started\\n")
sys.stdin.readline()
print({description!r})
"""
STUDY = """\
name: own
workloads: [{{source: net.py:make}}]
compilers: [{{name: mine, command: [python3, mine.py]}}]
modes: [cold]
stages: [{{name: primary, factorial: {{{knob}: [a, b]}}}}]
"""
PLUGIN = """
from ablatrix.plugin import CompilerEntry, switch

TURN = switch("turn", "primary", "code", "Whether it turns.", "It does not.", "It does.")
COMPILERS = [
    CompilerEntry(
        name="turning", summary="One.", modules=("torch",), extra="", adapter="turning_plug:Adapter", knobs=(TURN,)
    )
]
"""


def written(directory: Path, knob: str = "level") -> Path:
    """Write a study with a program and a model of its own; ``starts`` counts how often the program is started."""
    directory.mkdir(exist_ok=True)
    knobs = [{"name": knob, "levels": ["a", "b"], "default": "a"}]
    description = json.dumps({"protocol": 1, "knobs": knobs})
    program = PROGRAM.format(count=directory / "starts", description=description)
    (directory / "mine.py").write_text(program)
    (directory / "net.py").write_text("def make(width: int = 4):\n    pass\n")
    (directory / "study.yaml").write_text(STUDY.format(knob=knob))
    return directory / "study.yaml"


def starts(directory: Path) -> int:
    return len((directory / "starts").read_text().splitlines())


def entries_of_the_process() -> tuple[dict[str, object], dict[str, object], dict[str, str]]:
    return dict(shipped_compilers.SHIPPED), dict(shipped_workloads.SHIPPED), dict(os.environ)


def test_studies_with_equal_program_names_have_own_catalogues(tmp_path: Path) -> None:
    one = load_study(written(tmp_path / "one", "level"))
    other = load_study(written(tmp_path / "other", "flag"))
    assert one.catalogue.compiler("mine").primary == ("level",)
    assert other.catalogue.compiler("mine").primary == ("flag",)
    assert one.catalogue.workload("net").builder == f"{tmp_path / 'one' / 'net.py'}:make"
    assert other.catalogue.workload("net").builder == f"{tmp_path / 'other' / 'net.py'}:make"
    assert [cell.knobs for cell in make_design(one).cells if cell.knobs] != []


def test_load_of_study_leaves_process_unchanged(tmp_path: Path) -> None:
    before = entries_of_the_process()
    study, catalogue = load_study(written(tmp_path))
    assert {"mine"} == set(catalogue.compilers) - set(before[0])
    assert {"net"} == set(catalogue.workloads) - set(before[1])
    assert study.name == "own"
    assert entries_of_the_process() == before
    with pytest.raises(TypeError):
        shipped_compilers.SHIPPED["mine"] = catalogue.compiler("mine")  # type: ignore[index]


def test_program_is_started_once_from_load_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "run", lambda session, only, stack, workplace: (0, {}, None))
    resolved = load_study(written(tmp_path))
    design = make_design(resolved)
    estimate(resolved, design, design.trials, ())
    assert set(companions(resolved)) == {"mine.py", "net.py"}
    run(resolved, tmp_path / "out")
    assert starts(tmp_path) == 1


def test_study_made_in_python_resolves_like_one_from_file(tmp_path: Path) -> None:
    loaded = load_study(written(tmp_path))
    made = resolve_study(Study.model_validate(loaded.study.model_dump()).at(tmp_path))
    assert make_design(made) == make_design(loaded)
    other = Study.model_validate({**loaded.study.model_dump(), "compilers": ["other"]}).at(tmp_path)
    with pytest.raises(StudyError, match="there is no compiler 'other'; there are: inductor"):
        resolve_study(other)


@pytest.mark.parametrize(
    ("file", "what"), [("net.py", "the file of workload 'net'"), ("mine.py", "a file of compiler 'mine'")]
)
def test_study_file_changed_after_load_is_refused(tmp_path: Path, file: str, what: str) -> None:
    resolved = load_study(written(tmp_path))
    refuse_changed_files(resolved)
    (tmp_path / file).write_text("# another\n")
    with pytest.raises(StudyError, match=f"{what} has changed since the study was loaded: .*load the study again"):
        run(resolved, tmp_path / "out")


def test_quick_study_varies_primary_knobs_of_plugin(tmp_path: Path) -> None:
    plugin = tmp_path / "turning_plug.py"
    plugin.write_text(PLUGIN)
    catalogue = read_catalogue([plugin])
    study = make_study(["mlp"], ["turning"], directory=tmp_path, catalogue=catalogue)
    assert study.stages[0].factorial == {"turn": ["off", "on"]}
    cells = make_design(resolve_study(study, catalogue)).cells
    assert [cell.knobs for cell in cells if cell.knobs] == [{"turn": "off"}, {"turn": "on"}]


def test_entry_in_other_process_is_unchanged(tmp_path: Path) -> None:
    catalogue = load_study(written(tmp_path)).catalogue
    for entry in catalogue.compilers.values():
        back = decode(encode(Outfit(compilers=(entry,))), OUTFIT).compilers[0]
        assert back == entry
        assert (back.digest, back.program_digest) == (entry.digest, entry.program_digest)
    program = catalogue.compiler("mine").program
    assert program is not None
    assert [(file.name, file.path) for file in program.files] == [("mine.py", str(tmp_path / "mine.py"))]
