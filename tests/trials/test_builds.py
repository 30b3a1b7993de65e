"""Builds of a compiler side by side: each in its own processes, in the blocks of the others."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ablatrix.analysis.groups import mixed_origins
from ablatrix.analysis.table import tidy
from ablatrix.builds import read_locks
from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.catalogue import EAGER
from ablatrix.compilers.settings import Address, AddressList, Applied, knob_in_build, setting_knob
from ablatrix.errors import BuildError, BuildFailedError, CompilerError, TrialError
from ablatrix.records.journal import final_records, read_records
from ablatrix.records.model import Record
from ablatrix.statistics.quantile import median
from ablatrix.study.design import make_design
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Side
from ablatrix.trials.client.client import ForkServer
from ablatrix.trials.messages import Interrupt, TrialResult
from ablatrix.trials.results import ResultDirectory
from ablatrix.trials.run import rerun
from ablatrix.trials.run.builds import make_sides
from ablatrix.trials.run.runner import RunSummary, run
from tests.builds.sources import git, make_repository, make_wheel
from tests.trials.plugged import PLUGGED

ROOT = Path(__file__).parents[2]
PROGRAM = (ROOT / "examples" / "command" / "numpy_compiler.py").read_text(encoding="utf-8")
WITHOUT_FORTRAN = PROGRAM.replace('"levels": [GIVEN, FORTRAN]', '"levels": [GIVEN]')
# Slow where buffers are kept, and nowhere else.
SLOW_WHERE_KEPT = PROGRAM.replace(
    '    lines += [f"    return',
    '    lines += ["    sum(range(20000))"] if knobs["buffers"] == "kept" else []\n    lines += [f"    return',
)
HOT = {"blocks": 2, "max_blocks": 2, "rounds": 6, "burst_ms": 0.5, "warm_up_ms": 1, "timeout_s": 60}


def write_study(directory: Path, **given: Any) -> Path:
    """Write a study of the smallest workload, hot and on one thread."""
    said = {
        "name": "builds",
        "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
        "modes": ["hot"],
        "checks": {"input_sets": 1},
        "protocol": {"threads": 1, "repeats": 0, "hot": HOT},
        **given,
    }
    file = directory / "study.yaml"
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(said, stream)
    return file


def records_of(summary: RunSummary) -> list[Record]:
    return list(final_records(read_records(summary.results)))


def level_of(records: Sequence[Record], **knobs: str) -> float:
    """Return the log of the fastest run of the configuration at these levels, in the median over blocks."""
    times = [
        one.runtime.run_ms_min
        for one in records
        if one.runtime is not None
        and one.runtime.run_ms_min is not None
        and one.role == "measured"
        and all(one.config.knobs.get(knob) == level for knob, level in knobs.items())
    ]
    return log(median(times))


@pytest.fixture(scope="module")
def of_commits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunSummary]:
    """Run a program at two commits of its repository: the later one has a level more, and is slow at another."""
    directory = tmp_path_factory.mktemp("commits")
    commits = make_repository(
        directory / "compiler", [{"cc/numpy_compiler.py": text} for text in (WITHOUT_FORTRAN, SLOW_WHERE_KEPT)]
    )
    builds = {
        name: {
            "git": {"repository": "compiler", "commit": commit},
            "command": ["python3", "{source}/cc/numpy_compiler.py"],
        }
        for name, commit in zip(("before", "after"), commits, strict=True)
    }
    shutil.copy(directory / "compiler" / "cc" / "numpy_compiler.py", directory)
    study = write_study(
        directory,
        builds=builds,
        compilers=[{"name": "numpy", "command": ["python3", "numpy_compiler.py"], "builds": ["before", "after"]}],
        stages=[
            {"name": "main", "factorial": {"build": ["before", "after"], "buffers": ["fresh", "kept"]}},
            {"name": "layout", "around": {}, "vary": {"build": ["after"], "weights": ["fortran"]}},
        ],
        protocol={"threads": 1, "repeats": 0, "layout": "block", "hot": HOT},
    )
    return study, run(load_study(study), directory / "out", study_directory=directory)


def test_commits_each_have_their_own_processes_in_one_block(of_commits: tuple[Path, RunSummary]) -> None:
    records = records_of(of_commits[1])
    for block in (0, 1):
        own = [one for one in records if one.meta.block == block and one.status == "ok" and one.meta.layout]
        servers = {
            build: {one.meta.layout.server for one in own if one.config.knobs.get("build") == build and one.meta.layout}
            for build in ("before", "after")
        }
        assert [len(found) for found in servers.values()] == [1, 1]
        assert servers["before"].isdisjoint(servers["after"])
    by_block = {
        build: {one.meta.layout.server for one in records if one.meta.layout and one.config.knobs.get("build") == build}
        for build in ("before", "after")
    }
    assert [len(found) for found in by_block.values()] == [2, 2]


def test_commits_each_have_a_control_of_the_baseline_in_each_block(of_commits: tuple[Path, RunSummary]) -> None:
    records = records_of(of_commits[1])
    twins = Counter(
        (one.meta.block, one.config.knobs["build"], one.config.knobs["buffers"])
        for one in records
        if one.role == "twin"
    )
    assert twins == {(block, build, "fresh"): 1 for block in (0, 1) for build in ("before", "after")}


def test_level_that_a_build_lacks_is_unsupported_there_alone(of_commits: tuple[Path, RunSummary]) -> None:
    records = records_of(of_commits[1])
    of_fortran = [one for one in records if one.config.knobs.get("weights") == "fortran"]
    assert {(one.config.knobs["build"], one.status) for one in of_fortran} == {("before", "unsupported")}
    said = {one.error.message for one in of_fortran if one.error is not None}
    assert said == {"build 'before' of program 'numpy' has no level 'fortran' of knob 'weights'"}
    assert {one.status for one in records if one not in of_fortran} == {"ok"}


def test_interaction_of_knob_and_build_that_was_planted_is_in_the_records(of_commits: tuple[Path, RunSummary]) -> None:
    records = records_of(of_commits[1])
    step = {
        build: level_of(records, build=build, buffers="kept", weights="given")
        - level_of(records, build=build, buffers="fresh", weights="given")
        for build in ("before", "after")
    }
    assert step["after"] - step["before"] > log(2)


def test_records_say_which_build_ran_and_the_lock_is_beside_them(of_commits: tuple[Path, RunSummary]) -> None:
    study, summary = of_commits
    locks = {one.name: one for one in read_locks(summary.results.parent / "builds.json")}
    found = {
        (one.meta.build.name, one.meta.build.digest, one.meta.build.commit)
        for one in records_of(summary)
        if one.meta.build is not None
    }
    assert found == {(name, one.digest, one.commit) for name, one in locks.items()}
    assert {one.meta.build for one in records_of(summary) if one.role == "reference"} == {None}
    programs = {
        (one.config.knobs["build"], one.config.compiler_digest) for one in records_of(summary) if one.meta.build
    }
    assert len({digest for _, digest in programs}) == 2
    assert str(study.parent) not in (summary.results.parent / "builds.json").read_text()


def test_run_again_makes_no_build_and_measures_nothing(of_commits: tuple[Path, RunSummary]) -> None:
    study, summary = of_commits
    places = {one: one.stat().st_mtime_ns for one in (summary.results.parent / "work/builds").glob("*/build.json")}
    again = run(load_study(study), summary.results.parent, study_directory=study.parent)
    assert again == summary
    assert {one: one.stat().st_mtime_ns for one in places} == places
    assert len(places) == 2


def rerun_of(of_commits: tuple[Path, RunSummary], build: str, weights: str, work: Path) -> tuple[Record, TrialResult]:
    """Repeat a measured trial of a build in the foreground; return its record and what it gave."""
    study, summary = of_commits
    wanted = {"build": build, "buffers": "fresh", "weights": weights}
    one = next(
        one for one in records_of(summary) if one.role == "measured" and one.config.knobs | wanted == one.config.knobs
    )
    results = work / "results"
    shutil.copytree(summary.results.parent, results, ignore=shutil.ignore_patterns("caches", "scratch"))
    return one, rerun(load_study(study), results, one.trial_id)


def test_trial_of_a_build_is_repeated_in_that_build(of_commits: tuple[Path, RunSummary], tmp_path: Path) -> None:
    record, result = rerun_of(of_commits, "before", "given", tmp_path)
    assert result.status == "ok"
    assert (result.compile, record.compile) != (None, None)
    assert result.compile is not None
    assert record.compile is not None
    assert result.compile.artifact_digest == record.compile.artifact_digest


def test_trial_of_what_a_build_lacks_is_repeated_as_unsupported(
    of_commits: tuple[Path, RunSummary], tmp_path: Path
) -> None:
    record, result = rerun_of(of_commits, "before", "fortran", tmp_path)
    assert record.error is not None
    assert result.error is not None
    assert (result.status, result.error.message) == ("unsupported", record.error.message)


def plugged_study(directory: Path, builds: Mapping[str, Any]) -> ResolvedStudy:
    file = write_study(
        directory,
        builds=dict(builds),
        compilers=[{"name": "plugged", "builds": list(builds)}],
        stages=[{"name": "main", "factorial": {"build": list(builds), "quick": ["off"]}}],
        modes=["cold"],
        protocol={"threads": 1, "repeats": 0, "cold": {"replicates": 1, "timeout_s": 60}},
    )
    return load_study(file, installed_catalogue().including(PLUGGED, "test"))


@dataclass(frozen=True, kw_only=True)
class Overlays:
    """A run with two overlays: two versions of a package, and in the later one what says that it is another torch."""

    study: ResolvedStudy
    directory: Path
    summary: RunSummary


@pytest.fixture(scope="module")
def of_overlays(tmp_path_factory: pytest.TempPathFactory) -> Overlays:
    directory = tmp_path_factory.mktemp("overlays")
    old, new = (make_wheel(directory, "tinypackage", one, f"VERSION = {one!r}\n").name for one in ("1.0", "2.0"))
    torch = make_wheel(directory, "torch", "2.12.0", "", module="no_torch").name
    study = plugged_study(directory, {"old": {"pip": [f"./{old}"]}, "new": {"pip": [f"./{new}", f"./{torch}"]}})
    return Overlays(study=study, directory=directory, summary=run(study, directory / "out"))


def test_overlays_of_two_versions_are_one_study(of_overlays: Overlays) -> None:
    records = records_of(of_overlays.summary)
    versions = {one.config.knobs.get("build"): one.meta.versions.get("tinypackage") for one in records}
    assert versions == {"old": "1.0", "new": "2.0", None: None}
    assert mixed_origins(tidy([of_overlays.summary.results])) == {}


def test_build_of_another_torch_has_its_own_program_and_says_so(of_overlays: Overlays) -> None:
    records = records_of(of_overlays.summary)
    (program,) = {one.workload.digest for one in records}
    own = {one.meta.build.name: one.meta.build.program for one in records if one.meta.build is not None}
    assert own == {"old": None, "new": program}
    assert len(list((of_overlays.directory / "out/work/programs").iterdir())) == 2


@pytest.mark.long
def test_trial_of_an_overlay_is_repeated_in_it(of_overlays: Overlays) -> None:
    one = next(one for one in records_of(of_overlays.summary) if one.config.knobs.get("build") == "old")
    repeated = rerun(of_overlays.study, of_overlays.directory / "out", one.trial_id)
    assert repeated.versions is not None
    assert repeated.versions["tinypackage"] == "1.0"


def test_overlay_that_is_another_when_it_is_made_again_is_refused(of_overlays: Overlays) -> None:
    make_wheel(of_overlays.directory, "tinypackage", "1.0", "VERSION = 'another'\n")
    message = (
        r"build 'old' is not what it was when .*: package tinypackage was 1\.0, SHA-256 \w+ and is 1\.0, SHA-256 \w+;"
    )
    with pytest.raises(BuildError, match=message):
        run(of_overlays.study, of_overlays.directory / "out")


def test_build_without_what_a_compiler_needs_is_said_before_anything_runs(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "tinypackage", "1.0", "VERSION = '1.0'\n")
    study = plugged_study(tmp_path, {"old": {"pip": [f"./{wheel.name}"]}, "here": {}})
    with pytest.raises(BuildError) as told:
        run(study, tmp_path / "out")
    assert str(told.value) == (
        f"build 'here': {sys.executable} cannot find tinypackage, which compiler 'plugged' needs; install it there, or "
        "add it to the build"
    )
    assert not (tmp_path / "out/results.jsonl").exists()


def test_build_whose_package_cannot_be_imported_ends_the_run_in_a_line(tmp_path: Path) -> None:
    for name, source in (("good", "VERSION = '1.0'"), ("bad", "raise ImportError('libtiny.so.1: no such file')")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tinypackage.py").write_text(f"{source}\n")
    study = plugged_study(tmp_path, {name: {"env": {"PYTHONPATH": f"./{name}"}} for name in ("good", "bad")})
    message = r"build 'bad' of compiler 'plugged': the fork server did not start: .*libtiny\.so\.1: no such file"
    with pytest.raises(BuildFailedError, match=message) as told:
        run(study, tmp_path / "out")
    assert told.value.build == "bad"


def test_interpreter_without_ablatrix_is_refused_with_what_to_install(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    builds = {"here": {}, "bare": {"python": "bare/bin/python"}}
    with pytest.raises(
        BuildError, match=r"build 'bare': .*/bare/bin/python has no ablatrix, which .*; install version"
    ):
        run(plugged_study(tmp_path, builds), tmp_path / "out")


def test_interpreter_of_another_protocol_is_refused_with_both_numbers(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "old")], check=True)
    (packages,) = (tmp_path / "old/lib").glob("python*/site-packages")
    (packages / "ablatrix").mkdir()
    (packages / "ablatrix" / "__init__.py").touch()
    (packages / "ablatrix" / "version.py").write_text("__version__ = '0.0.9'\nPROTOCOL = 99\n")
    builds = {"here": {}, "old": {"python": "old/bin/python"}}
    message = r"has ablatrix 0\.0\.9, whose workers speak protocol 99, and the runner 3; install version"
    with pytest.raises(BuildError, match=message):
        run(plugged_study(tmp_path, builds), tmp_path / "out")


def test_server_of_another_protocol_is_refused_at_its_first_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ablatrix.trials.client.client.PROTOCOL", 99)
    with Interrupt() as interrupt, pytest.raises(TrialError, match="its ablatrix speaks protocol 3, and this one 99"):
        ForkServer([EAGER], tmp_path / "log", interrupt).await_ready()


def test_environment_that_changed_between_runs_is_refused(tmp_path: Path) -> None:
    builds = {name: {"env": {"PYTHONPATH": f"./{name}"}} for name in ("old", "new")}
    for name in builds:
        make_repository(tmp_path / name, [{"tinypackage.py": "VERSION = '1.0'\n"}])
    study = plugged_study(tmp_path, builds)
    directory = ResultDirectory(tmp_path / "out")
    directory.path.mkdir()
    make_sides(study, directory, lambda text: None)
    (tmp_path / "new" / "tinypackage.py").write_text("VERSION = '1.1'\n")
    with pytest.raises(
        BuildError, match=r"build 'new' is not what it was when .*: its checkout has other changes; make it"
    ):
        make_sides(study, directory, lambda text: None)


def test_builds_of_an_artifact_are_made_again_from_its_locks(tmp_path: Path) -> None:
    (first,) = make_repository(tmp_path / "package", [{"tinypackage.py": "VERSION = '1.0'\n"}])
    source = {"repository": "package", "commit": "main", "pythonpath": ["."]}
    study = plugged_study(tmp_path, {"main": {"git": source}, "other": {"git": {**source, "commit": first}}})
    made: list[ResultDirectory] = []
    for name in ("one", "again", "new"):
        made.append(ResultDirectory(tmp_path / name))
        made[-1].path.mkdir()
    make_sides(study, made[0], lambda text: None)
    (tmp_path / "package" / "tinypackage.py").write_text("VERSION = '2.0'\n")
    git(tmp_path / "package", "commit", "--quiet", "--all", "--message", "later")
    make_sides(study, made[1], lambda text: None, read_locks(made[0].builds))
    make_sides(study, made[2], lambda text: None)
    commits = [{one.name: one.commit for one in read_locks(directory.builds)}["main"] for directory in made]
    assert commits == [first, first, git(tmp_path / "package", "rev-parse", "HEAD")]


HINT = {"setting": "property:HINT", "levels": ["f32", "bf16"]}


@pytest.mark.parametrize(
    ("there", "levels"),
    [
        ([], {"f32": "property 'HINT'", "bf16": "property 'HINT'"}),
        (
            [Address(kind="property", name="HINT", type="text", choices=("f32", "f16"))],
            {"bf16": "level 'bf16' of property:HINT"},
        ),
        ([Address(kind="property", name="HINT", type="text")], {}),
    ],
)
def test_setting_that_a_build_lacks_is_a_gap_at_levels_that_set_it(
    there: list[Address], levels: dict[str, str]
) -> None:
    here = AddressList((Address(kind="property", name="HINT", type="text"),))
    knob = setting_knob("plugged", "hint", HINT, here)
    assert [level.name for level in knob.levels] == ["default", "f32", "bf16"]
    assert knob_in_build(knob, AddressList(tuple(there)), is_given=True)[1] == levels


def test_setting_that_only_a_build_has_sets_what_that_build_says() -> None:
    knob = setting_knob("plugged", "hint", HINT, AddressList(()), has_builds=True)
    text = Address(kind="property", name="HINT", type="text", prefix="hint=")
    there, gaps = knob_in_build(knob, AddressList((text,)), is_given=True)
    assert there is not None
    assert there.acts[0].values == (("default", None), ("f32", "hint=f32"), ("bf16", "hint=bf16"))
    assert gaps == {}


def test_pass_that_only_a_build_has_is_on_by_itself_as_all_others() -> None:
    known = AddressList((Address(kind="pass", name="Fold", type="switch", value=True),))
    knob = setting_knob("plugged", "fuse", {"setting": "pass:Fuse"}, known, has_builds=True)
    assert ([level.name for level in knob.levels], knob.default) == (["off", "on"], "on")
    assert knob_in_build(knob, known, is_given=True) == (None, {"off": "pass 'Fuse'"})


def test_setting_without_levels_that_is_not_here_asks_for_them_with_the_nearest() -> None:
    known = AddressList((Address(kind="flag", name="unroll_max", type="whole number"),))
    with pytest.raises(CompilerError) as told:
        setting_knob("plugged", "unroll", {"setting": "flag:unrol_max"}, known, has_builds=True)
    assert str(told.value) == (
        "this environment has no flag 'unrol_max'; if a build has it, say which 'levels' it is to have; nearest: "
        "unroll_max"
    )


def with_flag(directory: Path, flag: str) -> ResolvedStudy:
    """Return a study of two trees, the second of which has a flag; this environment does not have the compiler."""
    for name, text in (("old", "VERSION = '1.0'\n"), ("new", "VERSION = '2.0'\nSWITCHES = {'fast': False}\n")):
        (directory / name).mkdir()
        (directory / name / "tinypackage.py").write_text(text, encoding="utf-8")
    knobs = {"fast": {"setting": flag, "levels": ["off", "on"]}}
    file = write_study(
        directory,
        builds={name: {"env": {"PYTHONPATH": f"./{name}"}} for name in ("old", "new")},
        compilers=[{"name": "plugged", "builds": ["old", "new"], "knobs": knobs}],
        stages=[{"name": "main", "factorial": {"build": ["old", "new"], "fast": ["default", "on"]}}],
        modes=["cold"],
        protocol={"threads": 1, "repeats": 0, "cold": {"replicates": 1, "timeout_s": 60}},
    )
    return load_study(file, installed_catalogue().including(PLUGGED, "test"))


def test_setting_that_only_one_build_has_is_unsupported_in_the_other(tmp_path: Path) -> None:
    told: list[str] = []
    directory = ResultDirectory(tmp_path / "out")
    directory.path.mkdir()
    study = with_flag(tmp_path, "flag:fast")
    sides = make_sides(study, directory, told.append)
    assert told == ["build 'old' of compiler 'plugged' lacks, so that these are unsupported there: fast=off,on"]
    cells = {(cell.knobs["build"], cell.knobs["fast"]): cell for cell in make_design(study).cells if cell.knobs}
    assert {key: sides.lacks(cell) for key, cell in cells.items()} == {
        ("old", "default"): "",
        ("old", "on"): "build 'old' of compiler 'plugged' has no flag 'fast'",
        ("new", "default"): "",
        ("new", "on"): "",
    }
    settings = {
        build: Applied.of(sides.entry_of(cell), {"fast": "on"}).by_address() for (build, _), cell in cells.items()
    }
    assert settings == {"old": {}, "new": {"flag:fast": True}}


def test_setting_that_no_build_has_is_refused_with_the_nearest(tmp_path: Path) -> None:
    directory = ResultDirectory(tmp_path / "out")
    directory.path.mkdir()
    with pytest.raises(BuildError) as told:
        make_sides(with_flag(tmp_path, "flag:fats"), directory, lambda text: None)
    assert str(told.value) == (
        "knob 'fast' of compiler 'plugged': none of its builds (old, new) has flag 'fats'; nearest: fast"
    )


def study_of_programs(directory: Path, **compiler: Any) -> Path:
    """Write a study of two programs, the second of which has one more level and one more knob."""
    more = WITHOUT_FORTRAN.replace("KNOBS = [", 'KNOBS = [\n    {"name": "deep", "levels": [0, 1], "default": 0},')
    for name, text in (("old.py", WITHOUT_FORTRAN), ("new.py", more.replace("[GIVEN]", "[GIVEN, FORTRAN]"))):
        (directory / name).write_text(text, encoding="utf-8")
    return write_study(
        directory,
        builds={name: {"command": ["python3", f"{name}.py"]} for name in ("old", "new")},
        compilers=[{"name": "numpy", "command": ["python3", "old.py"], "builds": ["old", "new"], **compiler}],
        stages=[
            {"name": "main", "factorial": {"build": ["old", "new"], "deep": [0, 1], "weights": ["given", "fortran"]}}
        ],
    )


@pytest.mark.parametrize("said", [{}, {"knobs": {"deep": {"levels": [0, 1]}}}], ids=["asked", "declared"])
def test_knob_that_only_one_program_has_is_unsupported_in_the_other(said: dict[str, Any], tmp_path: Path) -> None:
    study = load_study(study_of_programs(tmp_path, **said))
    directory = ResultDirectory(tmp_path / "out")
    directory.path.mkdir()
    sides = make_sides(study, directory, lambda text: None)
    of = "build 'old' of program 'numpy' has no"
    assert sides.gaps[Side("numpy", "old")] == {
        ("deep", 1): f"{of} knob 'deep'",
        ("weights", "fortran"): f"{of} level 'fortran' of knob 'weights'",
    }
    assert sides.gaps[Side("numpy", "new")] == {}
    own = {build: sides.entry(Side("numpy", build)).knob("deep") for build in ("old", "new")}
    assert [knob is not None for knob in own.values()] == [False, True]
