"""What figures and tables of a paper say of the changes that are too many to be shown one by one."""

from typing import Any

from ablatrix.analysis.effects import Largest
from ablatrix.plotting.labels import Labels


def others_line(chosen: Largest[Any], labels: Labels) -> str | None:
    """Return what is said of the others; None where all are shown."""
    if not chosen.others:
        return None
    if chosen.ends is None:
        return labels("others_unknown", count=chosen.others)
    low, high = (f"{end:.3g}" for end in chosen.ends)
    return labels("others_alike" if low == high else "others", count=chosen.others, low=low, high=high)
