"""What is asked: which pass or setting has a trouble of one configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.compilers.catalogue import Level
from ablatrix.errors import StudyError
from ablatrix.study.model import Mode
from ablatrix.troubles import SLOWER, Configuration, Trouble, mode_of


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        configuration: The configuration with the trouble.
        kind: ``slower``, or the status of trials that fail.
        baseline: Of a slow-down, levels of the knobs that the configuration is slower than, where they differ from its
            own; of a failure those that do not fail. Other knobs have the same level in both.
        known: The trouble as a trial showed it, where one is given: only the same counts.
        mode: Of a failure, the mode of trials.
        metric: Of a slow-down, what is longer, or larger.
        least: The smallest slow-down that counts, relative.
        most_looks: After so many it ends without an answer.
        passes: Whether passes are candidates, beside the knobs.
        closer: Whether the application of a pass, and the place in the model, are looked for as well.
    """

    configuration: Configuration
    kind: str
    baseline: Mapping[str, Level] = field(default_factory=dict)
    known: Trouble | None = None
    mode: Mode = "cold"
    metric: str = "run_ms_paired"
    least: float = 0.02
    most_looks: int = 100
    passes: bool = True
    closer: bool = True

    @property
    def is_slower(self) -> bool:
        """Whether the trouble is a slow-down."""
        return self.kind == SLOWER

    @property
    def mode_of_looks(self) -> Mode:
        """The mode of trials."""
        return mode_of(self.metric) if self.is_slower else self.mode

    @property
    def least_log(self) -> float:
        """The smallest slow-down that counts, on the logarithm."""
        return math.log1p(self.least)

    @property
    def differing(self) -> dict[str, Level]:
        """The knobs whose level in the baseline is another one, with that level."""
        own = self.configuration.full_levels
        return {name: level for name, level in self.baseline.items() if own.get(name) != level}

    def check(self) -> None:
        """Refuse a question that breaks a rule.

        Raises:
            StudyError: It does, or its study has not what it names.
        """
        self.configuration.check()
        self.configuration.at(self.baseline).check()
        if not self.configuration.entry.knobs:
            raise StudyError(
                f"compiler '{self.configuration.compiler}' compiles nothing: it has no pass or setting to be the cause"
            )
        if self.metric not in METRICS:
            raise StudyError(f"there is no metric '{self.metric}'; there are: {', '.join(METRICS)}")
        if not 0.0 < self.least < 1.0:
            raise StudyError(f"the least slow-down must lie between 0 and 100 %, but is {self.least:.4g}")
        if self.most_looks < 1:
            raise StudyError(f"looks must be at least 1, but are {self.most_looks}")
