"""The command that shows what a study would run: ``design``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files
from ablatrix.cli.options import Only, Plugins, StudyFile, Wide
from ablatrix.cli.trust import Trusted, trust_of
from ablatrix.foreign_text import shell_word
from ablatrix.records.names import DESIGN_NAME

if TYPE_CHECKING:
    from ablatrix.study.design import Design


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "design", design_command)


def design_command(
    study: StudyFile,
    only: Only = None,
    results: Annotated[
        Path | None,
        typer.Option(
            "--results",
            help="Results so far: for --only status=..., and for estimates from measured times.",
            show_default="none: rough times by tier",
        ),
    ] = None,
    recorded: Annotated[
        bool,
        typer.Option(
            "--recorded",
            help="Show the design in the results (--results, or beside the study), and start or import nothing: no "
            "program, plug-in or model of the study.",
        ),
    ] = False,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole design as JSON.")] = False,
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """List the cells and trials of a study and estimate its run time, without running anything.

    Programs that are compilers of the study are started and describe themselves, but for --recorded.
    """
    from ablatrix.cli.display import show_design, show_trials
    from ablatrix.cli.tables import next_steps
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.records.journal import final_records, read_records
    from ablatrix.study.design import make_design
    from ablatrix.study.design_file import design_text
    from ablatrix.study.load import load_study
    from ablatrix.trials.run import parse_conditions, select

    resolved = None if recorded else load_study(study, read_catalogue(plugin or ()), trust=trust_of(trust))
    design = _recorded(study, results) if resolved is None else make_design(resolved)
    known = {}
    if results is not None:
        with record_files([results]) as (file,):
            known = {one.trial_id: one for one in final_records(read_records(file, report=lambda _: None))}
    statuses = {trial_id: record.status for trial_id, record in known.items()}
    trials = select(design, parse_conditions(only or [], design), statuses)
    if as_json:
        from dataclasses import replace

        kept = {trial.cell_id for trial in trials}
        cells = tuple(cell for cell in design.cells if cell.cell_id in kept)
        print(design_text(replace(design, cells=cells, trials=tuple(trials))), end="")
        return
    if resolved is None:
        show_trials(design, trials, wide)
        return
    show_design(resolved, design, trials, known, wide)
    next_steps(("run it", f"ablatrix run {shell_word(study)} --out {shell_word(f'results/{resolved.study.name}')}"))


def _recorded(study: Path, results: Path | None) -> "Design":
    """Return the design in the results of a study, which by default it lies in; nothing is started or imported."""
    from ablatrix.study.design_file import read_design
    from ablatrix.study.load import read_study

    place = study.parent if results is None else results if results.is_dir() else results.parent
    return read_design(place / DESIGN_NAME, read_study(study))
