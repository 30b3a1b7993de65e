"""Screenings of many knobs as a table: the largest effects, and in words the rest and what does nothing."""

from collections.abc import Sequence

from ablatrix.analysis.effects import ScreenedKnob, Screening, search_texts
from ablatrix.analysis.groups import percent_text
from ablatrix.page.effects import MetricEffects
from ablatrix.page.printed import interval, ratio_value
from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table
from ablatrix.provenance.ranges import Ranges

SHOWN = 12
"""Knobs of a screening that have a row, and those that were found beyond them."""
HEADINGS = (
    Heading("workload"),
    Heading("compiler"),
    Heading("stage"),
    Heading("knob", wide=True),
    Heading("ratio", True),
    Heading("95 % interval", True),
    Heading("q", True, "p-value adjusted for the false discovery rate over the knobs of the screening"),
    Heading("verdict", wide=True),
)


def screening_table(one: MetricEffects) -> Table:
    """Return the screenings on a metric, a row a knob, the largest effects first."""
    rows = [_row(one, screen, knob, behind) for screen, behind in one.screens for knob in _shown(screen)]
    notes = [note for screen, _ in one.screens for note in _notes(screen)]
    return Table(
        f"screening-{one.metric.name}",
        f"{one.title}: screening of many knobs, not confirmed, as a ratio to the level left; below 1 is "
        f"{one.metric.less}",
        HEADINGS,
        rows,
        note=" ".join(notes),
    ).folded("workload", "compiler", "stage")


def _shown(screen: Screening) -> Sequence[ScreenedKnob]:
    known = [one for one in screen.knobs if one.ratio is not None] if screen.search is not None else screen.knobs
    return known[: max(SHOWN, len(screen.found))]


def _row(one: MetricEffects, screen: Screening, knob: ScreenedKnob, behind: Ranges) -> Row:
    verdict, tone = "not found", "quiet"
    if knob.found and knob.ratio is not None:
        is_less = knob.ratio.value < 1.0
        verdict, tone = (one.metric.less, "good") if is_less else (one.metric.more, "bad")
    ratio = EMPTY if knob.ratio is None else Shown(ratio_value(knob.ratio.value), knob.ratio.value, "screened")
    q_value = EMPTY if knob.q_value is None else Shown(f"{knob.q_value:.3g}", knob.q_value, "screened")
    cells = (
        Shown(screen.workload),
        Shown(screen.compiler),
        Shown(screen.stage),
        Shown(f"{knob.knob}: {knob.base_level} → {knob.level}"),
        ratio,
        EMPTY if knob.ratio is None else Shown(interval(knob.ratio), knob.ratio.half_width, "screened"),
        q_value,
        Shown(verdict, tone=tone),
    )
    return Row(cells, {"screened": behind})


def _notes(screen: Screening) -> list[str]:
    where = f"{screen.workload} on {screen.compiler}"
    notes = [f"{where}: {screen.configurations} configurations in {screen.blocks} blocks."]
    if screen.search is not None:
        notes += [f"{text[0].upper()}{text[1:]}." for text in search_texts(screen.search, len(screen.chosen.idle))]
    elif screen.rest:
        reach = "" if screen.resolution is None else f", each known to ±{percent_text(screen.resolution)} at most"
        notes.append(f"No effect found of {len(screen.rest)} knobs{reach}.")
    if screen.chosen.idle:
        notes.append(f"Do nothing here, the program is the same without them: {', '.join(screen.chosen.idle)}.")
    if screen.unmet[0]:
        unmet, every = screen.unmet
        notes.append(f"{unmet} of {every} pairs of configurations that differ in one knob share no block.")
    if screen.chosen.failed:
        failed = (f"{knob} ({why})" for knob, why in screen.chosen.failed.items())
        notes.append(f"Fail by themselves: {', '.join(failed)}.")
    return notes
