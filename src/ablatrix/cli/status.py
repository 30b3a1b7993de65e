"""Commands that look at a run from outside: ``status`` and ``watch``."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.options import Wide
from ablatrix.foreign_text import shell_word
from ablatrix.records.status import Status

if TYPE_CHECKING:
    from ablatrix.cli.run_state import RunState, UnitState
    from ablatrix.records.model import Record
    from ablatrix.trials.slots import SlotState

MAX_FAILURES = 3
MESSAGE_LENGTH = 200
SHORT = 6
OTHERS = ("unsupported", "interrupted", "not_run_budget", "not_prepared", "node_lost", "place_failed")

Directory = Annotated[
    Path, typer.Argument(help="Directory of results: the --out of 'ablatrix run'.", metavar="DIR", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "status", status_command)
    add(app, "watch", watch_command)


def status_command(directory: Directory, wide: Wide = False) -> None:
    """Show where a run stands, while it runs or after it: trials done and failed, blocks, precision, time left.

    Exits with 1 unless every planned trial has a record and none failed.
    """
    from ablatrix.cli.run_state import read_state

    state = read_state(directory)
    show_state(state, wide)
    _suggest(state, directory)
    if state.done < state.planned or state.failures:
        raise typer.Exit(1)


def watch_command(
    directory: Directory,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks.")] = 10.0,
) -> None:
    """Show where a run stands, again and again until it ends; Ctrl-C leaves the run alone.

    Exits with 1 unless every planned trial has a record and none failed.
    """
    from ablatrix.cli.run_state import read_state

    while True:
        state = read_state(directory)
        if sys.stdout.isatty():
            print("\x1b[H\x1b[2J", end="")
        show_state(state, wide=False)
        if not state.is_running:
            break
        sys.stdout.flush()
        time.sleep(every)
    _suggest(state, directory)
    if state.done < state.planned or state.failures:
        raise typer.Exit(1)


def show_state(state: "RunState", wide: bool, to_stderr: bool = False) -> None:
    """Print where a run stands: a row for each mode of each workload and compiler, then what ended badly."""
    from ablatrix.cli.tables import Block, Column, print_blocks, say

    columns = [
        Column("mode"),
        *(Column(name, whole=True) for name in ("trials", "done", "ok", "failed")),
        Column("other", rank=2),
        Column("precision", rank=1, comfort=28),
    ]
    units: dict[str, list[list[str]]] = {}
    for one in state.units:
        units.setdefault(f"{one.workload} on {one.compiler}", []).append(_row(one))
    blocks = [Block(unit, rows) for unit, rows in units.items()]
    print_blocks(f"Run of {state.study}: {_standing(state)}", columns, blocks, wide=wide, to_stderr=to_stderr)
    if state.slots:
        _show_slots(state.slots, wide, to_stderr)
    for record in state.failures[:MAX_FAILURES]:
        say(_failure(record), hanging=2, to_stderr=to_stderr)
    if len(state.failures) > MAX_FAILURES:
        say(f"... and {len(state.failures) - MAX_FAILURES} more failed trials", to_stderr=to_stderr)


def _show_slots(slots: "Sequence[SlotState]", wide: bool, to_stderr: bool) -> None:
    """Print where each slot of a run over several hosts stands."""
    from ablatrix.cli.tables import Block, Column, print_blocks

    columns = [
        *(Column("slot"), Column("host id", rank=1, whole=True), Column("stratum", rank=2, whole=True)),
        *(Column(name, whole=True) for name in ("blocks", "losses")),
        *(Column("state"), Column("what", comfort=40), Column("heard", rank=1)),
    ]
    rows = [
        [
            *(one.slot, one.host_id[:SHORT], one.stratum[:SHORT], str(one.blocks), str(one.losses)),
            *(one.state, one.what, one.heard_utc[11:19]),
        ]
        for one in slots
    ]
    counts = Counter(one.state for one in slots)
    title = "Slots: " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    print_blocks(title, columns, [Block("", rows)], wide=wide, to_stderr=to_stderr)


def _failure(record: "Record") -> str:
    message = "" if record.error is None else f": {' '.join(record.error.message.split())}"
    text = (
        f"{record.workload.name} on {record.config.compiler}, {record.mode}: {record.status.replace('_', ' ')}{message}"
    )
    if len(text) > MESSAGE_LENGTH:
        text = text[:MESSAGE_LENGTH].rpartition(" ")[0] + " ..."
    return f"{record.trial_id}: {text}"


def _row(unit: "UnitState") -> list[str]:
    from ablatrix.cli.trial_text import decision_text

    failed = sum(count for status, count in unit.statuses.items() if status.is_failure)
    others = [f"{count} {name.replace('_', ' ')}" for name in OTHERS if (count := unit.statuses.get(Status(name)))]
    return [
        unit.mode,
        *(str(unit.planned), str(unit.done), str(unit.statuses.get(Status.OK, 0)), str(failed)),
        ", ".join(others),
        "" if unit.stopping is None else decision_text(unit.stopping),
    ]


def _standing(state: "RunState") -> str:
    """Return in a few words how far a run is."""
    from ablatrix.cli.time_left import duration_text

    spent = f"in {duration_text(state.seconds)}" if state.seconds else "so far"
    counts = f"{state.done} of {state.planned} trials {spent}"
    if state.done == state.planned and not state.is_running:
        return f"finished, {counts}"
    left = "" if state.left_s is None else f", about {duration_text(state.left_s)} left"
    words = {True: "running", False: "stopped", None: "not running here"}
    return f"{words[state.is_running]}, {counts}{left}"


def _suggest(state: "RunState", directory: Path) -> None:
    from ablatrix.cli.tables import next_steps

    steps = []
    if state.failures:
        steps.append(
            (
                "everything about one trial",
                f"ablatrix show {state.failures[0].trial_id} --results {shell_word(directory)}",
            )
        )
    if state.done < state.planned and not state.is_running:
        steps.append(("go on where it stopped", f"ablatrix run STUDY --out {shell_word(directory)}"))
    elif state.is_running:
        steps.append(("look again until it ends", f"ablatrix watch {shell_word(directory)}"))
    else:
        steps.append(("what each knob does", f"ablatrix effects {shell_word(directory)}"))
    next_steps(*steps)
