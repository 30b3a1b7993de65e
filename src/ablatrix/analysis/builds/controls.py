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
    that of each. They are tested as one family, so that a false alarm is no more frequent than with one control.
    """

    def __init__(self, findings: Findings, builds: Sequence[str]) -> None:
        """Take the findings and the builds."""
        self._all, self._builds = findings, builds
        build = f"knob_{BUILD}"
        self._own = Instrument(findings.trials.filter(pl.col(build).is_in(list(builds))), origin=[build])

    def widened(self, grid: FactorialGrid) -> FactorialGrid:
        """Return a grid whose intervals allow for the controls of both builds, and not for their mean by itself.

        One without a control of either build keeps what it allows for.
        """
        unit = grid.workload, grid.digest, grid.compiler
        held = self._own.controls(grid.metric, grid.mode)
        if not any((one.workload, one.digest, one.compiler) == unit for one in held):
            return grid
        return replace(
            grid, offset=max(self._own.offset(grid.metric, grid.mode, (build, *unit)) for build in self._builds)
        )

    def texts(self, metric: str, mode: str) -> tuple[str, ...]:
        """Return what the controls say, a line each."""
        found = self._own.controls(metric, mode)
        if not found:
            return tuple(controls_text(self._all.controls(metric, mode), mode))
        held = {build: [one for one in found if one.origin == (build,)] for build in self._builds}
        return tuple(
            f"build {build}: {line}" for build, own in held.items() if own for line in controls_text(own, mode)
        )
