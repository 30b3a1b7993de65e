"""How to say where a baseline is not as its compiler ships."""

from collections.abc import Mapping


def departures_text(baseline: Mapping[str, object], shipped: Mapping[str, object]) -> str:
    """Return the knobs that a baseline has at another level than its compiler ships with, both levels named.

    Args:
        baseline: Level of each knob, of all that ``shipped`` names at least.
        shipped: The level as shipped of those that differ; empty where none does, and so is the text.
    """
    return ", ".join(f"{knob} {baseline[knob]} (shipped: {level})" for knob, level in shipped.items())
