"""Real workers of the engine for its own benchmarks: a fork server with one prepared program, and blocks on it.

The compiler here runs the program eagerly. It has no knobs, so that a worker plans and compiles nothing and is cheap
to make.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ablatrix.catalogue import Catalogue, installed_catalogue
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.statistics.precision import Comparison, Configuration, find_shortfall, measure_widths
from ablatrix.statistics.rounds import paired_levels
from ablatrix.study.design import make_design
from ablatrix.study.model import CONFIRMING_BLOCKS, HotProtocol, Study
from ablatrix.study.resolve import resolve_study
from ablatrix.trials.client.client import ForkServer, WorkloadServer
from ablatrix.trials.host.environment import place_runs
from ablatrix.trials.messages.interrupt import Interrupt
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.run.block import BlockInput


class Once(EagerCompiler):
    """Runs the program eagerly."""

    name = "once"


COMPILERS = (Once,)


@dataclass(frozen=True)
class Scene:
    """A server of one prepared program, and the directory for the files of its blocks."""

    root: ForkServer
    server: WorkloadServer
    directory: Path
    program: Path
    study: Study
    catalogue: Catalogue

    def block(self, compilers: Sequence[str], number: int, hot: Mapping[str, Any]) -> BlockInput:
        """Return a hot block with one trial of each named compiler; ``hot`` holds fields of the protocol."""
        study = Study.model_validate({**self.study.model_dump(), "protocol": {"hot": dict(hot)}})
        resolved = resolve_study(study, self.catalogue)
        design = make_design(resolved)
        trial = next(trial for trial in design.trials if trial.role == "measured")
        cell = design.cell(trial.cell_id)
        pairs = tuple(
            (
                replace(trial, trial_id=f"{number}-{index}", block_id=f"{number}"),
                replace(cell, compiler=name, knobs={}),
            )
            for index, name in enumerate(compilers)
        )
        directory = self.directory
        _, cpus = place_runs(1, None)
        return BlockInput(
            study=resolved.study,
            catalogue=resolved.catalogue,
            trials=pairs,
            threads=1,
            cpus=tuple(cpus),
            hot_cache=directory / "hot",
            tag_caches=directory / "tags",
            scratch=directory / "scratch",
        )


def _entry(compiler: type[EagerCompiler]) -> CompilerEntry:
    return CompilerEntry(
        name=compiler.name,
        summary="One of this benchmark.",
        modules=("torch",),
        extra="",
        adapter=f"live:{compiler.__name__}",
        knobs=(),
    )


@contextmanager
def open_scene(
    workload: str, parameters: Mapping[str, int], compilers: Sequence[CompilerEntry] | None = None, input_sets: int = 1
) -> Iterator[Scene]:
    """Prepare a program, start a fork server for it, and end everything when left.

    Args:
        workload: Name of a shipped one.
        parameters: Its sizes.
        compilers: The compilers; those of this module when None.
        input_sets: Input sets that each worker is checked on.
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
            "checks": {"input_sets": input_sets},
        }
    )
    with tempfile.TemporaryDirectory(prefix="ablatrix-benchmark-") as temporary:
        directory = Path(temporary)
        save_program(prepare(workload, parameters, input_sets=input_sets, seed=study.seed), directory / "program")
        entries = compilers or [_entry(compiler) for compiler in COMPILERS]
        catalogue = installed_catalogue().holding(compilers={entry.name: entry for entry in entries})
        with Interrupt() as interrupt, ForkServer(entries, directory / "server.log", interrupt) as root:
            server = root.load(directory / "program")
            yield Scene(root, server, directory, directory / "program", study, catalogue)


def burst_means(outcome: Outcome) -> list[float]:
    """Return the mean of each burst in milliseconds; a trial that failed ends the benchmark."""
    if outcome.result.error is not None:
        raise SystemExit(f"{outcome.trial.trial_id} is {outcome.result.status}: {outcome.result.error.message}")
    return [sum(burst) / len(burst) for burst in outcome.bursts_ms]


def block_levels(outcomes: Sequence[Outcome]) -> list[float]:
    """Return the level of each trial of a block: log milliseconds, by the engine's own statistic."""
    fastest = {index: list(map(min, outcome.bursts_ms)) for index, outcome in enumerate(outcomes)}
    return list(paired_levels(fastest).values())


def enough(levels: Sequence[Sequence[float]], protocol: HotProtocol) -> bool:
    """Return whether the engine would stop, as ``trials/run/stopping.py`` decides it."""
    names: list[Configuration] = [(index,) for index in range(len(levels))]
    blocks = [dict(zip(names, block, strict=True)) for block in zip(*levels, strict=True)]
    if len(blocks) >= protocol.max_blocks:
        return True
    comparison = Comparison(("side",), ("side",), names[0], tuple(names))
    confirmed = measure_widths(blocks[: max(0, len(blocks) - CONFIRMING_BLOCKS)], comparison)
    return find_shortfall(confirmed, protocol.effect_width, protocol.cell_width, protocol.blocks) is None
