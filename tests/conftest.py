"""What is dear to make, and shared by the tests of several rooms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ablatrix.study.design import make_design
from ablatrix.trials.directory import ResultDirectory
from ablatrix.trials.interrupt import Interrupt
from ablatrix.trials.server import ForkServer
from tests.trials.conftest import Bench, small_study


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A fork server with a real prepared program, and a compiler that fails as it is told."""
    from ablatrix.workloads.prepare import prepare, save_program

    path = tmp_path_factory.mktemp("trials")
    study = small_study()
    design = make_design(study)
    program = ResultDirectory(path).program(study, design.cells[0])
    save_program(prepare("mlp", study.workloads[0].parameters, draws=2, seed=study.seed), program)
    adapters = ["tests.trials.faulty:FaultyCompiler", "ablatrix.compilers.eager:EagerCompiler"]
    with Interrupt() as interrupt, ForkServer(adapters, path / "server.log", interrupt) as server:
        yield Bench(server.load(program), path)
