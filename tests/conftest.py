"""What is dear to make and shared by the tests of several rooms, and the order of the rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ablatrix.compilers.catalogue import EAGER
from ablatrix.study.design import make_design
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.directory import ResultDirectory
from ablatrix.trials.interrupt import Interrupt
from ablatrix.trials.server import ForkServer
from tests.trials.conftest import Bench, small_study
from tests.trials.faulty import FAULTY

DEAREST_FIRST = ("cli", "trials", "traps", "compilers", "workloads")
"""Rooms whose tests start processes or compile. Two processes share the files of tests (``addopts``): whichever is free
takes the next file, so the small ones come last and fill what is left."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by room; those of one room, and all rooms that are not named, keep their order."""

    def place(item: pytest.Item) -> int:
        room = item.path.parent.name
        return DEAREST_FIRST.index(room) if room in DEAREST_FIRST else len(DEAREST_FIRST)

    items.sort(key=place)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A fork server with a real prepared program, and a compiler that fails as it is told."""
    from ablatrix.workloads.prepare import prepare, save_program

    path = tmp_path_factory.mktemp("trials")
    resolved = resolve_study(small_study())
    study, design = resolved.study, make_design(resolved)
    program = ResultDirectory(path).program(resolved, design.cells[0])
    save_program(prepare("mlp", study.workloads[0].parameters, draws=2, seed=study.seed), program)
    with Interrupt() as interrupt, ForkServer([FAULTY, EAGER], path / "server.log", interrupt) as server:
        yield Bench(server.load(program), path)
