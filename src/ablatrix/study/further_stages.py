"""Screenings and confirmations in the design: blocks of their own, laid out when what they follow from is there."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ablatrix.canonical import content_id
from ablatrix.compilers.catalogue import Level
from ablatrix.statistics.screening import ScreeningDesign
from ablatrix.study.builds import anchors_of
from ablatrix.study.cells import Cell, reference_cell
from ablatrix.study.design import Design, Trial, added_trials, next_replicate
from ablatrix.study.probes import cell_with
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.stage import Stage
from ablatrix.study.stage_choice import StageChoice

Changed = Mapping[str, Level]


def changes_of(design: ScreeningDesign, levels: Mapping[str, Sequence[Level]]) -> list[Changed]:
    """Return the level of each knob in each run of a design.

    Args:
        design: Its levels are 0 and 1, or -1, 0 and 1.
        levels: Of each knob in its order: two, or the three.
    """
    lowest = min((code for run in design.runs for code in run), default=0)
    shift = 1 if lowest < 0 else 0
    return [
        {knob: held[code + shift] for (knob, held), code in zip(levels.items(), run, strict=True)}
        for run in design.runs
    ]


def lay_out(
    resolved: ResolvedStudy,
    design: Design,
    stage: Stage,
    choice: StageChoice,
    configurations: Iterable[Changed],
    max_live: int | None = None,
) -> Design:
    """Return the design with the cells of a stage and its first repeats, in a seeded random order.

    Args:
        resolved: The study with its catalogue.
        design: The design so far, without this choice.
        stage: The stage.
        choice: What it turned out to be.
        configurations: What each of them changes of the baseline; the baseline itself is in every block.
        max_live: See `make_design`.
    """
    workload, compiler = choice.workload, choice.compiler
    made = [cell_with(resolved, stage, workload, compiler, {})] if choice.levels else []
    made += [cell_with(resolved, stage, workload, compiler, dict(one)) for one in configurations]
    known = {cell.cell_id: cell for cell in design.cells}
    added = {cell.cell_id: known.get(cell.cell_id, cell) for cell in made}
    cells = (*design.cells, *(cell for key, cell in added.items() if key not in known))
    found = replace(design, cells=cells, choices=(*design.choices, choice))
    study = resolved.study
    repeats = {"cold": study.protocol.cold.replicates, "hot": choice.blocks}
    for repeat in range(max(repeats[mode] for mode in study.modes) if added else 0):
        for mode in ("cold", "hot"):
            if mode in study.modes and repeat < repeats[mode]:
                found = add_repeat(resolved, found, choice, list(added.values()), mode, max_live)
    return found


def add_repeat(
    resolved: ResolvedStudy,
    design: Design,
    choice: StageChoice,
    cells: Sequence[Cell],
    mode: str,
    max_live: int | None = None,
) -> Design:
    """Return the design with one more repeat of a stage's cells in a mode."""
    study = resolved.study
    replicate = next_replicate(design, mode, choice.workload, choice.compiler)
    identity = {"what": f"{mode} block", "stage": choice.stage, "pair": [choice.workload, choice.compiler]}
    order = random.Random(content_id({**identity, "seed": study.seed, "replicate": replicate}))
    room = max_live or study.protocol.hot.max_live
    trials: list[Trial] = list(design.trials)
    for part in _parts(resolved, cells, mode, room, order):
        trials += added_trials(resolved, mode, part, trials, replicate, choice.stage)
    return replace(design, trials=tuple(trials))


def cells_of(design: Design, choice: StageChoice) -> list[Cell]:
    """Return the cells that a stage measures for a workload on a compiler."""
    cells = {cell.cell_id: cell for cell in design.cells}
    own = (one for one in design.trials if one.stage == choice.stage and one.role == "measured")
    found = dict.fromkeys(one.cell_id for one in own)
    wanted = (choice.workload, choice.compiler)
    return [cells[one] for one in found if (cells[one].workload, cells[one].compiler) == wanted]


def _parts(
    resolved: ResolvedStudy, cells: Sequence[Cell], mode: str, room: int, order: random.Random
) -> Iterator[list[tuple[Cell, str]]]:
    """Yield the blocks of one repeat: (cell, role) in random order.

    Which configurations share a block is drawn anew for each repeat, so that over the repeats all meet; the baseline is
    in every block.
    """
    reference = (reference_cell(resolved, cells[0].workload), "reference")
    if mode == "cold":
        yield _shuffled([reference, *((cell, "measured") for cell in cells)], order)
        return
    anchors = anchors_of(cells)
    held = [reference, *((cell, role) for cell in anchors for role in ("measured", "twin"))]
    others = [cell for cell in cells if cell not in anchors]
    others = order.sample(others, len(others))
    count = max(1, -(-len(others) // max(1, room - len(held))))
    for part in range(count):
        kept = [(cell, "measured") for cell in others[part::count]]
        yield _shuffled([*held, *kept], order)


def _shuffled(items: Sequence[tuple[Cell, str]], order: random.Random) -> list[tuple[Cell, str]]:
    return order.sample(items, len(items))
