"""Choosing trials of a design: ``workload=encoder``, ``fusion=on``, ``status=timeout``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from ablatrix.errors import StudyError
from ablatrix.study.design import Cell, Design, Trial

TRIAL_KEYS = ("workload", "compiler", "mode", "stage", "role", "status")
Conditions = Mapping[str, Set[str]]


def parse_conditions(texts: Sequence[str], design: Design) -> dict[str, set[str]]:
    """Read ``key=value[,value...]`` conditions: all keys must hold, any of a key's values.

    Raises:
        StudyError: A condition without ``=``, or a key or value that the design does not have.
    """
    knobs = {knob for cell in design.cells for knob in cell.knobs}
    conditions: dict[str, set[str]] = {}
    for text in texts:
        key, found, values = text.partition("=")
        if not found or not values:
            raise StudyError(f"--only {text}: write key=value, for example --only workload=mlp or --only fusion=on")
        if key not in knobs and key not in TRIAL_KEYS:
            there = ", ".join([*TRIAL_KEYS, *sorted(knobs)])
            raise StudyError(f"--only {text}: there is no key '{key}'; there are: {there}")
        conditions.setdefault(key, set()).update(values.split(","))
        if key != "status":
            _check_values(text, key, values.split(","), design)
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
    return all(_value(trial, cell, key, statuses) in values for key, values in conditions.items())


def _value(trial: Trial, cell: Cell, key: str, statuses: Mapping[str, str]) -> str | None:
    if key == "status":
        return statuses.get(trial.trial_id)
    if key in {"mode", "role"}:
        return str(getattr(trial, key))
    if key in {"workload", "compiler", "stage"}:
        value = getattr(cell, key)
        return None if value is None else str(value)
    return str(cell.knobs[key]) if key in cell.knobs else None


def _check_values(text: str, key: str, values: Sequence[str], design: Design) -> None:
    cells = {cell.cell_id: cell for cell in design.cells}
    there = {_value(trial, cells[trial.cell_id], key, {}) for trial in design.trials} - {None}
    for value in values:
        if value not in there:
            known = ", ".join(sorted(str(one) for one in there))
            raise StudyError(f"--only {text}: no trial of this study has {key}={value}; there are: {known}")
