"""Real workers of the engine for its own benchmarks: a fork server with one prepared program, and blocks on it.

The compilers here run the program eagerly, some of them many times an iteration: 100 runs against 102 is a slowdown
of 2 % by construction. They have no knobs, so that a worker plans and compiles nothing and is cheap to make.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.compilers.adapter import BoundRun, CompileRequest, Executable
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.study.design import make_design
from ablatrix.study.model import Study
from ablatrix.trials.block import BlockInput, Outcome
from ablatrix.trials.interrupt import Interrupt
from ablatrix.trials.server import ForkServer, WorkloadServer


class Once(EagerCompiler):
    """Runs the program once an iteration."""

    name = "once"
    times = 1

    def compile(self, request: CompileRequest) -> Executable:
        """Make the module; nothing is built."""
        return RepeatedExecutable(super().compile(request), self.times)


class Hundred(Once):
    """Runs the program 100 times an iteration."""

    name, times = "hundred", 100


class HundredOne(Once):
    """Is 1 % slower than ``Hundred``."""

    name, times = "hundred-one", 101


class HundredTwo(Once):
    """Is 2 % slower than ``Hundred``."""

    name, times = "hundred-two", 102


class RepeatedExecutable:
    """An executable whose iteration is so many runs."""

    def __init__(self, inner: Executable, times: int) -> None:
        self.facts = inner.facts
        self._inner, self._times = inner, times

    def bind(self, inputs: Sequence[Any]) -> BoundRun:
        """Bind one set of inputs."""
        return RepeatedRun(self._inner.bind(inputs), self._times)


class RepeatedRun:
    """So many runs as one."""

    def __init__(self, inner: BoundRun, times: int) -> None:
        self._run, self._times = inner.run, times
        self.outputs = inner.outputs

    def run(self) -> None:
        """Run them all."""
        for _ in range(self._times):
            self._run()


COMPILERS = (Once, Hundred, HundredOne, HundredTwo)


@dataclass(frozen=True)
class Scene:
    """A server of one prepared program, and where blocks on it put their files."""

    root: ForkServer
    server: WorkloadServer
    directory: Path
    program: Path
    study: Study

    def block(self, compilers: Sequence[str], number: int, hot: Mapping[str, Any]) -> BlockInput:
        """Return a hot block with one trial of each named compiler; ``hot`` holds fields of the protocol."""
        study = Study.model_validate({**self.study.model_dump(), "protocol": {"hot": dict(hot)}})
        design = make_design(study)
        trial = next(trial for trial in design.trials if trial.role == "measured")
        cell = design.cell(trial.cell_id)
        pairs = tuple(
            (
                replace(trial, trial_id=f"{number}-{place}", block_id=f"{number}"),
                replace(cell, compiler=name, knobs={}),
            )
            for place, name in enumerate(compilers)
        )
        place = self.directory
        return BlockInput(study, pairs, 1, place / "hot", place / "tags", place / "scratch")


@contextmanager
def open_scene(
    workload: str, parameters: Mapping[str, int], adapters: Sequence[str] | None = None, draws: int = 1
) -> Iterator[Scene]:
    """Prepare a program, start a fork server for it, and end everything when left.

    Args:
        workload: Name in the registry.
        parameters: Its sizes.
        adapters: ``module:class`` of the compilers; those of this module when None.
        draws: Input draws that each worker is checked on.
    """
    from ablatrix.workloads.prepare import prepare, save_program

    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    study = Study.model_validate(
        {
            "name": "benchmark",
            "workloads": [{"name": workload, "parameters": dict(parameters)}],
            "compilers": ["tvm"],
            "modes": ["hot"],
            "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
            "checks": {"draws": draws},
        }
    )
    with tempfile.TemporaryDirectory(prefix="ablatrix-benchmark-") as place:
        directory = Path(place)
        save_program(prepare(workload, parameters, draws=draws, seed=study.seed), directory / "program")
        names = adapters or [f"live:{compiler.__name__}" for compiler in COMPILERS]
        with Interrupt() as interrupt, ForkServer(names, directory / "server.log", interrupt) as root:
            server = root.load(directory / "program")
            yield Scene(root, server, directory, directory / "program", study)


def burst_means(outcome: Outcome) -> list[float]:
    """Return the mean of each burst in milliseconds; a trial that failed ends the benchmark."""
    if outcome.result["status"] != "ok":
        raise SystemExit(f"{outcome.trial.trial_id} is {outcome.result['status']}: {outcome.result['error']}")
    return [sum(burst) / len(burst) for burst in outcome.bursts_ms]


def sample_mean(outcome: Outcome) -> float:
    """Return the mean of all counted samples in milliseconds, as a record's ``run_ms_mean`` is."""
    burst_means(outcome)
    samples = [sample for burst in outcome.bursts_ms for sample in burst]
    return sum(samples) / len(samples)
