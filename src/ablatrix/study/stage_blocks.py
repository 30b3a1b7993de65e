"""The blocks of one repeat of a screening or a confirmation: balanced where one block does not hold all of it."""

import math
import random
from collections.abc import Iterator, Sequence

import numpy as np

from ablatrix.statistics.screening import incomplete_blocks, neighbours
from ablatrix.study.builds import ANCHORS, OF_A_BUILD, anchors_of
from ablatrix.study.cells import Cell, reference_cell
from ablatrix.study.design import Design
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.stage_choice import StageChoice

Part = list[tuple[Cell, str]]
Pair = tuple[int, int]


def part_sizes(others: int, live: int, *, anchored: bool, builds: int = 1) -> list[int]:
    """Return how many configurations beside the baseline each block of a repeat holds, the first one first.

    Args:
        others: Configurations beside the baseline, and its configurations in further builds.
        live: Trials that a block holds.
        anchored: Whether reference and A/A control are in every block; else they are in the first alone, as a screening
            compares configurations with each other.
        builds: Of the compiler, each of which has a baseline in every block.
    """
    anchors = ANCHORS + OF_A_BUILD * (builds - 1)
    first = max(1, live - anchors)
    room = first if anchored else max(1, live - builds)
    count = 1 + max(0, math.ceil((others - first) / room))
    if count == 1:
        return [others]
    # As many trials in each block; where only the first has all anchors, it has so many configurations fewer.
    own = max(1, -(-(others + room - first) // count) - (room - first))
    whole, more = divmod(others - own, count - 1)
    return [own, *(whole + (number < more) for number in range(count - 1))]


def hot_trials(configurations: int, live: int, *, anchored: bool = False) -> int:
    """Return how many trials one hot repeat of so many configurations has, the baseline among them."""
    sizes = part_sizes(configurations - 1, live, anchored=anchored)
    beside = ANCHORS * len(sizes) if anchored else ANCHORS + len(sizes) - 1
    return configurations - 1 + beside


def repeat_parts(
    resolved: ResolvedStudy,
    design: Design,
    choice: StageChoice,
    cells: Sequence[Cell],
    mode: str,
    live: int,
    order: random.Random,
) -> Iterator[Part]:
    """Yield the blocks of one repeat: (cell, role) in random order.

    A hot repeat that fits into no block is several: the baseline is in each, each other configuration in one. Over the
    repeats, configurations that differ in one knob meet; where a design has none such, a run and its mirror image are
    always together, so that main effects have no error of blocks.

    Args:
        resolved: The study with its catalogue.
        design: The design so far: its blocks of this stage are taken into account.
        choice: What the stage is.
        cells: What it measures, the baseline among them.
        mode: ``cold`` or ``hot``.
        live: Trials that a hot block holds.
        order: Where chance comes from.
    """
    reference = (reference_cell(resolved, cells[0].workload), "reference")
    if mode == "cold":
        yield _shuffled([reference, *((cell, "measured") for cell in cells)], order)
        return
    baselines = anchors_of(cells)
    others = [cell for cell in cells if cell not in baselines]
    others = order.sample(others, len(others))
    anchors: Part = [reference, *((cell, role) for cell in baselines for role in ("measured", "twin"))]
    anchored = choice.of is not None
    sizes = part_sizes(len(others), live, anchored=anchored, builds=len(baselines))
    parts = [others] if len(sizes) == 1 else _balanced(design, choice, [baselines[0], *others], sizes, order)
    for number in order.sample(range(len(parts)), len(parts)) if len(parts) > 1 else [0]:
        beside = anchors if anchored or number == 0 else [(cell, "measured") for cell in baselines]
        yield _shuffled([*beside, *((cell, "measured") for cell in parts[number])], order)


def _balanced(
    design: Design, choice: StageChoice, cells: Sequence[Cell], sizes: Sequence[int], order: random.Random
) -> list[list[Cell]]:
    """Return the configurations of each block beside the baseline, which is the first of the cells."""
    numbers = {cell.cell_id: number for number, cell in enumerate(cells)}
    own = (one for one in design.blocks() if one[0].stage == choice.stage and one[0].mode == "hot")
    measured = ([one.cell_id for one in block if one.role == "measured"] for block in own)
    before = [[numbers[one] for one in block if one in numbers] for block in measured]
    meet, together = _pairs(choice, cells)
    rng = np.random.default_rng(order.getrandbits(64))
    blocks = incomplete_blocks(sizes, rng, meet, together, before)
    return [[cells[number] for number in block if number] for block in blocks]


def _pairs(choice: StageChoice, cells: Sequence[Cell]) -> tuple[list[Pair], list[Pair]]:
    """Return which cells should meet, and which should always be together: by how many knobs they differ."""
    spans = [(knob, list(levels)) for knob, levels in choice.levels.items()]
    codes = np.array([[levels.index(cell.knobs[knob]) for knob, levels in spans] for cell in cells])
    meet = neighbours(codes)
    if meet:
        return meet, []
    mirrored = [len(levels) - 1 for _, levels in spans] - codes
    mirrors: list[Pair] = []
    for number in range(1, len(cells)):
        others = np.flatnonzero((codes[number + 1 :] == mirrored[number]).all(axis=1))
        mirrors += [(number, number + 1 + int(one)) for one in others]
    return [], mirrors


def _shuffled(items: Part, order: random.Random) -> Part:
    return order.sample(items, len(items))
