"""What the A/A controls of a metric say, in words: the same lines in the terminal, on the page and below tables."""

from collections.abc import Sequence

from ablatrix.analysis.groups.control import Control
from ablatrix.statistics.ratio import Ratio


def controls_text(controls: Sequence[Control], mode: str) -> list[str]:
    """Return a line for each unit whose instrument failed, and one for the others.

    Args:
        controls: Of one metric and mode.
        mode: ``cold`` or ``hot``.
    """
    if not controls:
        return [f"A/A control: none was run in {mode} trials"]
    tested = [one for one in controls if one.is_tested]
    if not tested:
        return ["A/A control: one block, not tested"]
    failed = [one for one in tested if one.failed]
    first = tested[0]
    if first.together is not None and first.failed_together:
        lines = [
            f"A/A control failed over the units together: {ratio_text(first.together)}, "
            f"{_p_text(first.p_together)}; each interval is widened by what the control of its unit may be off, up "
            f"to {percent_text(max(one.reach for one in tested))} at each end"
        ]
        failed_alone = [one for one in failed if one.failed_alone]
        if failed_alone:
            lines.append(f"A/A control failed by itself on {', '.join(map(place, failed_alone))}")
    else:
        lines = _alone(failed)
    held = [one for one in tested if not one.failed]
    if held:
        most = max(held, key=lambda one: one.reach)
        where = _units(len(held), "all" if not failed and len(held) > 1 else "")
        lines.append(
            f"A/A control: holds on {where}; the largest deviation is {ratio_text(most.ratio)}"
            + (f" on {place(most)}" if len(held) > 1 else "")
        )
    if rest := len(controls) - len(tested):
        lines.append(f"A/A control of {_units(rest)}: one block, not tested")
    return lines


def _alone(failed: Sequence[Control]) -> list[str]:
    return [
        f"A/A control failed on {place(one)}: {ratio_text(one.ratio)}, {_p_text(one.p_holm)}; the intervals there are "
        f"widened by {percent_text(one.reach)} at each end"
        for one in failed
    ]


def control_cell(control: Control | None, sign: str = "±") -> str:
    """Return how far the instrument may be off, for a cell of a table; empty without a control."""
    if control is None:
        return ""
    if not control.is_tested:
        return "not tested"
    return f"{sign}{percent_text(control.reach)}" + (", failed" if control.failed else "")


def place(one: Control) -> str:
    """Return the unit of a control."""
    return f"{one.workload} on {one.compiler}"


def ratio_text(ratio: Ratio) -> str:
    """Return a ratio with its interval."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.4f}"
    return f"{ratio.value:.4f} [{ratio.low:.4f}, {ratio.high:.4f}]"


def percent_text(share: float) -> str:
    """Return a share, or a small logarithm, in percent with two significant digits; whole from 100 on."""
    return f"{share * 100 + 0.0:.2g} %" if share < 0.995 else f"{share * 100:.0f} %"


def _units(count: int, word: str = "") -> str:
    return " ".join(filter(None, [word, str(count), "unit" if count == 1 else "units"]))


def _p_text(p_value: float | None) -> str:
    if p_value is None:
        return "the same in every block"
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
