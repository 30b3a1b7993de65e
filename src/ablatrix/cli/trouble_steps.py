"""What to run next about each trouble of a diagnosis: the pass behind it, the smallest program, where the time goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ablatrix.analysis.diagnosis import Causes, Settings
from ablatrix.foreign_text import shell_word
from ablatrix.records.names import STUDY_NAME
from ablatrix.records.status import FAILURES

SHOWN_DIGITS = 8
"""Characters of the id of a trial or a cell in a command."""


@dataclass(frozen=True, kw_only=True)
class TroubleStep:
    """A command about one trouble.

    Attributes:
        workload, compiler, mode, trouble: Which trouble.
        what: What the command finds.
        command: The command; it says STUDY where it is not known which file the study was.
    """

    workload: str
    compiler: str
    mode: str
    trouble: str
    what: str
    command: str

    @property
    def title(self) -> str:
        """What it finds of which trouble, for a list."""
        trouble = self.trouble.replace("_", " ")
        return f"{self.what}: {self.workload} on {self.compiler}, {self.mode}, {trouble}"


def trouble_steps(trials: pl.DataFrame, diagnoses: Sequence[Causes], results: Path) -> list[TroubleStep]:
    """Return what finds more about each trouble: failures first, then what most configurations have.

    Args:
        trials: The table of trials.
        diagnoses: The causes of all troubles.
        results: What was named as results.
    """
    bad = [one for one in diagnoses if one.bad]
    own = results / STUDY_NAME
    study = str(own) if own.is_file() else "STUDY"
    found: list[TroubleStep] = []
    for one in sorted(bad, key=lambda one: (one.trouble not in FAILURES, -len(one.bad))):
        for what, command in _commands(trials, one, results, study):
            found.append(
                TroubleStep(
                    workload=one.workload,
                    compiler=one.compiler,
                    mode=one.mode,
                    trouble=one.trouble,
                    what=what,
                    command=command,
                )
            )
    return found


def _commands(trials: pl.DataFrame, one: Causes, results: Path, study: str) -> Iterator[tuple[str, str]]:
    unit = trials.filter(
        (pl.col("workload") == one.workload) & (pl.col("compiler") == one.compiler) & (pl.col("mode") == one.mode)
    )
    failed = one.trouble in FAILURES
    unit = unit.filter(pl.col("role") == "measured")
    ended = unit.filter(pl.col("status") == (one.trouble if failed else "ok"))
    rows = next((rows for settings in one.bad if (rows := _at(ended, settings)).height), None)
    if rows is None:
        return
    trial = rows["trial_id"][0][:SHOWN_DIGITS]
    given = f"{trial} --results {shell_word(results)} --study {shell_word(study)}"
    baseline = unit.filter(pl.col("is_baseline"))
    if not failed and baseline.height:
        first = baseline["cell_id"].cast(pl.String)[0][:SHOWN_DIGITS]
        yield (
            "the operations behind it",
            f"ablatrix explain {shell_word(results)} {first} {trial} --study {shell_word(study)}",
        )
    trouble = "" if failed else " --trouble slower"
    yield "the pass or setting behind it", f"ablatrix bisect {given}{trouble} --out bisect-{trial}"
    yield "the smallest program with it", f"ablatrix reduce {given}{trouble} --out reduced-{trial}"


def _at(rows: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Return the rows of a configuration; knobs that the table does not have are at their only level."""
    for setting in settings:
        column = f"knob_{setting.knob}"
        if column in rows.columns:
            rows = rows.filter(pl.col(column).cast(pl.String) == setting.level)
    return rows
