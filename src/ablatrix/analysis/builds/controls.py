"""The A/A controls of two builds, each by itself: either has a second trial of its configuration of the baseline."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from ablatrix.analysis.builds.values import BUILD
from ablatrix.analysis.effects import FactorialGrid
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Instrument, controls_text


class BuildControls:
    """The controls of two builds. Where that of either fails, the comparison allows for what it may be off.

    Those of the findings are means over all builds, as effects of other knobs are; two builds that are compared need
    that of each.
    """

    def __init__(self, findings: Findings, builds: Sequence[str]) -> None:
        """Take the findings and the builds."""
        self._all = findings
        trials = findings.trials
        self._own = {build: Instrument(trials.filter(pl.col(f"knob_{BUILD}") == build)) for build in builds}

    def widened(self, grid: FactorialGrid) -> FactorialGrid:
        """Return a grid whose intervals allow for the controls of both builds."""
        unit = (*grid.origin, grid.workload, grid.digest, grid.compiler)
        offsets = [one.offset(grid.metric, grid.mode, unit) for one in self._own.values()]
        return replace(grid, offset=max(offsets)) if max(offsets, default=0.0) > grid.offset else grid

    def texts(self, metric: str, mode: str) -> tuple[str, ...]:
        """Return what the controls say, a line each."""
        found = {build: one.controls(metric, mode) for build, one in self._own.items()}
        if not any(found.values()):
            return tuple(controls_text(self._all.controls(metric, mode), mode))
        return tuple(
            f"build {build}: {line}" for build, held in found.items() if held for line in controls_text(held, mode)
        )
