"""The command that says everything about one trial in words: ``show``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.records.model import Record

TOO_MANY = 5


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "show", show_command)


def show_command(
    trial: Annotated[
        str,
        typer.Argument(help="Id of the trial or of one of its records, or its first characters.", show_default=False),
    ],
    results: Annotated[
        Path,
        typer.Option(
            "--results", help="Results that contain the trial: a directory, a file of records or an artifact."
        ),
    ] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the trial's records as they are, one a line.")] = False,
) -> None:
    """Say everything that is recorded of one trial, in words: what it was, how it ended, its times and checks."""
    records, attempts = attempts_of(results, trial)
    if as_json:
        for one in attempts:
            print(json.dumps(one.model_dump(mode="json"), allow_nan=False))
        return
    from ablatrix.cli.tables import next_steps, say
    from ablatrix.cli.trial_text import describe

    for title, lines in describe(attempts, records):
        say(title)
        for line in lines:
            say(line, indent=2, hanging=2)
        print()
    wanted = attempts[-1].trial_id
    next_steps(
        ("run it again, here", f"ablatrix rerun {wanted} --results {shell_word(results)} --study STUDY"),
        ("its records as they are", f"ablatrix show {wanted} --results {shell_word(results)} --json"),
    )


def attempts_of(results: Path, start: str) -> "tuple[list[Record], list[Record]]":
    """Return all records of some results, and those of the one trial whose id begins with some characters, in order.

    Raises:
        RecordError: There is no such trial, or there are several.
    """
    from ablatrix.records.journal import read_records

    with record_files([results]) as (file,):
        records = list(read_records(file, report=lambda _: None))
    return records, _attempts(records, start, results)


def _attempts(records: "Sequence[Record]", start: str, results: Path) -> "list[Record]":
    """Return the records of the one trial whose id, or a record of which, begins with some characters.

    Raises:
        RecordError: There is no such trial, or there are several.
    """
    from ablatrix.errors import RecordError

    found = {one.trial_id: one for one in records if one.trial_id.startswith(start) or one.record_id.startswith(start)}
    if len(found) == 1:
        (chosen,) = found
        return sorted((one for one in records if one.trial_id == chosen), key=lambda one: one.attempt)
    if not found:
        cells = [one.trial_id for one in records if one.cell_id.startswith(start)]
        remedy = (
            f"it is a cell, with trials {', '.join(cells[:TOO_MANY])}" if cells else "see 'trial_id' in the records"
        )
        raise RecordError(f"{results}: no trial and no record has an id that begins with '{start}'; {remedy}")
    named = ", ".join(list(found)[:TOO_MANY]) + (", ..." if len(found) > TOO_MANY else "")
    raise RecordError(f"{results}: {len(found)} trials have an id that begins with '{start}': {named}; give more of it")
