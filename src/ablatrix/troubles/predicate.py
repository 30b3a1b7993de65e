"""Whether a configuration has a trouble: the question that bisection and reduction ask of every step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from ablatrix.compilers.catalogue import Level
from ablatrix.statistics.ratio import paired_ratio
from ablatrix.statistics.sequential import nearness, pooled_spread
from ablatrix.study.model import Mode
from ablatrix.troubles.configuration import Configuration, mode_of
from ablatrix.troubles.look import Looks, Sight
from ablatrix.troubles.trouble import Trouble

Answer = Literal["yes", "no", "other", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Whether a configuration has the trouble that was asked for.

    Attributes:
        answer: ``yes``: the same trouble; ``no``: none, its trials are ok; ``other``: another trouble; ``undecided``:
            neither can be said: it was not run, or times lie between the two after as many blocks as are allowed.
        trouble: What it showed; None where its trials are ok.
        trials: Trials of the configuration.
        doubt: Of times: the chance that the answer is wrong; else 0.
        logs: Of times: the log ratio to the reference in each block.
        seconds: Of all runs.
        results: Their directories.
        why: Why nothing can be said, in words; empty where something can.
    """

    answer: Answer
    trouble: Trouble | None = None
    trials: int = 0
    doubt: float = 0.0
    logs: tuple[float, ...] = ()
    seconds: float = 0.0
    results: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it says yes or no."""
        return self.answer in {"yes", "no"}


@dataclass(kw_only=True)
class Predicate:
    """Asks of configurations whether they have one trouble.

    A failure is looked for in one trial, alone, with caches of its own. A slow-down is measured beside the reference in
    the same hot blocks, a block at a time until it is decided which of two values the times are nearer to: those of
    the reference, or those of the slow-down that was seen first.

    Attributes:
        looks: Runs the looks.
        trouble: What is asked for; of a slow-down with its ratio.
        reference: Of a slow-down: levels of the configuration that is not slow, those of knobs that are not the
            study's baseline's.
        metric: Of a slow-down: what is longer, or larger.
        mode: Of a failure: the mode of trials.
        most_doubt: Of a slow-down: a block is added while the chance of a wrong answer is more.
        most_blocks: So many blocks at most.
        seen: Log ratios of all configurations so far; their scatter from block to block is pooled.
    """

    looks: Looks
    trouble: Trouble
    reference: Mapping[str, Level] = field(default_factory=dict)
    metric: str = "run_ms_paired"
    mode: Mode = "cold"
    most_doubt: float = 0.01
    most_blocks: int = 8
    seen: list[Sequence[float]] = field(default_factory=list)

    def ask(self, configuration: Configuration, place: str, *, turn: int = 0) -> Observation:
        """Return whether a configuration has the trouble.

        Args:
            configuration: What is looked at.
            place: Name of the directory of the look; further blocks have it with a number behind.
            turn: How often it was looked at before.

        Raises:
            InterruptedLook: The user stopped it.
            StudyError, CompilerError, WorkloadError, TrialError: A run cannot be made.
        """
        if self.trouble.is_slower:
            return self._ask_times(configuration, place, turn)
        return failure_observation(self.looks.see(configuration, place, self.mode, turn=turn), self.trouble)

    def _ask_times(self, configuration: Configuration, place: str, turn: int) -> Observation:
        ratio = self.trouble.ratio
        assert ratio is not None and ratio.value > 1.0  # a slow-down was measured first
        step, held = math.log(ratio.value), Observation(answer="undecided")
        for number in range(self.most_blocks):
            further = "" if number == 0 else f"-{number + 1}"
            sight = self.looks.see(
                configuration,
                place + further,
                mode_of(self.metric),
                reference=self.reference,
                metric=self.metric,
                turn=turn * self.most_blocks + number,
            )
            held = replace(
                held,
                trials=held.trials + sight.trials,
                logs=(*held.logs, *sight.logs),
                seconds=held.seconds + sight.seconds,
                results=(*held.results, sight.results),
            )
            if not sight.logs:
                self.seen.append(held.logs)
                return _without_times(held, sight)
            near = nearness(held.logs, step, pooled_spread([*self.seen, held.logs]))
            answer: Answer = "undecided" if near.doubt > self.most_doubt else "yes" if near.slow else "no"
            held = replace(held, answer=answer, doubt=near.doubt)
            if answer != "undecided":
                break
        self.seen.append(held.logs)
        shown = replace(self.trouble, ratio=paired_ratio(held.logs))
        why = f"times lie between the two after {len(held.logs)} blocks" if held.answer == "undecided" else ""
        return replace(held, trouble=None if held.answer == "no" else shown, why=why)


def failure_observation(sight: Sight, trouble: Trouble) -> Observation:
    """Return whether a look shows a failure: the same, another one, or none.

    Args:
        sight: What was seen.
        trouble: The failure that is asked for.
    """
    held = Observation(
        answer="undecided",
        trouble=sight.trouble,
        trials=sight.trials,
        seconds=sight.seconds,
        results=(sight.results,),
    )
    if sight.trouble is not None:
        return replace(held, answer="yes" if sight.trouble.is_same_as(trouble) else "other")
    if sight.statuses and {*sight.statuses} == {"ok"}:
        return replace(held, answer="no")
    ended = ", ".join(sorted({one.replace("_", " ") for one in sight.statuses})) or "not run"
    return replace(held, why=f"its trials ended as {ended}")


def _without_times(held: Observation, sight: Sight) -> Observation:
    """Return what a look says in which a configuration, or its reference, has no time."""
    if sight.trouble is not None:
        return replace(held, answer="other", trouble=sight.trouble)
    why = f"the reference ended as {sight.why}" if sight.why else "no block has it and the reference"
    return replace(held, answer="undecided", why=why)
