"""What else than an explanation agrees with all that was seen, and which configurations would tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from ablatrix.analysis.diagnosis.configurations import Setting, Settings, Unit
from ablatrix.analysis.diagnosis.explanation import Explanation
from ablatrix.analysis.groups import sort_key

Box = Mapping[str, frozenset[str]]  # the levels that each knob may have: a set of an explanation, as widely as it goes
Hypothesis = tuple[Box, ...]


def says_bad(hypothesis: Hypothesis, row: Settings) -> bool:
    """Return whether a configuration would be bad."""
    return any(all(held.level in box[held.knob] for held in row) for box in hypothesis)


def hypotheses(unit: Unit, explanations: Sequence[Explanation], bad: Sequence[Settings]) -> list[Hypothesis]:
    """Return the explanations, and each with one level less in one set.

    A level that no bad configuration of a set has may be excluded by the cause or not, unless other sets hold all such
    configurations anyway.
    """
    found: list[Hypothesis] = []
    for explanation in explanations:
        whole = _boxes(unit, explanation)
        found.append(whole)
        for index, box in enumerate(whole):
            others = whole[:index] + whole[index + 1 :]
            seen = _levels(unit, _own(box, others, bad))
            for knob in unit.levels:
                for level in sorted(box[knob] - seen[knob], key=sort_key):
                    if not _covered({**box, knob: frozenset({level})}, others):
                        narrower = {**box, knob: box[knob] - {level}}
                        found.append((*whole[:index], narrower, *whole[index + 1 :]))
    return list({frozenset(frozenset(box.items()) for box in one): one for one in found}.values())


def probes(
    unit: Unit, explanation: Explanation, bad: Sequence[Settings], fine: Sequence[Settings], closed: set[Settings]
) -> list[Settings]:
    """Return configurations that would show whether two knobs act together in a way that was never tried.

    Where knobs were moved one at a time, an explanation takes the levels of the others for granted. So for each set and
    each two of the knobs that it leaves free there has to be a bad configuration with both moved, and each condition
    has to be needed at more than one level of the others, where these allow several.

    Args:
        unit: The levels that there are.
        explanation: The only one that is left.
        bad: Configurations that it explains.
        fine: Those that are known to be fine.
        closed: Those that cannot be run.
    """
    whole = _boxes(unit, explanation)
    found: dict[Settings, None] = {}
    for index, box in enumerate(whole):
        own = _own(box, whole[:index] + whole[index + 1 :], bad)
        start = unit.baseline if unit.baseline in own else own[0]
        for row in (*_together(unit, start, own, closed), *_needed(unit, box, start, own, fine)):
            if row not in closed:
                found.setdefault(row)
    return list(found)


def _together(unit: Unit, start: Settings, own: Sequence[Settings], closed: set[Settings]) -> Iterator[Settings]:
    """Yield configurations in which as many knobs as possible are moved that were only moved one at a time."""
    base = _plain(start)
    moves = {knob: [level for level in seen if level != base[knob]] for knob, seen in _levels(unit, own).items()}
    moved = [{knob for knob, level in _plain(row).items() if level != base[knob]} for row in own]
    knobs = [knob for knob, levels in moves.items() if levels]
    missing = [pair for pair in combinations(knobs, 2) if not any(set(pair) <= one for one in moved)]
    while missing:
        chosen: dict[str, str] = {}
        for knob in dict.fromkeys(knob for pair in missing for knob in pair):
            wider = {**chosen, knob: min(moves[knob])}
            if len(wider) < 2 or _row(base, wider) not in closed:
                chosen = wider
        left = [pair for pair in missing if not set(pair) <= set(chosen)]
        if len(left) == len(missing):
            missing = missing[1:]  # its only configuration cannot be run
            continue
        missing = left
        yield _row(base, chosen)


def _needed(
    unit: Unit, box: Box, start: Settings, own: Sequence[Settings], fine: Sequence[Settings]
) -> Iterator[Settings]:
    """Yield configurations without one condition, at a level of another at which it was never left out."""
    base, seen = _plain(start), _levels(unit, own)
    known = [_plain(row) for row in (*own, *fine)]
    conditions = [knob for knob, levels in unit.levels.items() if box[knob] != frozenset(levels)]
    for dropped in conditions:
        outside = {level for row in map(_plain, fine) for level in (row[dropped],) if level not in box[dropped]}
        for other in conditions:
            levels = sorted(seen[other] - {base[other]}, key=sort_key)
            tried = (row for row in known if row[dropped] in outside and row[other] in levels)
            if other != dropped and levels and outside and not any(tried):
                yield _row(base, {other: levels[0], dropped: min(outside, key=sort_key)})


def _boxes(unit: Unit, explanation: Explanation) -> Hypothesis:
    excluded = ({one.knob: one.excluded for one in conditions} for conditions in explanation)
    return tuple(
        {knob: frozenset(levels) - frozenset(held.get(knob, ())) for knob, levels in unit.levels.items()}
        for held in excluded
    )


def _own(box: Box, others: Hypothesis, bad: Sequence[Settings]) -> list[Settings]:
    """Return the bad configurations that one set alone explains; a smallest explanation has one for each set."""
    return [row for row in bad if says_bad((box,), row) and not says_bad(others, row)]


def _levels(unit: Unit, rows: Iterable[Settings]) -> dict[str, set[str]]:
    seen: dict[str, set[str]] = {knob: set() for knob in unit.levels}
    for row in rows:
        for held in row:
            seen[held.knob].add(held.level)
    return seen


def _covered(box: Box, others: Hypothesis) -> bool:
    """Return whether every configuration of a box lies in another one."""
    if not others:
        return False
    left = dict(box)
    for knob, levels in others[0].items():
        outside = left[knob] - levels
        if outside and not _covered({**left, knob: outside}, others[1:]):
            return False
        left[knob] &= levels
        if not left[knob]:
            break
    return True


def _plain(row: Settings) -> dict[str, str]:
    return {held.knob: held.level for held in row}


def _row(base: Mapping[str, str], changes: Mapping[str, str]) -> Settings:
    return tuple(Setting(knob, changes.get(knob, level)) for knob, level in base.items())
