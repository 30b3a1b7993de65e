"""Variants of a workload: how one is named by the values of its axes. The name is for people, the values are data."""

import re
from collections.abc import Iterable

AxisValue = int | float | str | bool
_COMMA = re.compile(r",(?![^\[]*\])")
"""A comma that no bracket holds: those within are part of the name of a variant."""


def axis_text(value: AxisValue) -> str:
    """Return the value of an axis as names, selections and tables have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def axes_text(axes: Iterable[tuple[str, AxisValue]], separator: str = ",") -> str:
    """Return the values of axes: ``tokens=128,dtype=bfloat16``."""
    return separator.join(f"{name}={axis_text(value)}" for name, value in axes)


def variant_name(base: str, axes: Iterable[tuple[str, AxisValue]]) -> str:
    """Return the name of a variant: ``encoder[tokens=128,dtype=bfloat16]``; without axes that of its workload."""
    text = axes_text(axes)
    return f"{base}[{text}]" if text else base


def split_values(text: str) -> list[str]:
    """Return the values of a condition; a comma within brackets is part of the name of a variant."""
    return _COMMA.split(text)
