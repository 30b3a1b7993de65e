"""The command that lists which passes a compiler runs on a model: ``passes``."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import compiler_names, workload_names
from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins, Wide

if TYPE_CHECKING:
    from ablatrix.compilers.passes import PassSummary
    from ablatrix.trials.run import PassList

UNKNOWN = "?"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "passes", passes_command)


def passes_command(
    compiler: Annotated[
        str,
        typer.Argument(
            help="Name of a compiler (see ablatrix compilers).", show_default=False, autocompletion=compiler_names
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", help="A model, written as for 'ablatrix run --model'.", autocompletion=workload_names),
    ],
    knob: Annotated[
        list[str] | None,
        typer.Option(
            "--knob",
            help="knob=level, or kind:name=level for a setting by its address (repeatable).",
            show_default="every knob at its default",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List passes that changed nothing, and those that did not run, as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table, every run in it.")] = False,
    wide: Wide = False,
    plugin: Plugins = None,
) -> None:
    """List the passes that a compiler runs on a model, in order, and which of them change it.

    The model is compiled in a process of its own, under observers; nothing is run, timed or kept.
    """
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.trials.messages import Interrupted
    from ablatrix.trials.run import list_passes

    try:
        found = list_passes(compiler, model, knob or (), read_catalogue(plugin or ()))
    except Interrupted as interrupted:
        raise typer.Exit(128 + interrupted.signal) from None
    if as_json:
        print(json.dumps(asdict(found), indent=1, allow_nan=False))
        return
    _print_list(found, everything, wide)


def _print_list(found: "PassList", everything: bool, wide: bool) -> None:
    from ablatrix.cli.tables import Column, print_table, say

    idle = [one for one in found.passes if one.changed == 0]
    shown = [one for one in found.passes if everything or one.changed != 0]
    rows = [_row(one) for one in shown]
    if everything:
        rows += [[address, "0", "", ""] for address in found.not_run]
    columns: list[str | Column] = ["pass", *(Column(name, whole=True) for name in ("runs", "changed", "ms"))]
    print_table(f"Passes of {found.compiler} on {found.workload}", columns, rows, wide=wide)
    say(f"configuration: {', '.join(f'{name}={level}' for name, level in found.knobs.items())}", hanging=2)
    say("A name with a kind before it is an address: a study can switch the pass off.", hanging=2)
    say(f"{found.evidence}." if found.evidence else "", hanging=2)
    if idle and not everything:
        spent = _time_text(sum(one.milliseconds or 0.0 for one in idle))
        say(f"{_count(len(idle), 'pass', 'passes')} ran and changed nothing ({spent} ms); --all lists them", hanging=2)
    if found.not_run and not everything:
        say(f"{_count(len(found.not_run), 'pass', 'passes')} did not run; --all lists them", hanging=2)


def _row(one: "PassSummary") -> list[str]:
    changed = UNKNOWN if one.changed is None else str(one.changed)
    return [one.address or one.name, str(one.runs), changed, _time_text(one.milliseconds)]


def _time_text(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.3f}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
