"""Which configurations to run next, so that what explains a trouble is settled."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.analysis.diagnosis.configurations import Setting, Settings, Unit, one_step
from ablatrix.analysis.diagnosis.explanation import Explanation
from ablatrix.analysis.diagnosis.hypotheses import Hypothesis, hypotheses, probes, says_bad

PLAIN_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
LONGEST_NAME = 64


@dataclass(frozen=True)
class NextStudy:
    """Configurations that distinguish the remaining explanations.

    Attributes:
        configurations: Those to run, or to run again with more blocks where the interval is too wide to decide.
        stages: The same as stages of a study file (YAML); None when no configuration is left to run.
        left: Explanations that would still agree on everything that can be run.
    """

    configurations: tuple[Settings, ...]
    stages: str | None
    left: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The configurations of a study by what is known of them.

    Attributes:
        bad: Those that the explanations explain.
        fine: Those that must not have any of their sets.
        again: Those that may be run although they were in the study: not begun, or undecided.
        every: All configurations of the study.
    """

    bad: Sequence[Settings]
    fine: Sequence[Settings]
    again: Sequence[Settings]
    every: Sequence[Settings]

    @property
    def closed(self) -> set[Settings]:
        """Those that another run would tell nothing about."""
        return set(self.every) - set(self.again)


def propose(unit: Unit, trouble: str, explanations: Sequence[Explanation], seen: Seen) -> tuple[bool, NextStudy | None]:
    """Return whether the case is settled and, if not, the study that would settle it.

    The hypotheses that agree with everything seen are bounded by the smallest sets of levels and by those that exclude
    each level which no bad configuration has (T. Mitchell, "Generalization as search", Artificial Intelligence 18,
    1982). Candidates differ from a bad configuration in one knob, as in delta debugging (A. Zeller, "Yesterday, my
    program worked", ESEC/FSE 1999); of these, the one that distinguishes most pairs of hypotheses is taken, until no
    candidate distinguishes more. It is settled when one hypothesis is left, and no two knobs that were only moved one
    at a time could change it together (see `hypotheses.probes`).

    Args:
        unit: The levels that there are.
        trouble: What is explained; it goes into the names of stages.
        explanations: The smallest explanations.
        seen: The configurations of the study.
    """
    left = hypotheses(unit, explanations, seen.bad)
    if len(left) < 2:
        rows = probes(unit, explanations[0], seen.bad, seen.fine, seen.closed) if left else []
        return bool(left) and not rows, _study(unit, trouble, rows, 0) if rows else None
    open_pairs = set(itertools.combinations(range(len(left)), 2))
    candidates = _candidates(unit, seen.bad, seen.closed)
    chosen: list[Settings] = []
    while open_pairs:
        best = max(candidates, key=lambda row: len(_split(row, left, open_pairs)), default=None)
        settled = _split(best, left, open_pairs) if best is not None else set()
        if best is None or not settled:
            break
        chosen.append(best)
        open_pairs -= settled
    return False, _study(unit, trouble, chosen, len({index for pair in open_pairs for index in pair}))


def _study(unit: Unit, trouble: str, rows: Sequence[Settings], left: int) -> NextStudy:
    return NextStudy(tuple(rows), _stages(unit, trouble, rows) if rows else None, left)


def _candidates(unit: Unit, bad: Sequence[Settings], known: set[Settings]) -> list[Settings]:
    found: dict[Settings, None] = {}
    for row in bad:
        for knob, levels in unit.levels.items():
            for level in levels:
                other = one_step(row, Setting(knob, level))
                if other not in known:
                    found.setdefault(other)
    return list(found)


def _split(row: Settings, left: Sequence[Hypothesis], pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    says = [says_bad(one, row) for one in left]
    return {(one, other) for one, other in pairs if says[one] != says[other]}


def _stages(unit: Unit, trouble: str, rows: Sequence[Settings]) -> str:
    """Write configurations as factorial stages, those that differ in one knob together."""
    boxes = [{held.knob: {held.level} for held in row} for row in rows]
    merged = True
    while merged:
        merged = False
        for one, other in itertools.combinations(boxes, 2):
            apart = [knob for knob in one if one[knob] != other.get(knob)]
            if len(apart) == 1:
                one[apart[0]] |= other[apart[0]]
                boxes.remove(other)
                merged = True
                break
    lines = []
    for number, box in enumerate(boxes, start=1):
        lines += [
            f"- name: {_stage_name(unit, trouble, number)}",
            f"  workloads: [{_word(unit.workload)}]",
            f"  compilers: [{_word(unit.compiler)}]",
            "  factorial:",
            *(
                f"    {_word(knob)}: [{', '.join(_word(level) for level in levels if level in box[knob])}]"
                for knob, levels in unit.levels.items()
                if knob in box
            ),
        ]
    return "\n".join(lines) + "\n"


def _stage_name(unit: Unit, trouble: str, number: int) -> str:
    end = f"-{number}"
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"settle-{unit.workload}-{trouble}")
    return name[: LONGEST_NAME - len(end)] + end


def _word(text: str) -> str:
    """Return a YAML 1.2 scalar; a whole number stays one, since levels are words or whole numbers."""
    return text if PLAIN_WORD.fullmatch(text) else json.dumps(text)
