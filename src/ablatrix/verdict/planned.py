"""What became of the planned trials, and where records and plan disagree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ablatrix.analysis.table import PlannedTrials, Tidy, count_planned
from ablatrix.artifact.contents import check_plan, read_design
from ablatrix.errors import ArtifactError
from ablatrix.records.names import DESIGN_NAME


@dataclass(frozen=True)
class Planned:
    """The plan against the records.

    Attributes:
        counts: Trials that were ``planned`` and that were ``not_run``; empty without a design.
        problems: Where records and plan disagree.
        cold_effect_width: The narrowest interval (+-) of a cold effect that a design promises, as a share.
    """

    counts: Mapping[str, int]
    problems: tuple[str, ...]
    cold_effect_width: float | None


def compare_with_plan(found: Tidy, files: Sequence[Path], design: Path | None) -> Planned:
    """Compare records with what was planned.

    Args:
        found: The table of the files, with their lines.
        files: Files of records, in the order of the table's column ``run``.
        design: What was planned, for each of the files. None takes the ``design.json`` beside a file, if there is one.

    Raises:
        ArtifactError: A design cannot be read.
    """
    assert found.lines is not None
    counts: Counter[str] = Counter()
    problems, widths = [], []
    for run, path in enumerate(files):
        design_path = design or path.parent / DESIGN_NAME
        if design is None and not design_path.is_file():
            continue
        plan = found.designs.get(design_path) or _read(design_path)
        own = pl.col("run") == run
        of_run = count_planned(found.trials.lazy().filter(own).select("trial_id", "status").collect(), plan)
        counts.update({name: int(of_run[name].sum()) for name in ("planned", "not_run")})
        # The plan is compared with the lines themselves, superseded ones included.
        problems += [f"{path}: {problem.detail}" for problem in check_plan(found.lines.filter(own), plan)]
        widths.append(plan.rest.get("cold_effect_width"))
    promised = [width for width in widths if isinstance(width, int | float)]
    return Planned(counts, tuple(problems), min(promised, default=None))


def _read(path: Path) -> PlannedTrials:
    plan, faults = read_design(path.parent, path.name)
    if plan is None:
        raise ArtifactError(f"{path.parent}: {faults[0]}")
    return plan
