"""The command that follows a compiler over many runs: ``history``."""

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import metric_names
from ablatrix.cli.effects import share
from ablatrix.cli.help import add
from ablatrix.cli.options import Wide

if TYPE_CHECKING:
    from ablatrix.analysis.history import History, HistoryRun, Shift


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "history", history_command)


def history_command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Runs: each a directory of results or an artifact; or a directory that contains these.",
            show_default=False,
        ),
    ],
    head: Annotated[
        str | None,
        typer.Option("--head", help="Build whose history it is.", show_default="the one that is not the baseline's"),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            help="Column to follow (repeatable).",
            show_default="run_ms_paired",
            autocompletion=metric_names,
        ),
    ] = None,
    least: Annotated[str, typer.Option("--least", help="Smallest change that counts, as 1% or 0.01.")] = "1%",
    last: Annotated[
        int | None,
        typer.Option(
            "--last", min=1, help="Exit with 1 only for changes that began in so many last runs.", show_default="all"
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", help="Also write the series as an HTML page.", show_default="no page")
    ] = None,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every point.")] = False,
) -> None:
    """Follow a build over runs, beside a bridge in each, and find where it became slower; exit 1 where it did."""
    from ablatrix.analysis.history import find_history, history_data

    with ExitStack() as stack:
        read = _read(runs, metrics or ["run_ms_paired"], stack)
    found = find_history(read, head=head, least=share(least, "--least"), last=last)
    if as_json:
        print(json.dumps(history_data(found), indent=1, allow_nan=False))
    else:
        _show(found, wide)
        _show_next(found)
    if page is not None:
        from ablatrix.cli.outputs import report
        from ablatrix.page.history import write_history_page

        report([write_history_page(found, page)])
    if not found.holds:
        raise typer.Exit(1)


def _read(given: list[Path], metrics: list[str], stack: ExitStack) -> "list[HistoryRun]":
    from ablatrix.analysis.history import read_run
    from ablatrix.analysis.table import ordered_by_content
    from ablatrix.records.location import find_records

    def scratch() -> Path:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-")))

    files = {place: find_records(place, scratch) for one in given for place in _places(one)}
    ordered_by_content(list(files.values()))  # refuses the same run twice
    return [read_run(place.name, file, metrics) for place, file in files.items()]


def _places(given: Path) -> list[Path]:
    """Return what is given, or the runs in it where it is a directory of runs."""
    from ablatrix.errors import RecordError
    from ablatrix.records.names import RECORDS_NAME

    if not given.is_dir() or (given / RECORDS_NAME).is_file():
        return [given]
    below = sorted(one.parent for one in given.glob(f"*/{RECORDS_NAME}"))
    below += sorted(one for one in given.glob("*.zip") if not one.with_suffix("").is_dir())
    if not below:
        raise RecordError(
            f"{given}: contains no run: no folder with {RECORDS_NAME}, and no zip; name directories of runs"
        )
    return below


def _show(found: "History", wide: bool) -> None:
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import Column, print_table, say

    rows = [
        [
            *(one.workload, one.compiler, one.metric, str(len(one.points)), one.bridge),
            ratio_text(one.levels[-1][2]),
            "; ".join(_shift_text(found, one.metric, shift) for shift in one.shifts)
            or ("too few runs yet" if one.too_short else "none"),
        ]
        for one in found.series
    ]
    columns: list[str | Column] = [
        *("workload", "compiler", Column("metric", rank=2), Column("runs", whole=True), Column("bridge", rank=1)),
        *(Column("level now", whole=True), "changes"),
    ]
    span = f"{found.runs[0].name} to {found.runs[-1].name}"
    print_table(f"{len(found.runs)} runs, {span}: ratios to a bridge in the same blocks", columns, rows, wide=wide)
    for number in found.host_changes:
        say(f"another machine from {found.runs[number].name} on: {found.runs[number].host}", hanging=2)
    for number, why in found.unused.items():
        say(f"not used: {found.runs[number].name}: {why}", hanging=2)
    for one in found.series:
        for number, why in one.missing.items():
            if number not in found.unused and not one.workloads:  # of a mean it follows from those of its workloads
                say(f"no point: {one.name} in {found.runs[number].name}: {why}", hanging=2)
    points = sum(len(one.points) for one in found.series)
    expected = "at most one false alarm is expected in a thousand points without a change"
    say(f"{points} points; {expected}; {_answer(found)}", hanging=2)


def _shift_text(found: "History", metric: str, shift: "Shift") -> str:
    from ablatrix.analysis.history import kind_text
    from ablatrix.cli.display import ratio_text

    return f"{kind_text(shift, metric)} from {found.runs[shift.run].name} on: {ratio_text(shift.ratio)}"


def _answer(found: "History") -> str:
    alarms, lost = len(found.alarms), len(found.lost)
    back = "" if found.last is None else f" in the last {found.last} runs"
    text = f"{alarms} became slower or larger{back}" if alarms else f"none became slower or larger{back}"
    return text + (f"; {lost} have no point in the newest run" if lost else "")


def _show_next(found: "History") -> None:
    from ablatrix.cli.tables import next_steps

    steps = [("the series as a page", "ablatrix history RUNS --page history.html")]
    if found.alarms:
        steps.append(("the commit that did it", "ablatrix bisect-builds STUDY --out bisection"))
    next_steps(*steps)
