"""The A/A controls of builds: each build has a second trial of its own configuration of the baseline."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from ablatrix.analysis.builds.values import BUILD
from ablatrix.analysis.effects import FactorialGrid
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import Control, Instrument, controls_text


class BuildControls:
    """The controls of two builds. Where that of either fails, the comparison allows for what it may be off."""

    def __init__(self, findings: Findings, builds: Sequence[str]) -> None:
        """Take the findings, whose own controls are those of the baseline's build, and the builds."""
        self._findings = findings
        self._others = {build: found for build in builds if (found := _instrument(findings.trials, build)) is not None}

    def widened(self, grid: FactorialGrid) -> FactorialGrid:
        """Return a grid whose intervals allow for the controls of both builds."""
        unit = (*grid.origin, grid.workload, grid.digest, grid.compiler)
        offsets = [one.offset(grid.metric, grid.mode, unit) for one in self._others.values()]
        return replace(grid, offset=max(offsets)) if max(offsets, default=0.0) > grid.offset else grid

    def texts(self, metric: str, mode: str) -> tuple[str, ...]:
        """Return what the controls say, a line each."""
        found = controls_text(self._findings.controls(metric, mode), mode)
        for build, instrument in self._others.items():
            held: Sequence[Control] = instrument.controls(metric, mode)
            if held:
                found += [f"build {build}: {line}" for line in controls_text(held, mode)]
        return tuple(found)


def _instrument(trials: pl.DataFrame, build: str) -> Instrument | None:
    """Return the controls of a build that is not the baseline's; None where it has none."""
    own = trials.lazy().filter((pl.col(f"knob_{BUILD}") == build) & ~pl.col("is_baseline"))
    twins = own.filter(pl.col("role") == "twin").select(pl.col("cell_id").cast(pl.String)).unique().collect()
    if not twins.height:
        return None
    cells = twins["cell_id"].to_list()
    held = own.filter(pl.col("cell_id").cast(pl.String).is_in(cells)).with_columns(is_baseline=pl.lit(True))
    return Instrument(held.collect())
