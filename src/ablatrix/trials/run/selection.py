"""Choosing trials of a design: ``workload=encoder``, ``tokens=128``, ``fusion=on``, ``status=timeout``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from ablatrix.errors import StudyError
from ablatrix.records.variants import axis_text, split_values
from ablatrix.study.design import Cell, Design, Trial

TRIAL_KEYS = ("workload", "compiler", "mode", "stage", "role", "status")
Conditions = Mapping[str, Set[str]]


def parse_conditions(texts: Sequence[str], design: Design) -> dict[str, set[str]]:
    """Read ``key=value[,value...]`` conditions: all keys must hold, any of a key's values.

    A workload is all its variants. Where a knob and an axis share a name, the key is the knob.

    Raises:
        StudyError: A condition without ``=``, or a key or value that the design does not have.
    """
    knobs = {knob for cell in design.cells for knob in cell.knobs}
    axes = {name for cell in design.cells for name, _ in cell.axes}
    conditions: dict[str, set[str]] = {}
    for text in texts:
        key, found, values = text.partition("=")
        if not found or not values:
            raise StudyError(f"--only {text}: write key=value, for example --only workload=mlp or --only fusion=on")
        if key not in knobs | axes and key not in TRIAL_KEYS:
            there = ", ".join([*TRIAL_KEYS, *sorted(axes - knobs), *sorted(knobs)])
            raise StudyError(f"--only {text}: there is no key '{key}'; there are: {there}")
        wanted = split_values(values)
        conditions.setdefault(key, set()).update(wanted)
        if key != "status":
            _check_values(text, key, wanted, design)
    return conditions


def select(design: Design, conditions: Conditions, statuses: Mapping[str, str]) -> list[Trial]:
    """Return the trials that meet every condition, in run order.

    Args:
        design: The whole design.
        conditions: Key -> allowed values.
        statuses: Status of the final record of each finished trial, by trial id.
    """
    cells = {cell.cell_id: cell for cell in design.cells}
    return [trial for trial in design.trials if _meets(trial, cells[trial.cell_id], conditions, statuses)]


def _meets(trial: Trial, cell: Cell, conditions: Conditions, statuses: Mapping[str, str]) -> bool:
    return all(any(one in values for one in _values(trial, cell, key, statuses)) for key, values in conditions.items())


def _values(trial: Trial, cell: Cell, key: str, statuses: Mapping[str, str]) -> Iterator[str]:
    """Yield what a trial has under a key: nothing, one value, or of a variant its name and that of its workload."""
    if key == "workload":
        yield cell.workload
        if cell.base is not None:
            yield cell.base
    elif key == "status":
        yield from filter(None, [statuses.get(trial.trial_id)])
    elif key in {"mode", "role"}:
        yield str(getattr(trial, key))
    elif key == "compiler":
        yield cell.compiler
    elif key == "stage":
        yield from filter(None, [None if cell.stage is None else trial.stage or cell.stage])
    elif key in cell.knobs:
        yield str(cell.knobs[key])
    else:
        yield from (axis_text(value) for name, value in cell.axes if name == key)


def _check_values(text: str, key: str, values: Sequence[str], design: Design) -> None:
    cells = {cell.cell_id: cell for cell in design.cells}
    there = {value for trial in design.trials for value in _values(trial, cells[trial.cell_id], key, {})}
    for value in values:
        if value not in there:
            known = ", ".join(sorted(there))
            raise StudyError(f"--only {text}: no trial of this study has {key}={value}; there are: {known}")
