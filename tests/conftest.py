"""What is expensive to make and shared by the tests of several rooms, the order of the rooms, and their markers."""

from __future__ import annotations

import fcntl
import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings

from ablatrix.compilers.catalogue import EAGER
from ablatrix.study.design import make_design
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.client.client import ForkServer
from ablatrix.trials.messages.interrupt import Interrupt
from ablatrix.trials.results.directory import ResultDirectory
from tests.cli.conftest import STUDY, run_ablatrix
from tests.trials.conftest import Bench, small_study
from tests.trials.faulty import FAULTY

# A busy machine fails no test: how long an example takes says nothing about the code.
settings.register_profile("ablatrix", deadline=None)
settings.load_profile("ablatrix")

PROCESSORS = os.sched_getaffinity(0)

MARKERS = {
    "bisection": "compiler",
    "cli": "compiler",
    "compilers": "compiler",
    "testing": "compiler",
    "traps": "compiler",
    "trials": "slow",
    "workloads": "slow",
    "artifact/test_any_study": "slow",
    "artifact/test_archive": "slow",
    "artifact/test_messages": "slow",
    "artifact/test_remake": "slow",
    "artifact/test_reproduction": "slow",
    "verdict": "slow",
    "bisection/test_journal": None,
    "cli/test_usage": None,
    "compilers/test_cache": None,
    "compilers/test_plugins": None,
    "doctor/test_environment_check": "slow",
    "notebook/test_tutorial": "slow",
    "page/test_browser": "slow",
    "page/test_history_page": "slow",
    "page/test_look": "slow",
    "paper/test_ablation_table": "slow",
    "paper/test_axes_in_paper": "slow",
    "paper/test_bar_figures": "slow",
    "paper/test_changes": "slow",
    "paper/test_figures": "slow",
    "paper/test_figures_legibility": "slow",
    "paper/test_latex": "slow",
    "paper/test_make": "slow",
    "paper/test_numbers": "slow",
    "paper/test_response_figure": "slow",
    "paper/test_titles": "slow",
    "trials/test_cuda": "gpu",
    "trials/test_choose_field": None,
    "trials/test_environment": None,
    "trials/test_gpu": None,
    "trials/test_memory": None,
    "trials/test_on_a_gpu": "gpu",
    "trials/test_run_log": None,
    "trials/test_selection": None,
    "trials/test_stopping": None,
    "trials/test_timing": None,
}
"""Marker of every test of a room or of a file; a file's own line, even None, stands for its room's."""
FAST = "not slow and not compiler and not gpu"

MOST_EXPENSIVE_FIRST = ("cli", "trials", "traps", "compilers", "workloads")
"""Rooms whose tests start processes or compile. Two processes share the files of tests (``addopts``): whichever is free
takes the next file, so the small ones come last and fill what is left."""


def marker_of(file: Path) -> str | None:
    """Return the marker that all tests of a file have; those of examples run compilers and workloads."""
    room = file.parent.name
    if file.parents[1].name == "examples":
        return "compiler"
    return MARKERS.get(f"{room}/{file.stem}", MARKERS.get(room))


def leave_alone(hdlr: logging.Handler) -> None:
    """Stand for a logger's ``addHandler`` that adds none."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--fast``, what needs no compiler, no torch and no GPU, and is quick; and ``--long``, the long forms too."""
    parser.addoption("--fast", action="store_true", help=f"the same as -m '{FAST}', without importing the other files")
    parser.addoption("--long", action="store_true", help="also tests marked 'long', of which others are a short form")


def pytest_configure(config: pytest.Config) -> None:
    """Let ``--fast`` choose by markers, keep no copy of records in the user's cache, and make ``tests`` importable."""
    gc.disable()  # until all is imported
    os.environ["ABLATRIX_CACHE_DIR"] = ""
    # Images of containers often set this variable. Every process that is started, hundreds of them, would then compile
    # each module that it imports, and pytest every file of tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    locks = tempfile.TemporaryDirectory(prefix="ablatrix-locks-")  # processes that share the tests disturb each other
    os.environ["ABLATRIX_LOCK_DIR"] = locks.name
    config.add_cleanup(locks.cleanup)
    # Interpreters that ablatrix starts import nothing from the working directory; compilers of the tests are modules.
    root = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    # Pytest listens to every logger that does not propagate, and torch describes each tensor that it traces to whoever
    # listens to this one, with the stack: a large part of the time of an export.
    logging.getLogger("torch.__trace").addHandler = leave_alone  # type: ignore[method-assign]
    if config.getoption("--fast"):
        config.option.markexpr = FAST


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file whose tests would all be left out: importing torch and the compilers takes the most time."""
    fast, named = config.getoption("--fast"), collection_path.name.startswith("test_")
    return True if fast and named and marker_of(collection_path) is not None else None


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests and sort them by room; those of one room, and all rooms that are not named, keep their order."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    for item in items:
        marker = marker_of(item.path)
        if marker is not None:
            item.add_marker(marker)

    def place(item: pytest.Item) -> int:
        room = item.path.parent.name
        return MOST_EXPENSIVE_FIRST.index(room) if room in MOST_EXPENSIVE_FIRST else len(MOST_EXPENSIVE_FIRST)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Leave what imports made, millions of objects that stay, out of every later search for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # exports and tables make objects by the million, and few of them in cycles
    gc.enable()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A fork server with a real prepared program, and a compiler that fails as it is told."""
    from ablatrix.workloads.prepare import prepare, save_program

    path = tmp_path_factory.mktemp("trials")
    resolved = resolve_study(small_study())
    study, design = resolved.study, make_design(resolved)
    program = ResultDirectory(path).program(resolved, design.cells[0])
    save_program(prepare("mlp", study.workloads[0].parameters, input_sets=2, seed=study.seed), program)
    with Interrupt() as interrupt, ForkServer([FAULTY, EAGER], path / "server.log", interrupt) as server:
        yield Bench(server.load(program), path)


@pytest.fixture(scope="session")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "smoke.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, study_file: Path) -> Path:
    """A directory with a finished run of the study, one for all processes that share the tests: read it, or copy it."""
    place = tmp_path_factory.getbasetemp()
    place = place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
    out, whole = place / "finished" / "results", place / "finished" / "whole"
    out.parent.mkdir(exist_ok=True)
    with (place / "finished" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not whole.exists():
            done = run_ablatrix("run", study_file, "--out", out)
            assert done.returncode == 0, done.stderr.decode()
            whole.touch()
    return out


SAVE_PAGES = "ablatrix.paper.figures.write.save_pages"


def save_no_images(pages: Sequence[object], stem: Path) -> list[Path]:
    """Stand for ``save_pages`` of figures that nobody looks at: its files, without a picture."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stems = [stem.name, *(f"{stem.name}_{number}" for number in range(2, len(pages) + 1))]
    files = [stem.with_name(f"{stem.name}.pdf")]
    files += [stem.with_name(f"{name}.{kind}") for name in stems for kind in ("png", "svg")]
    for file in files:
        file.write_bytes(b"no image")
    return files


@pytest.fixture
def no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of a paper are composed, and their pages are saved as none: for tests that do not look at them."""
    monkeypatch.setattr(SAVE_PAGES, save_no_images)


@pytest.fixture(autouse=True)
def all_processors() -> Iterator[None]:
    """Give a test's process all processors back where a trial that ran in it was placed on one."""
    yield
    if os.sched_getaffinity(0) != PROCESSORS:
        os.sched_setaffinity(0, PROCESSORS)
