import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from ablatrix.builds import Build, BuildSpec, GitSource, make_build, missing_modules, read_locks, write_locks
from ablatrix.errors import BuildError, BuildFailedError
from ablatrix.version import PROTOCOL, __version__
from tests.builds.sources import git, make_repository, make_wheel


def _ask(build: Build, code: str) -> str:
    command = [str(build.interpreter), "-P", "-c", code]
    done = subprocess.run(
        command, env=build.variables(os.environ), check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_overlay_of_a_wheel_shadows_what_is_below_and_keeps_the_rest(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "markupsafe", "99.1", "LEVEL = 'of the overlay'\n")
    build = make_build("new", BuildSpec(pip=(f"./{wheel.name}",)), tmp_path / "builds", base=tmp_path, offline=True)
    said = _ask(build, "import markupsafe, pydantic; print(markupsafe.LEVEL, pydantic.VERSION)")
    assert said == f"of the overlay {version('pydantic')}"
    assert [(one.name, one.version, len(one.sha256 or "")) for one in build.lock] == [("markupsafe", "99.1", 64)]
    assert (build.ablatrix, build.protocol, build.torch) == (__version__, PROTOCOL, version("torch"))
    again = make_build("other", BuildSpec(pip=(f"./{wheel.name}",)), tmp_path / "builds", base=tmp_path)
    assert again == replace(build, name="other")
    wheel.unlink()
    make_wheel(tmp_path, "markupsafe", "99.1", "LEVEL = 'changed'\n")
    changed = make_build("new", BuildSpec(pip=(f"./{wheel.name}",)), tmp_path / "builds", base=tmp_path, offline=True)
    assert changed.digest != build.digest
    assert _ask(changed, "import markupsafe; print(markupsafe.LEVEL)") == "changed"


@pytest.mark.slow
def test_overlay_that_is_made_asks_no_index_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = make_wheel(tmp_path, "tinypackage", "1.0", "VERSION = '1.0'\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    spec = BuildSpec(pip=("tinypackage==1.0",))
    first = make_build("new", spec, tmp_path / "builds")
    log = next((tmp_path / "builds").glob("*.log")).read_bytes()
    wheel.unlink()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody answers there
    assert make_build("new", spec, tmp_path / "builds") == first
    assert next((tmp_path / "builds").glob("*.log")).read_bytes() == log
    with pytest.raises(BuildFailedError, match=r"pip install tinypackage==1\.0 failed"):
        make_build("new", spec, tmp_path / "others")


@pytest.mark.slow
def test_overlay_that_pip_refuses_says_the_last_lines_and_leaves_no_build(tmp_path: Path) -> None:
    spec = BuildSpec(pip=("no-such-package-of-ours==1",))
    with pytest.raises(
        BuildFailedError, match=r"(?s)build 'new': pip install no-such-package-of-ours==1 \(offline\)"
    ) as told:
        make_build("new", spec, tmp_path, offline=True)
    assert "No matching distribution found for no-such-package-of-ours==1" in str(told.value)
    assert not list(tmp_path.glob("*/build.json"))


@pytest.mark.slow
def test_overlay_of_a_lock_is_of_the_very_files_of_the_lock(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "markupsafe", version("markupsafe"), "LEVEL = 1\n")
    spec = BuildSpec(pip=(str(wheel),))
    first = make_build("a", spec, tmp_path / "first", offline=True)
    second = make_build("a", spec, tmp_path / "second", lock=first.lock)
    assert second.digest == first.digest
    assert [_ask(one, "import markupsafe; print(markupsafe.LEVEL)") for one in (first, second)] == ["1", "1"]


def test_checkout_runs_its_commands_and_imports_from_its_directory(tmp_path: Path) -> None:
    older, newer = make_repository(
        tmp_path / "repository", [{"python/tiny.py": "LEVEL = 1\n"}, {"python/tiny.py": "LEVEL = 2\n"}]
    )
    source = GitSource(
        repository="repository",
        commit=older,
        build=("mkdir made", "python -c 'import sys; print(sys.prefix)' > made/prefix"),
        pythonpath=("python",),
    )
    spec = BuildSpec(git=source, env={"TINY_HOME": "{source}/made"})
    build = make_build("old", spec, tmp_path / "builds", base=tmp_path)
    assert (build.commit, build.dirty) == (older, False)
    said = _ask(
        build,
        "import os, pathlib, tiny; print(tiny.LEVEL, pathlib.Path(os.environ['TINY_HOME'], 'prefix').read_text())",
    )
    assert said == f"1 {build.interpreter.parents[1]}"
    other = make_build("new", spec.at_commit("main"), tmp_path / "builds", base=tmp_path)
    assert (other.commit, _ask(other, "import tiny; print(tiny.LEVEL)")) == (newer, "2")
    assert other.digest != build.digest


def test_checkout_of_a_branch_is_the_commit_of_today_and_kept_offline(tmp_path: Path) -> None:
    (first,) = make_repository(tmp_path / "repository", [{"a.txt": "1"}])
    spec = BuildSpec(git=GitSource(repository="repository", commit="main"))
    assert make_build("a", spec, tmp_path / "builds", base=tmp_path).commit == first
    (tmp_path / "repository" / "a.txt").write_text("2")
    git(tmp_path / "repository", "commit", "--quiet", "--all", "--message", "second")
    second = git(tmp_path / "repository", "rev-parse", "HEAD")
    assert make_build("a", spec, tmp_path / "builds", base=tmp_path, offline=True).commit == second


def test_checkout_whose_command_fails_says_its_last_lines(tmp_path: Path) -> None:
    (commit,) = make_repository(tmp_path / "repository", [{"a.txt": "1"}])
    command = "echo the linker is missing; exit 3"
    spec = BuildSpec(git=GitSource(repository="repository", commit=commit, build=(command, "touch never")))
    with pytest.raises(BuildFailedError, match=r"failed \(exit code 3\).*:\n    the linker is missing$"):
        make_build("broken", spec, tmp_path / "builds", base=tmp_path)
    assert not list((tmp_path / "builds").glob("*/build.json"))


@pytest.mark.slow
def test_making_that_is_killed_is_begun_anew(tmp_path: Path) -> None:
    (commit,) = make_repository(tmp_path / "repository", [{"a.txt": "1"}])
    wait = "if [ -e ../../../go ]; then cp a.txt built; else touch ../../../begun half; sleep 60; fi"
    code = f"""
from pathlib import Path
from ablatrix.builds import BuildSpec, GitSource, make_build
spec = BuildSpec(git=GitSource(repository="repository", commit="{commit}", build=({wait!r},)))
make_build("a", spec, Path("builds"))
"""
    maker = subprocess.Popen([sys.executable, "-P", "-c", code], cwd=tmp_path, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    maker.kill()
    maker.wait()
    sleeping = subprocess.run(["pgrep", "-f", str(tmp_path / "begun")], capture_output=True, text=True, check=False)
    assert sleeping.stdout == ""
    for pid in _children_in(tmp_path / "builds"):  # it outlives its maker and holds the lock on
        os.kill(pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    spec = BuildSpec(git=GitSource(repository="repository", commit=commit, build=(wait,)))
    build = make_build("a", spec, tmp_path / "builds", base=tmp_path)
    assert build.source is not None
    assert ((build.source / "built").exists(), (build.source / "half").exists()) == (True, False)


def _children_in(directory: Path) -> list[int]:
    """Return the processes whose working directory lies in a directory."""
    found = []
    for one in Path("/proc").iterdir():
        try:
            if one.name.isdigit() and (one / "cwd").readlink().is_relative_to(directory):
                found.append(int(one.name))
        except OSError:
            continue
    return found


def test_interpreter_of_another_environment_is_locked_by_all_it_has(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    build = make_build("other", BuildSpec(python="bare/bin/python"), tmp_path / "builds", base=tmp_path)
    assert build.interpreter == bare / "bin" / "python"
    assert (build.ablatrix, build.protocol, build.torch, build.lock) == (None, None, None, ())
    assert missing_modules(build, ["json", "torch"]) == ("torch",)


def test_module_is_looked_for_and_none_is_imported(tmp_path: Path) -> None:
    package = tmp_path / "tree" / "loud"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "inner.py").touch()
    build = make_build("tree", BuildSpec(env={"PYTHONPATH": "./tree"}), tmp_path / "builds", base=tmp_path)
    asked = ["loud", "loud.inner", "loud.other", "json.decoder", "sys.path", "pip", "nowhere.at"]
    assert missing_modules(build, asked) == ("loud.other", "sys.path", "nowhere.at")


def test_environment_has_paths_from_the_study_and_the_commit_of_its_checkout(tmp_path: Path) -> None:
    (commit,) = make_repository(tmp_path / "tree", [{"python/tiny.py": "LEVEL = 1\n"}])
    study = tmp_path / "study"
    study.mkdir()
    spec = BuildSpec(env={"PYTHONPATH": "../tree/python", "TINY_MODE": "fast"})
    build = make_build("mine", spec, tmp_path / "builds", base=study)
    assert build.environment == {"PYTHONPATH": str(tmp_path / "tree" / "python"), "TINY_MODE": "fast"}
    assert (build.commit, build.dirty) == (commit, False)
    (tmp_path / "tree" / "python" / "tiny.py").write_text("LEVEL = 2\n")
    changed = make_build("mine", spec, tmp_path / "builds", base=study)
    assert (changed.commit, changed.dirty) == (commit, True)
    assert changed.digest != build.digest


def test_this_environment_is_this_interpreter(tmp_path: Path) -> None:
    build = make_build("here", BuildSpec(), tmp_path / "builds")
    assert (build.interpreter, build.environment, build.lock) == (Path(sys.executable), {}, ())
    assert not (tmp_path / "builds").exists()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (BuildSpec(python="nowhere/python"), r"build 'x': .*/nowhere/python is no program; give the path of a Python"),
        (BuildSpec(python="/bin/true"), r"build 'x': /bin/true is no Python 3.11 or later"),
        (BuildSpec(pip=("absent-1.0.whl",)), r"absent-1.0.whl: there is no such file or directory to install"),
        (BuildSpec(pip=("./absent.whl",)), r"absent.whl: there is no such file or directory to install"),
        (
            BuildSpec(git=GitSource(repository="absent", commit="main")),
            r"build 'x': repository absent cannot be read: .*; give a path or URL",
        ),
    ],
)
def test_build_that_cannot_be_made_says_why(spec: BuildSpec, message: str, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=message):
        make_build("x", spec, tmp_path / "builds", base=tmp_path)


def test_commit_that_is_not_there_says_so(tmp_path: Path) -> None:
    make_repository(tmp_path / "repository", [{"a.txt": "1"}])
    spec = BuildSpec(git=GitSource(repository="repository", commit="v9"))
    with pytest.raises(BuildError, match="build 'x': repository repository has no commit 'v9'; name another"):
        make_build("x", spec, tmp_path / "builds", base=tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pip": ["a"], "python": "b"}, "a build has 'pip' and 'python'; give it one of them"),
        ({"pip": []}, "'pip' asks for nothing; name what to install"),
        ({"pip": ["onnxruntime=1.30.0"]}, "'onnxruntime=1.30.0' is no requirement; write a name and versions"),
        ({"pip": ["--pre"]}, "'--pre' is an option of pip and no requirement"),
        ({"env": {"A B": "1"}}, "'A B' is no name of an environment variable"),
        ({"env": {"A": "{source}/x"}}, "is the checkout of a build with 'git', and this one has none"),
    ],
)
def test_specification_with_a_fault_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BuildSpec.model_validate(given)


def test_requirement_alone_is_list_of_one() -> None:
    assert BuildSpec.model_validate({"pip": "onnxruntime==1.24.1"}) == BuildSpec(pip=("onnxruntime==1.24.1",))


def test_specification_dumps_what_it_was_given() -> None:
    given = {"git": {"repository": "../a", "commit": "v1", "build": ["make"]}, "env": {"A": "1"}}
    assert BuildSpec.model_validate(given).model_dump(mode="json") == given
    assert BuildSpec().model_dump(mode="json") == {}


def test_locks_are_read_as_they_were_written_and_name_no_place(tmp_path: Path) -> None:
    locks = (make_build("here", BuildSpec(env={"A": "./b"}), tmp_path, base=tmp_path).locked("this environment"),)
    write_locks(locks, tmp_path / "builds.json")
    assert read_locks(tmp_path / "builds.json") == locks
    assert str(tmp_path) not in (tmp_path / "builds.json").read_text()
    assert read_locks(tmp_path / "absent.json") == ()


def test_locks_that_are_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "builds.json")
    with pytest.raises(BuildError, match=r"cannot be read as the locks of builds"):
        read_locks(tmp_path / "builds.json")
