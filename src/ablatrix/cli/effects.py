"""The command that estimates the effects of knobs from records: ``effects``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.completion import metric_names
from ablatrix.cli.help import add
from ablatrix.cli.inputs import AllowMixed, Results, record_files
from ablatrix.cli.options import Wide
from ablatrix.foreign_text import escaped, shell_word

if TYPE_CHECKING:
    from ablatrix.analysis.effects import ContextLine, Evidence
    from ablatrix.analysis.table import Tidy


DEFAULT_COLUMNS = "run_ms_paired, compile_first_run_ms, planned_bytes, peak_rss_delta_bytes"
"""The default metrics of the analysis; written out, since importing them would load numpy for every command."""


class Table(StrEnum):
    """The tables of effects on a metric."""

    MAIN = "main"
    SCREEN = "screen"
    ATTRIBUTION = "attribution"
    INTERACTIONS = "interactions"
    TREND = "trend"
    AXES = "axes"
    MEANS = "means"
    HOSTS = "hosts"
    BUILDS = "builds"
    ALL = "all"


Start = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        help="KNOB=LEVEL where the attribution starts (repeatable).",
        show_default="each knob's baseline level",
    ),
]
End = Annotated[
    list[str] | None,
    typer.Option(
        "--to",
        help="KNOB=LEVEL where the attribution ends (repeatable).",
        show_default="each knob's last other level: highest number, else last in the alphabet",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "effects", effects_command)


Workloads = Annotated[
    list[str] | None,
    typer.Option(
        "--workload",
        help="Only this workload, all its variants or one of them (repeatable).",
        show_default="all workloads",
    ),
]
OnlyVariants = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only variants with AXIS=VALUE,VALUE...; also workload=NAME (repeatable: all must hold).",
        show_default="all variants",
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        help="Column to compare (repeatable).",
        show_default=DEFAULT_COLUMNS,
        autocompletion=metric_names,
    ),
]


Tables = Annotated[
    list[Table] | None,
    typer.Option(
        "--show",
        help="Print this table (repeatable).",
        show_default="builds, screen, main, trend, axes, hosts that differ, and the means over workloads; of one, its "
        "attribution",
    ),
]


def effects_command(
    results: Results,
    metrics: Metrics = None,
    margin: Annotated[
        str, typer.Option("--margin", help="Largest relative change that counts as no effect, as 1% or 0.01.")
    ] = "1%",
    workloads: Workloads = None,
    only: OnlyVariants = None,
    start: Start = None,
    end: End = None,
    mixed: AllowMixed = False,
    show: Tables = None,
    wide: Wide = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, one row per effect.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same rows as JSON.")] = False,
) -> None:
    """Estimate what each knob does: main effects with verdicts, attribution of the total, interactions."""
    from ablatrix.analysis.effects import NothingVariesError, Question, context_lines, evidence_frame, gather
    from ablatrix.analysis.groups import refuse_mixed
    from ablatrix.analysis.table import csv_text, tidy
    from ablatrix.cli.build_tables import builds_beside, plain_builds, show_all_builds, show_builds_alone
    from ablatrix.errors import AnalysisError

    if as_csv and as_json:
        raise AnalysisError("--csv and --json were both given; give only one")
    chosen, wanted = _conditions(only), frozenset(show or ())
    question = Question(
        metrics=tuple(metrics or ()),
        workloads=(*(workloads or ()), *sorted(chosen.pop("workload", ()))),
        margin=share(margin),
        start=levels_of("--from", start),
        end=levels_of("--to", end),
        axes=chosen,
    )
    with record_files(results) as files:
        found = tidy(files)
    origin = refuse_mixed(found, mixed, strata_apart=True)
    builds = [] if as_csv else builds_beside(found, question, origin)
    if wanted == {Table.BUILDS} and not as_json:
        show_builds_alone(builds, wide)
        return
    lines = [one for one in context_lines(found.trials, origin) if not workloads or one.model in workloads]
    try:
        evidence = gather(found, question, origin)
    except NothingVariesError as nothing:
        if not (as_csv or as_json):
            _show_lines(lines)
        print(nothing, file=sys.stderr)
        raise typer.Exit(1) from None
    _show_notes(found)
    if as_csv:
        sys.stdout.write(csv_text(evidence_frame(evidence)))
    elif as_json:
        print(json.dumps(_plain(evidence, question.margin, lines) | plain_builds(builds), indent=1))
    else:
        _show_departures(found)
        _show_lines(lines)
        if not wanted or wanted & {Table.BUILDS, Table.ALL}:
            show_all_builds(builds, wide)
        _show(evidence, wanted - {Table.BUILDS}, question.margin, wide, results[0])


def _show_lines(lines: list[ContextLine]) -> None:
    from ablatrix.analysis.effects import context_line_text
    from ablatrix.cli.tables import say

    if lines:
        print("time of a token over its context, by least squares [95 % interval]")
    for one in lines:
        batch = "" if one.batch == 1 else f", batch {one.batch}"
        subject = ", ".join([f"{one.model} on {one.compiler}", f"{one.phase}{batch}", *map(str, one.origin)])
        say(f"{subject}: {context_line_text(one)}", hanging=2)
    if lines:
        print()


def _show(evidence: list[Evidence], wanted: frozenset[str], margin: float, wide: bool, results: Path) -> None:
    from ablatrix.cli.effect_tables import show_evidence
    from ablatrix.cli.tables import next_steps

    show_evidence(evidence, wanted, margin, wide)
    next_steps(
        ("what knobs changed, and why trials fail", f"ablatrix diagnose {shell_word(results)}"),
        ("whether the study is complete", f"ablatrix verdict {shell_word(results)}"),
        ("tables, figures and text", f"ablatrix paper {shell_word(results)} --out paper"),
    )


def share(text: str, option: str = "--margin") -> float:
    """Return a share that is written as 1% or 0.01.

    Raises:
        AnalysisError: It is not between 0 and 1, or not a number.
    """
    from ablatrix.errors import AnalysisError

    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0.0 < share < 1.0:
        raise AnalysisError(f"{option} {text}: must lie between 0 and 100 %, written as 1% or 0.01")
    return share


def _show_notes(found: Tidy) -> None:
    from ablatrix.analysis.effects import notes_on_hosts
    from ablatrix.analysis.table import unsteady_trials

    for note in [*found.notes, *notes_on_hosts(found.trials)]:
        print(f"note: {escaped(note)}", file=sys.stderr)
    for reason, count in found.excluded.items():
        print(f"note: omitted: {count} x {escaped(reason)}", file=sys.stderr)
    for workload, unsteady, hot in unsteady_trials(found):
        print(f"note: {escaped(workload)}: the warm-up of {unsteady} of {hot} hot trials is unsteady", file=sys.stderr)


def _show_departures(found: Tidy) -> None:
    """Print where the baseline of a compiler is not as the compiler ships: effects are changes of that baseline."""
    import polars as pl

    from ablatrix.analysis.groups import departures_of
    from ablatrix.cli.tables import say
    from ablatrix.records.departures import departures_text

    for compiler, shipped in departures_of(found.trials).items():
        if shipped:
            own = found.trials.lazy().filter(pl.col("compiler") == compiler)
            first = own.select(pl.col(f"baseline_{knob}").drop_nulls().first().alias(knob) for knob in shipped)
            text = departures_text(first.collect().row(0, named=True), shipped)
            say(f"The baseline of {compiler} is not as {compiler} ships: {text}.", hanging=2)


def levels_of(option: str, given: list[str] | None) -> dict[str, str]:
    """Return levels that are written as KNOB=LEVEL.

    Raises:
        AnalysisError: One is written in another way.
    """
    from ablatrix.errors import AnalysisError

    levels = {}
    for text in given or ():
        knob, equals, level = text.partition("=")
        if not (knob and equals and level):
            raise AnalysisError(f"{option} {text}: must be KNOB=LEVEL, such as fusion=on")
        levels[knob] = level
    return levels


def _conditions(given: list[str] | None) -> dict[str, frozenset[str]]:
    from ablatrix.errors import AnalysisError
    from ablatrix.records.variants import split_values

    found: dict[str, frozenset[str]] = {}
    for text in given or ():
        key, _, values = text.partition("=")
        if not (key and values):
            raise AnalysisError(f"--only {text}: must be AXIS=VALUE or workload=NAME, such as tokens=128")
        found[key] = found.get(key, frozenset()) | frozenset(split_values(values))
    return found


def _plain(evidence: list[Evidence], margin: float, lines: list[ContextLine]) -> dict[str, object]:
    from ablatrix.analysis.effects import (
        context_line_frame,
        curve_frame,
        evidence_frame,
        screening_frame,
        trend_frame,
    )
    from ablatrix.statistics.multiplicity import ALPHA

    trends = [row for one in evidence for row in trend_frame(one.trends, one.origin).to_dicts()]
    curves = [row for one in evidence for row in curve_frame(one.curves, one.origin).to_dicts()]
    effects = evidence_frame(evidence).to_dicts()
    plain = {"margin": margin, "alpha": ALPHA, "effects": effects, "trends": trends, "curves": curves}
    origin = evidence[0].origin if evidence else ()
    if screens := [screen for one in evidence for screen in one.screens]:
        plain |= {"screenings": screening_frame(screens, origin).to_dicts()}
    return plain | ({"context_lines": context_line_frame(lines, origin).to_dicts()} if lines else {})
