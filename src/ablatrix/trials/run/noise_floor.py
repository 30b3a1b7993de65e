"""The noise floor of this machine: one small fixed program measured against itself, as a study measures a pair.

Each block is two fresh processes that take turns in short bursts, by the same code that runs the hot blocks of a
study. Whatever differs between them is noise, since the program, its code and its inputs are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import monotonic

from ablatrix.catalogue import installed_catalogue
from ablatrix.errors import TrialError
from ablatrix.statistics.quantile import median
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.statistics.rounds import paired_levels
from ablatrix.study.design import Cell, Trial
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Servers, Side
from ablatrix.trials.host import place_runs
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import Outcome, ResultDirectory
from ablatrix.trials.run.block import BlockInput, run_hot
from ablatrix.trials.run.preparation import Preparation

BLOCKS = 8
MIN_BLOCKS = 3
ROUNDS = 40
ENOUGH_S = 30.0
WORKLOAD = "mlp"
PARAMETERS = {"layers": 4, "hidden": 256, "batch": 64}


@dataclass(frozen=True)
class NoiseFloor:
    """How much one program differed from itself.

    Attributes:
        log_ratios: For each block, the level of the one trial minus the level of the other (`paired_levels`).
        iteration_ms: Median over trials of the median of their samples.
        threads: Threads of a run.
        disturbances: Why blocks were disturbed, one entry for each trial that was; none was omitted.
        seconds: Duration of the measurement.
    """

    log_ratios: tuple[float, ...]
    iteration_ms: float
    threads: int
    disturbances: tuple[str, ...]
    seconds: float

    @property
    def largest(self) -> float:
        """Largest difference between the two in any block, relative: 0.01 is 1 %."""
        return math.expm1(max(map(abs, self.log_ratios)))

    @property
    def ratio(self) -> Ratio:
        """The ratio of the two over all blocks, which is 1 in truth, with its 95 % interval."""
        return paired_ratio(self.log_ratios)

    def sentence(self) -> str:
        """Return what was measured and what it means for a study on this machine."""
        width, blocks = self.ratio.half_width, len(self.log_ratios)
        text = (
            f"One program ({self.iteration_ms:.2f} ms an iteration, threads: {self.threads}) differed from itself by "
            f"up to {self.largest:.2%} in {blocks} blocks of two paused processes. A difference below that in a "
            f"single block is noise here."
        )
        if width is not None:
            ends = f"{self.ratio.low:.4f} to {self.ratio.high:.4f}"
            text += f" Over {blocks} blocks the interval of the ratio is {ends} (+-{width:.2%}): smaller effects need "
            text += "more blocks."
        if self.disturbances:
            text += f" Disturbed trials: {len(self.disturbances)}, the first by {self.disturbances[0]}."
        return text


def measure_noise_floor(
    directory: Path,
    notice: Callable[[str], None],
    *,
    blocks: int = BLOCKS,
    rounds: int = ROUNDS,
    threads: int | None = None,
) -> NoiseFloor:
    """Measure one small eager program against itself.

    With the defaults it takes about 20 s on two quiet cores. On a busy machine, where everything takes longer, it
    ends with fewer blocks, and the interval is wider.

    Args:
        directory: An empty directory for the prepared program and logs.
        notice: Called with what is being done.
        blocks: Pairs of fresh processes, at least 1; after ``ENOUGH_S`` seconds no more than ``MIN_BLOCKS``.
        rounds: Bursts of each process.
        threads: Threads of a run; None for as many as a study's runs have.

    Raises:
        TrialError: The program could not be prepared or run.
        Interrupted: The user asked to stop.
    """
    began = monotonic()
    resolved = ResolvedStudy(_study(rounds), installed_catalogue())
    cell = _cell()
    used, cpus = place_runs(threads, None)
    results, scratch = ResultDirectory(directory), directory / "scratch"
    with Interrupt() as interrupt, Servers(resolved, directory, interrupt) as servers:
        notice("preparing the program")
        preparation = Preparation(resolved, results, servers, scratch, used)
        preparation.make(cell)
        failure = preparation.failure(cell)
        if failure is not None:
            raise TrialError(f"noise floor: the program could not be prepared: {failure[1].message}")
        server = servers.get(Side("eager"), results.program(resolved, cell))
        outcomes: list[Outcome] = []
        for number in range(blocks):
            if number >= MIN_BLOCKS and monotonic() - began > ENOUGH_S:
                break
            notice(f"block {number + 1} of {blocks}")
            block = BlockInput(
                study=resolved.study,
                catalogue=resolved.catalogue,
                trials=_pair(number, cell),
                threads=used,
                cpus=tuple(cpus),
                hot_cache=directory / "hot",
                tag_caches=directory / "tags",
                scratch=scratch,
            )
            outcomes += run_hot(block, lambda cell: server, lambda trial, what: None)
            interrupt.check()
    return _summary(outcomes, used, monotonic() - began)


def _summary(outcomes: list[Outcome], threads: int, seconds: float) -> NoiseFloor:
    """Return the noise floor from outcomes that come in consecutive pairs."""
    _refuse_failures(outcomes)
    made = len(outcomes) // 2
    medians = [median(list(chain.from_iterable(one.bursts_ms))) for one in outcomes]
    return NoiseFloor(
        tuple(_log_ratio(outcomes[2 * number : 2 * number + 2]) for number in range(made)),
        median(medians),
        threads,
        tuple(filter(None, (outcome.noise.disturbance for outcome in outcomes if outcome.noise is not None))),
        seconds,
    )


def _cell() -> Cell:
    return Cell(
        cell_id="same",
        workload=WORKLOAD,
        parameters=dict(PARAMETERS),
        compiler="eager",
        knobs={},
        stage=None,
        baseline={},
    )


def _pair(number: int, cell: Cell) -> tuple[tuple[Trial, Cell], ...]:
    """Return the two trials of a block.

    The one built first may have an advantage, so each is first in turn, as a design shuffles its blocks.
    """
    roles = ("measured", "twin") if number % 2 == 0 else ("twin", "measured")
    return tuple((_trial(number, role), cell) for role in roles)


def _refuse_failures(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.result.error is not None:
            result, why = outcome.result, outcome.result.error.message
            raise TrialError(f"noise floor: a trial ended as {result.status}: {why}")


def _log_ratio(pair: list[Outcome]) -> float:
    levels = paired_levels({one.trial.role: list(map(min, one.bursts_ms)) for one in pair})
    return levels["twin"] - levels["measured"]


def _study(rounds: int) -> Study:
    """Return a study in which nothing but the protocol matters: its one stage is never laid out."""
    return Study.model_validate(
        {
            "name": "noise-floor",
            "workloads": [{"name": WORKLOAD, "parameters": PARAMETERS}],
            "compilers": ["eager"],
            "modes": ["hot"],
            "stages": [{"name": "none", "factorial": {"partition": ["whole"]}}],
            "checks": {"input_sets": 1},
            "protocol": {"hot": {"rounds": rounds, "timeout_s": 120}},
        }
    )


def _name(block: int, role: str) -> str:
    return f"{role}-{block}"


def _trial(block: int, role: str) -> Trial:
    return Trial(
        trial_id=_name(block, role),
        cell_id="same",
        block_id=f"noise-{block}",
        block=block,
        replicate=block,
        position=block,
        mode="hot",
        role=role,
    )
