"""From a study to its design: cells, trials, blocks and the order in which they run. Pure and seeded."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ablatrix.canonical import content_id
from ablatrix.catalogue import Catalogue
from ablatrix.records.titles import Titles
from ablatrix.study.builds import anchors_of
from ablatrix.study.cells import Cell, make_cells, primary_knobs, reference_cell
from ablatrix.study.model import Study
from ablatrix.study.probes import probe_cells
from ablatrix.study.resolve import ResolvedStudy, plugin_sources
from ablatrix.study.stage_choice import StageChoice
from ablatrix.study.titles import titles_of

__all__ = ["Cell", "Design", "Trial", "added_trials", "extend_design", "make_cells", "make_design", "primary_knobs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One cell in one mode in one process, at its position in the run order.

    Attributes:
        block: Number of its block within the study, in the order of being issued.
        replicate: Number of the repeat that the block belongs to; the parts of a block that was split share it.
        stage: The stage that it is for, where that is a screening or a confirmation, which have blocks of their own;
            None where it is for all stages that have its cell.
    """

    trial_id: str
    cell_id: str
    block_id: str
    block: int
    replicate: int
    position: int
    mode: str
    role: str
    stage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What a study will run.

    Attributes:
        cells: Every cell, in the order of the study.
        trials: Every trial that was issued, in run order; trials of one block follow each other. A run adds hot
            blocks while intervals are wider than the study asks for.
        cold_effect_width: Half-width that the study promises for main effects in cold mode; None in designs of
            version 1.0. Its targets for hot trials are in their records.
        plugins: SHA-256 of the files of each plug-in that the study names, by its path there; empty in designs before
            version 1.2.
        titles: What workloads, compilers, knobs and levels are called; none in designs before version 1.3.
        choices: What screenings and their confirmations turned out to be so far.
    """

    study: str
    study_digest: str
    seed: int
    cells: tuple[Cell, ...]
    trials: tuple[Trial, ...]
    cold_effect_width: float | None = None
    plugins: Mapping[str, str] = field(default_factory=dict)
    titles: Titles = field(default_factory=Titles)
    choices: tuple[StageChoice, ...] = ()

    def choice(self, stage: str, workload: str, compiler: str) -> StageChoice | None:
        """Return what a stage turned out to be for a workload on a compiler; None while that is open."""
        key = (stage, workload, compiler)
        return next((one for one in self.choices if (one.stage, one.workload, one.compiler) == key), None)

    def cell(self, cell_id: str) -> Cell:
        """Return a cell by its id."""
        return next(cell for cell in self.cells if cell.cell_id == cell_id)

    def blocks(self) -> list[tuple[Trial, ...]]:
        """Return the trials block by block, in run order."""
        return [tuple(group) for _, group in itertools.groupby(self.trials, key=lambda trial: trial.block_id)]


def make_design(resolved: ResolvedStudy, max_live: int | None = None) -> Design:
    """Lay out a study.

    Cold and hot trials of one replicate form blocks: a block holds one trial of every configuration of a
    (workload, compiler) in a seeded random order, with the eager reference beside it and, when hot, an A/A control
    of the baseline, and of its configuration in each further build. Blocks of one replicate come in random order too,
    cold ones first, so that hot trials find their code in the cell's cache.

    Args:
        resolved: The study with its catalogue.
        max_live: Largest number of trials in a hot block, where the machine holds fewer than the study's ``max_live``.

    Raises:
        StudyError: The baseline of a compiler is not among its configurations, or no trial is left.
    """
    study = resolved.study
    order = random.Random(content_id({"seed": study.seed, "what": "run order"}))
    pairs = [(variant.name, compiler.name) for variant in study.variants for compiler in study.compilers]
    cells = {pair: make_cells(resolved, *pair) for pair in pairs}
    trials: list[Trial] = []
    for replicate in range(max(_replicates(study, mode) for mode in study.modes)):
        for mode in ("cold", "hot"):
            if mode not in study.modes or replicate >= _replicates(study, mode):
                continue
            for pair in order.sample(pairs, len(pairs)):
                for part in block_parts(resolved, mode, cells[pair], order, max_live):
                    priming = _priming_runs(part) if mode == "cold" and replicate == 0 else []
                    trials += added_trials(resolved, mode, [*priming, *part], trials, replicate)
    probes = {pair: probe_cells(resolved, *pair) for pair in pairs}
    for pair in pairs:
        for stage, held in probes[pair].items():
            trials += added_trials(resolved, "cold", [(cell, "probe") for cell in held], trials, 0, stage)
    references = {pair[0]: reference_cell(resolved, pair[0]) for pair in pairs}
    own: dict[str, Cell] = {}
    for pair in pairs:
        for cell in (*cells[pair], *itertools.chain(*probes[pair].values())):
            own.setdefault(cell.cell_id, cell)
    every = (*references.values(), *own.values())
    promised = study.protocol.cold.effect_width
    return Design(
        study=study.name,
        study_digest=study.digest,
        seed=study.seed,
        cells=every,
        trials=tuple(trials),
        cold_effect_width=promised,
        plugins={name: source.digest for name, source in plugin_sources(resolved).items()},
        titles=titles_of(resolved),
    )


def extend_design(
    resolved: ResolvedStudy, design: Design, workload: str, compiler: str, max_live: int | None = None
) -> Design:
    """Return the design with one more hot repeat of a workload on a compiler, in a seeded random order."""
    study = resolved.study
    replicate = next_replicate(design, "hot", workload, compiler)
    identity = {"seed": study.seed, "what": "further block", "pair": [workload, compiler], "replicate": replicate}
    order = random.Random(content_id(identity))
    trials = list(design.trials)
    for part in block_parts(resolved, "hot", make_cells(resolved, workload, compiler), order, max_live):
        trials += added_trials(resolved, "hot", part, trials, replicate)
    return replace(design, trials=tuple(trials))


def next_replicate(design: Design, mode: str, workload: str, compiler: str) -> int:
    """Return the number of the next repeat of a workload on a compiler in a mode."""
    own = {cell.cell_id for cell in design.cells if (cell.workload, cell.compiler) == (workload, compiler)}
    held = (one.replicate for one in design.trials if one.mode == mode and one.role != "probe" and one.cell_id in own)
    return 1 + max(held, default=-1)


def _replicates(study: Study, mode: str) -> int:
    return study.protocol.cold.replicates if mode == "cold" else study.protocol.hot.blocks


def block_parts(
    resolved: ResolvedStudy, mode: str, cells: Sequence[Cell], order: random.Random, max_live: int | None
) -> Iterator[list[tuple[Cell, str]]]:
    """Yield the blocks of one (workload, compiler) in one replicate: (cell, role) in random order.

    A hot block larger than ``max_live`` is split; every part has the reference, the baseline and its A/A control, both
    also of the baseline's configuration in each further build, and configurations stay together with those that differ
    in one secondary or late primary knob.
    """
    chosen = [cell for cell in cells if mode == "cold" or not _is_cold_only(cell, resolved.catalogue)]
    if not chosen:
        return
    reference = (reference_cell(resolved, chosen[0].workload), "reference")
    if mode == "cold":
        yield _shuffled([reference, *((cell, "measured") for cell in chosen)], order)
        return
    anchors = anchors_of(chosen)
    held = [reference, *((cell, role) for cell in anchors for role in ("measured", "twin"))]
    others = [cell for cell in chosen if cell not in anchors]
    room = max(1, (max_live or resolved.study.protocol.hot.max_live) - len(held))
    count = max(1, -(-len(others) // room))
    size = -(-len(others) // count) if others else 0
    for part in range(count):
        kept = others[part * size : (part + 1) * size]
        yield _shuffled([*held, *((cell, "measured") for cell in kept)], order)


def _is_cold_only(cell: Cell, catalogue: Catalogue) -> bool:
    entry = catalogue.compiler(cell.compiler)
    return any(knob.cold_only and cell.knobs[knob.name] != knob.default for knob in entry.knobs)


def _priming_runs(part: list[tuple[Cell, str]]) -> list[tuple[Cell, str]]:
    """Return a cache-priming run for each cell that starts with a named cache: it fills that cache."""
    return [(cell, "primer") for cell, _ in part if cell.knobs.get("cache_tag", "private") != "private"]


def _shuffled(items: list[tuple[Cell, str]], order: random.Random) -> list[tuple[Cell, str]]:
    return order.sample(items, len(items))


def added_trials(
    resolved: ResolvedStudy,
    mode: str,
    part: Sequence[tuple[Cell, str]],
    before: Sequence[Trial],
    replicate: int,
    stage: str | None = None,
) -> list[Trial]:
    """Return the trials of one block, (cell, role) each, numbered after those that were issued before it."""
    study = resolved.study.digest  # made once: it takes the whole study
    block = before[-1].block + 1 if before else 0
    position = len(before)
    block_id = content_id({"study": study, "block": block})
    found = []
    for index, (cell, role) in enumerate(part):
        identity = {"study": study, "block": block, "cell": cell.cell_id, "role": role, "mode": mode}
        found.append(
            Trial(
                trial_id=content_id(identity),
                cell_id=cell.cell_id,
                block_id=block_id,
                block=block,
                replicate=replicate,
                position=position + index,
                mode=mode,
                role=role,
                stage=stage,
            )
        )
    return found
