"""``design.json``: what a run planned, written, read again and compared with what is planned now."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from operator import attrgetter
from pathlib import Path

from ablatrix.errors import StudyError
from ablatrix.records.names import LARGEST_DESIGN
from ablatrix.records.titles import read_titles
from ablatrix.regular_files import read_regular
from ablatrix.study.design import Cell, Design, Trial
from ablatrix.study.model import Study
from ablatrix.study.stage_choice import StageChoice

DESIGN_VERSION = "1.3"
WITH_CHOICES = "1.4"
"""Version of a design with stages that follow from results."""
_DESIGN, _CELL, _TRIAL = (tuple(field.name for field in fields(one)) for one in (Design, Cell, Trial))
OF_VARIANTS = ("base", "axes", "registry_name")


def design_text(design: Design, indent: int | None = 1) -> str:
    """Return ``design.json``: what was planned, in which order, as plain data.

    Without an indent it takes a third of the time; a run over many hosts makes the text of a part for each offer.
    """
    held = {name: getattr(design, name) for name in _DESIGN}
    held["cells"] = [dict(zip(_CELL, values, strict=True)) for values in map(attrgetter(*_CELL), design.cells)]
    held["trials"] = [dict(zip(_TRIAL, values, strict=True)) for values in map(attrgetter(*_TRIAL), design.trials)]
    held |= {"titles": asdict(design.titles), "plugins": dict(design.plugins)}
    for cell in held["cells"]:
        for name in OF_VARIANTS:
            if not cell[name]:  # so that a design without variants is the same text as ever
                del cell[name]
    for trial in held["trials"]:
        if trial["stage"] is None:
            del trial["stage"]
    held["choices"] = [choice.plain() for choice in design.choices]
    is_adaptive = any(trial.stage for trial in design.trials)
    if not is_adaptive:
        del held["choices"]
    version = WITH_CHOICES if is_adaptive else DESIGN_VERSION
    return json.dumps({"design_version": version, **held}, indent=indent, sort_keys=True) + "\n"


def write_design(design: Design, path: Path) -> None:
    """Write ``design.json``, as a whole or not at all."""
    draft = path.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as stream:
        stream.write(design_text(design))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def load_design(path: Path) -> Design:
    """Read the design that a run wrote, including the blocks that it added.

    Raises:
        StudyError: The file is not a design.
    """
    try:
        held = json.loads(read_regular(path, LARGEST_DESIGN))
        cells = tuple(Cell(**{**cell, "axes": tuple(map(tuple, cell.get("axes", ())))}) for cell in held["cells"])
        trials = tuple(Trial(**trial) for trial in held["trials"])
        _refuse_other_types(cells, trials)
        facts = {key: held[key] for key in ("study", "study_digest", "seed")}
        width, plugins = held.get("cold_effect_width"), dict(held.get("plugins", {}))
        return Design(
            **facts,
            cells=cells,
            trials=trials,
            cold_effect_width=width,
            plugins=plugins,
            titles=read_titles(held),
            choices=tuple(map(StageChoice.read, held.get("choices", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(f"{path}: is not a design that ablatrix wrote ({error}); choose another --out") from None


def _refuse_other_types(cells: Sequence[Cell], trials: Sequence[Trial]) -> None:
    """Refuse entries whose values are not what they are taken for, and trials of cells that are not there.

    Raises:
        TypeError, ValueError: What is wrong.
    """
    texts = [text for cell in cells for text in (cell.cell_id, cell.workload, cell.compiler)]
    texts += [text for one in trials for text in (one.trial_id, one.cell_id, one.block_id, one.mode, one.role)]
    maps = [held for cell in cells for held in (cell.parameters, cell.knobs, cell.baseline)]
    if not {*map(type, texts)} <= {str} or not {*map(type, maps)} <= {dict}:
        raise TypeError("a cell or a trial has a value of another type")
    lost = {one.cell_id for one in trials} - {cell.cell_id for cell in cells}
    if lost:
        raise ValueError(f"a trial is of cell {min(lost)}, which it does not have")


def read_design(path: Path, study: Study) -> Design:
    """Read the design of a study that a run wrote, including the blocks that it added.

    Raises:
        StudyError: The file is not a design, or is the design of another study.
    """
    design = load_design(path)
    if design.study_digest != study.digest:
        raise StudyError(
            f"{path.parent}: holds results of another study (digest {design.study_digest[:12]}, this one has "
            f"{study.digest[:12]}); choose another --out, or run the study that it was made with"
        )
    return design


def refuse_changed_sources(held: Design, planned: Design) -> None:
    """Refuse to go on with a design whose plug-ins, models or programs have changed since.

    Raises:
        StudyError: A plug-in or what it imports from beside it, the file of a user's own model, or a program that is a
            compiler, is no longer the one that the design was made with.
    """
    for plugin, digest in held.plugins.items():
        if planned.plugins.get(plugin, digest) != digest:
            raise StudyError(
                f"plug-in {plugin}, or a file beside it that it imports, has changed since these results were begun "
                f"(SHA-256 {digest[:12]}, now {planned.plugins[plugin][:12]}); choose another --out, or put it back"
            )
    programs = {cell.compiler: cell.program_digest for cell in planned.cells}
    for cell in held.cells:
        program = programs.get(cell.compiler, cell.program_digest)
        if program != cell.program_digest is not None:
            raise StudyError(
                f"the program or plug-in of compiler '{cell.compiler}' has changed since these results were begun "
                f"(SHA-256 {str(cell.program_digest)[:12]}, now {str(program)[:12]}); choose another --out, or put "
                "it back"
            )
    now = {cell.workload: cell.source_digest for cell in planned.cells}
    changed = {
        cell.workload: cell.source_digest
        for cell in held.cells
        if now.get(cell.workload, cell.source_digest) != cell.source_digest is not None
    }
    for workload, digest in changed.items():
        raise StudyError(
            f"the file of workload '{workload}' has changed since these results were begun "
            f"(SHA-256 {str(digest)[:12]}, now {str(now[workload])[:12]}); choose another --out, or put the file back"
        )
