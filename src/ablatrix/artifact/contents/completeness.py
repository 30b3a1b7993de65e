"""Are the records valid, and are they exactly what was planned?"""

from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.groups import numbered
from ablatrix.analysis.table import NO_TEXT, PLANNED, PlannedTrials, load_design
from ablatrix.artifact.contents.budget import Bounds
from ablatrix.artifact.contents.gathering import Gathering
from ablatrix.artifact.contents.problem import Problem, ProblemList
from ablatrix.artifact.contents.recorded import Recorded
from ablatrix.errors import RecordError
from ablatrix.records.names import DESIGN_NAME, RECORDS_NAME
from ablatrix.records.schema import LONGEST_LINE, validate_line
from ablatrix.regular_files import open_regular

SHOWN = 10  # of a long list, this many are named


def check_lines(directory: Path, bounds: Bounds = Bounds()) -> tuple[Recorded, list[Problem]]:  # noqa: B008, frozen
    """Validate every line of the records against the schema, one at a time.

    Args:
        directory: Contains the records.
        bounds: How much is kept of them. Lines beyond it are not read, which is a problem.

    Returns:
        What was gathered of the valid records, and the problems.
    """
    gathering, problems = Gathering(bounds), ProblemList(RECORDS_NAME)
    try:
        with open_regular(directory / RECORDS_NAME) as file:
            offset = 0
            for number in count(1):
                line = file.readline(LONGEST_LINE + 1)
                if not line:
                    break
                if len(line) > LONGEST_LINE:
                    detail = f"line {number} has more than {LONGEST_LINE} bytes; it and what follows were not read"
                    problems.add("invalid", detail)
                    break
                try:
                    if not line.endswith(b"\n"):
                        raise RecordError(f"line {number} is torn: it has no newline")
                    gathering.add(validate_line(line[:-1].decode(), f"line {number}"), offset)
                except (RecordError, UnicodeDecodeError) as error:
                    problems.add("invalid", str(error))
                if gathering.excess is not None:
                    detail = f"up to line {number} {gathering.excess}; what follows was not read"
                    problems.add("invalid", detail)
                    break
                offset += len(line)
    except OSError as error:
        problems.add("unreadable", f"the records cannot be read: {error.strerror}")
    return gathering.recorded(), problems.listed


def read_design(directory: Path, name: str = DESIGN_NAME) -> tuple[PlannedTrials | None, list[Problem]]:
    """Return the design; None and the problem if it cannot be read."""
    try:
        return load_design(directory / name), []
    except OSError as error:
        return None, [Problem(name, "unreadable", f"the design cannot be read: {error.strerror}")]
    except ValueError as error:
        return None, [Problem(name, "invalid", str(error))]


def check_plan(lines: pl.DataFrame, design: PlannedTrials) -> list[Problem]:
    """Compare records and design: every planned trial has exactly one final record, and no other has.

    Args:
        lines: A row a line, superseded ones included, with ``trial_id``, ``record_id``, ``study_digest``, `PLANNED` and
            ``final``.
        design: What was planned.
    """
    planned, names = design.trials, lines["trial_id"].cast(pl.String)
    # Trials by number: of a million, each join of their names takes most of a second.
    found = numbered(pl.concat([planned["trial_id"], names]).to_frame(), ["trial_id"])
    of_plan, of_line = found.numbers[: planned.height], found.numbers[planned.height :]
    is_final = lines["final"].to_numpy()
    times_planned, finals = (np.bincount(one, minlength=found.count) for one in (of_plan, of_line[is_final]))
    problems = []
    if (times_planned > 1).any():
        problems.append(Problem(DESIGN_NAME, "invalid", "a trial_id occurs twice"))
    absent = planned["trial_id"].gather(np.sort(found.first[(times_planned > 0) & (finals == 0)]))
    if len(absent):
        count = np.count_nonzero(times_planned)
        detail = f"{len(absent)} of {count} planned trials have no final record: {_some(absent)}"
        problems.append(Problem(RECORDS_NAME, "incomplete", detail))
    repeated = names.filter(pl.Series(is_final & (finals[of_line] > 1))).unique(maintain_order=True)
    if len(repeated):
        detail = f"{len(repeated)} trials have more than one final record: {_some(repeated)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    unplanned = names.filter(pl.Series(times_planned[of_line] == 0)).unique().sort()
    if len(unplanned):
        detail = f"records of {len(unplanned)} trials that were not planned: {_some(unplanned)}"
        problems.append(Problem(RECORDS_NAME, "invalid", detail))
    ids = lines["record_id"]
    doubled = ids.filter(ids.is_duplicated()).unique(maintain_order=True)
    if len(doubled):
        problems.append(Problem(RECORDS_NAME, "invalid", f"record ids occur twice: {_some(doubled)}"))
    last = np.full(found.count, -1)
    last[of_plan] = np.arange(planned.height)  # of several rows of one trial the last one stays
    contradicting = _contradicting(lines, design, last[of_line])
    if len(contradicting):
        detail = f"{len(contradicting)} records contradict the design in study, cell, block, mode or role: "
        problems.append(Problem(RECORDS_NAME, "invalid", detail + _some(contradicting)))
    return problems


def _contradicting(lines: pl.DataFrame, design: PlannedTrials, places: NDArray[np.int64]) -> pl.Series:
    """Return the ids of the records of planned trials that differ from what the plan says of them.

    Args:
        lines: A row a line.
        design: What was planned.
        places: The row of each line's trial in the design; -1: it was not planned.
    """
    there = np.flatnonzero(places >= 0)
    own, told = lines[there], design.trials[places[there]]
    differs = np.zeros(there.size, np.bool_)
    for name in PLANNED:
        known, label = told[name], own[name].cast(pl.Categorical())
        differs |= (known.is_not_null() & label.ne_missing(known)).to_numpy()
    if "study_digest" in design.rest:
        said = design.rest["study_digest"]
        digest = pl.Series([said if isinstance(said, str) else NO_TEXT], dtype=pl.Categorical())
        label = own["study_digest"].cast(pl.Categorical())
        differs |= label.ne_missing(digest.new_from_index(0, there.size)).to_numpy()
    return own["record_id"].filter(pl.Series(differs))


def _some(names: pl.Series) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names.head(SHOWN).to_list()) + (f" and {rest} more" if rest > 0 else "")
