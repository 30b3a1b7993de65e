"""Which configurations to run next, so that what explains a trouble is settled."""

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.analysis.diagnosis.configurations import Setting, Settings, Unit, one_step
from ablatrix.analysis.diagnosis.explanation import Explanation, common, has

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


def propose(
    unit: Unit,
    trouble: str,
    explanations: Sequence[Explanation],
    bad: Sequence[Settings],
    again: Sequence[Settings],
    seen: Sequence[Settings],
) -> tuple[bool, NextStudy | None]:
    """Return whether the case is settled and, if not, the study that would settle it.

    The hypotheses that agree with everything seen are bounded by the smallest sets of levels and by the largest
    one, which holds all levels that the bad configurations share (T. Mitchell, "Generalization as search",
    Artificial Intelligence 18, 1982). It is settled when these are the same. Candidates differ from a bad
    configuration in one knob, as in delta debugging (A. Zeller, "Yesterday, my program worked", ESEC/FSE 1999); of
    these, the one that distinguishes most pairs of hypotheses is taken, until no candidate distinguishes more. Where an
    explanation needs several sets, the smallest ones alone are compared.

    Args:
        unit: The levels that there are.
        trouble: What is explained; it goes into the names of stages.
        explanations: The smallest explanations.
        bad: Configurations that they explain.
        again: Configurations that may be run although they were in the study: not begun, or undecided.
        seen: All configurations of the study.
    """
    hypotheses = _hypotheses(explanations, bad)
    if len(hypotheses) < 2:
        return len(hypotheses) == 1, None
    open_pairs = set(itertools.combinations(range(len(hypotheses)), 2))
    candidates = _candidates(unit, bad, set(seen) - set(again))
    chosen: list[Settings] = []
    while open_pairs:
        best = max(candidates, key=lambda row: len(_split(row, hypotheses, open_pairs)), default=None)
        settled = _split(best, hypotheses, open_pairs) if best is not None else set()
        if best is None or not settled:
            break
        chosen.append(best)
        open_pairs -= settled
    left = len({index for pair in open_pairs for index in pair})
    stages = _stages(unit, trouble, chosen) if chosen else None
    return False, NextStudy(tuple(chosen), stages, left)


def _hypotheses(explanations: Sequence[Explanation], bad: Sequence[Settings]) -> list[Explanation]:
    found = list(explanations)
    for explanation in explanations:
        if len(explanation) == 1:
            smallest = set(explanation[0])
            found += [((*explanation[0], held),) for held in common(bad) if held not in smallest]
    return list({frozenset(map(frozenset, one)): one for one in found}.values())


def _candidates(unit: Unit, bad: Sequence[Settings], known: set[Settings]) -> list[Settings]:
    found: dict[Settings, None] = {}
    for row in bad:
        for knob, levels in unit.levels.items():
            for level in levels:
                other = one_step(row, Setting(knob, level))
                if other not in known:
                    found.setdefault(other)
    return list(found)


def _split(row: Settings, hypotheses: Sequence[Explanation], pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    says = [any(has(row, one) for one in hypothesis) for hypothesis in hypotheses]
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
