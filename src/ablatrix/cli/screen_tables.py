"""Screenings as tables in the terminal: what was found, and in a line each what was not, and what does nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from ablatrix.analysis.effects import Effect, ScreenedKnob, Screening, measured_text, names_text, search_texts
from ablatrix.analysis.groups import percent_text
from ablatrix.cli.tables import Block, Column, Row, say
from ablatrix.records.metrics import Metric
from ablatrix.statistics.ratio import Ratio

KNOB = 28
MOST_ALIASES = 3
COLUMNS = (
    Column("knob", comfort=KNOB),
    Column("ratio [95 % interval]", whole=True),
    Column("q (FDR)", rank=2, whole=True),
    Column("by size alone", rank=3),
    Column("verdict", comfort=15),
    Column("confirmed on other blocks", rank=1, whole=True),
)
DESIGNS = {
    "full_factorial": "every combination",
    "regular_fraction": "a regular fraction",
    "folded_plackett_burman": "folded Plackett-Burman",
    "definitive": "definitive screening",
    "one_at_a_time": "one at a time",
    "sampled_shapley": "Shapley shares from sampled orders",
    "groups": "left out of all on, by groups",
}
ALIASES = {
    "folded_plackett_burman": "interactions of two knobs are aliased with each other in part, and with no main effect",
    "definitive": "interactions of two knobs and curves are aliased in part with each other, and with no main effect",
    "one_at_a_time": "each knob is told apart at the centre, and nothing is known of interactions",
}
"""What designs cannot tell apart, where that is no list of sums."""
DOUBTS = {
    "even": "interactions of two knobs are there, of which it shows only sums",
    "odd": "interactions of three knobs are there, by which effects may be off",
    "curved": "the middle level is not on the line between the ends",
    "rest": "effects do not add up, by which they may be off",
}


def screen_blocks(screens: Sequence[Screening], effects: Sequence[Effect], metric: Metric) -> list[Block]:
    """Return the found knobs of each screening, and the others with the largest effects where none was found.

    Args:
        screens: The screenings.
        effects: Of all stages: the main effect of a knob that a later stage confirms stands beside it.
        metric: What they are about.
    """
    mains = {(*_subject(one), one.knob): one for one in reversed(effects) if one.kind == "main"}
    return [
        Block(_unit(one), [_row(knob, metric, mains.get((*_subject(one), knob.knob))) for knob in _shown_of(one)])
        for one in screens
    ]


def _subject(one: Effect | Screening) -> tuple[Any, ...]:
    return one.origin, one.workload, one.digest, one.compiler


def _shown_of(one: Screening) -> Sequence[ScreenedKnob]:
    return one.found or one.knobs[:3]


def show_screen_notes(screens: Sequence[Screening], every: bool = False, *, with_design: bool = True) -> None:
    """Print what screenings do not show as rows.

    Args:
        screens: The screenings.
        every: With each sum of effects that are not told apart.
        with_design: With what holds for every metric: knobs that do nothing, and what the design cannot tell apart.
    """
    for screen in screens:
        shared = (*design_notes(screen), *alias_lines(screen, every)) if with_design else ()
        for line in (*screen_notes(screen), *shared):
            say(line, hanging=2)
    print()


def alias_lines(one: Screening, every: bool) -> Iterator[str]:
    """Yield the alias structure of a screening: what its design cannot tell apart."""
    where = f"{one.workload} on {one.compiler}, {one.stage}"
    told = ALIASES.get(one.chosen.design)
    sums = [" + ".join((" x ".join(pair.knobs), *pair.aliases)) for pair in one.crossed if pair.aliases]
    if told is not None:
        yield f"{where}: {told}"
    if sums:
        counted = f"{sum(1 + len(pair.aliases) for pair in one.crossed)} interactions of two knobs"
        alone = sum(not pair.aliases for pair in one.crossed)
        told_apart = f"{alone} are told apart, the others are" if alone else "are"
        listed = f": {'; '.join(sums)}" if every else ", which --show screen lists"
        begin = f"{where}: of {counted}" if alone else f"{where}: {counted}"
        yield f"{begin} {told_apart} {len(sums)} sums of several{listed}"


def screen_notes(one: Screening) -> Iterator[str]:
    """Yield what a screening does not show as rows: knobs without an effect, interactions, doubts."""
    where = f"{one.workload} on {one.compiler}, {one.stage}"
    if one.search is not None:
        yield from (f"{where}: {line}" for line in search_texts(one.search, len(one.chosen.idle)))
    elif one.rest:
        reach = "" if one.resolution is None else f", each known to +-{percent_text(one.resolution)} at most"
        yield f"{where}: no effect found of {len(one.rest)}{reach}: {names_text([knob.knob for knob in one.rest])}"
    for pair in one.pairs[:5]:
        others = f", or {names_text(pair.aliases, MOST_ALIASES)}" if pair.aliases else ""
        yield f"{where}: interaction {' x '.join(pair.knobs)}{others}: {measured_text(pair.ratio)}"
    for doubt in one.doubts:
        yield f"{where}: doubt: {DOUBTS[doubt.departure]}"


def design_notes(one: Screening) -> Iterator[str]:
    """Yield what holds of a screening whatever the metric: knobs that do nothing, and those that fail."""
    where = f"{one.workload} on {one.compiler}, {one.stage}"
    if one.chosen.idle:
        yield (
            f"{where}: {len(one.chosen.idle)} do nothing here, what is built is the same without them: "
            f"{names_text(one.chosen.idle)}"
        )
    if one.unmet[0]:
        unmet, every = one.unmet
        yield (
            f"{where}: {unmet} of {every} pairs of configurations that differ in one knob share no block; they are "
            "compared through others"
        )
    if one.chosen.failed:
        failed = [f"{knob} ({why})" for knob, why in one.chosen.failed.items()]
        yield f"{where}: {len(failed)} fail by themselves: {names_text(failed)}"


def _unit(one: Screening) -> str:
    design = DESIGNS.get(one.chosen.design, one.chosen.design)
    resolution = "" if one.chosen.resolution is None else f" of resolution {one.chosen.resolution}"
    counted = f"{one.configurations} configurations in {one.blocks} blocks, {design}{resolution}"
    return ", ".join([f"{one.workload} on {one.compiler}", f"{one.stage} ({counted})", *map(str, one.origin)])


def _row(one: ScreenedKnob, metric: Metric, confirmed: Effect | None) -> Row:
    size = {True: "stands out", False: "as noise", None: ""}[one.stands_out]
    verdict = "not found"
    if one.found and one.ratio is not None:
        verdict = metric.less if one.ratio.value < 1.0 else metric.more
    change = f"{one.knob}: {one.base_level} -> {one.level}"
    other = "" if confirmed is None else measured_text(_same_way(confirmed, one))
    return [change, measured_text(one.ratio), p_value_text(one.q_value), size, verdict, other]


def _same_way(confirmed: Effect, one: ScreenedKnob) -> Ratio | None:
    """Return a main effect from the level and to the level of a screening, which leaves knobs out of all on."""
    is_back = (confirmed.base_level, confirmed.level) == (one.level, one.base_level)
    return confirmed.ratio.inverse if confirmed.ratio and is_back else confirmed.ratio


def p_value_text(p_value: float | None) -> str:
    """Return a p-value as tables show it; empty without one."""
    if p_value is None:
        return ""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"
