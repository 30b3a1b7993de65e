"""In which order knobs, levels and other values stand, everywhere."""

from collections.abc import Iterable
from typing import Any

PRIMARY_KNOBS = ("partition", "reuse", "memory_plan", "fusion")  # of the compilers of the catalogue


def in_order(knobs: Iterable[str]) -> list[str]:
    """Return knobs as tables show them: primary ones first, then by name."""
    names = set(knobs)
    return [*(name for name in PRIMARY_KNOBS if name in names), *sorted(names - set(PRIMARY_KNOBS))]


def sort_key(value: Any) -> tuple[int, float, str]:
    """Return a key that orders levels: null, then numbers (also written as text) by value, then words."""
    if value is None:
        return (0, 0.0, "")
    try:
        return (1, float(value), "")
    except ValueError:
        return (2, 0.0, str(value))
