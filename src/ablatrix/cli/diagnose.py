"""The command that shows what knobs changed and which levels caused failures: ``diagnose``."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.help import add
from ablatrix.cli.inputs import Results, record_files
from ablatrix.cli.options import Wide
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.analysis.diagnosis import BreakEven, Causes, Front, KnobProof, Settings
    from ablatrix.cli.tables import Column

MAX_EXAMPLES = 2
MAX_STEPS = 6
"""Commands about troubles that are named; JSON has all of them."""
Row = tuple[str, Sequence[str]]
"""A row, with the subject whose block it belongs to."""


class Table(StrEnum):
    """The tables of a diagnosis."""

    PROOF = "proof"
    CAUSES = "causes"
    BREAK_EVEN = "break-even"
    FRONT = "front"
    ALL = "all"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "diagnose", diagnose_command)
    app.command("blame", hidden=True, help="The old name of diagnose.")(diagnose_command)


def diagnose_command(
    results: Results,
    show: Annotated[
        list[Table] | None,
        typer.Option("--show", help="Print this table in full (repeatable).", show_default="a summary"),
    ] = None,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every counter-example.")] = False,
) -> None:
    """Show what each knob changed in the program, which levels explain failures, and which compiles pay off."""
    from ablatrix.analysis.diagnosis import find_break_even, find_causes, find_fronts, prove_with_probes
    from ablatrix.analysis.groups import refuse_mixed
    from ablatrix.analysis.reasons import plain_data
    from ablatrix.analysis.table import tidy
    from ablatrix.cli.diagnosis_summary import show_summary
    from ablatrix.cli.tables import next_steps, say
    from ablatrix.cli.trouble_steps import trouble_steps

    with record_files(results) as files:
        found = tidy(files)
    refuse_mixed(found, allow_mixed=False)
    proofs, diagnoses = prove_with_probes(found.trials), find_causes(found.trials)
    even, fronts = find_break_even(found.trials), find_fronts(found.trials)
    steps = trouble_steps(found.trials, diagnoses, results[0])
    if as_json:
        parts = {
            "proofs": plain_data(proofs),
            "blame": plain_data(diagnoses),
            "break_even": plain_data(even),
            "pareto": list(map(_front_plain, fronts)),
            "excluded": dict(found.excluded),
            "next": list(map(asdict, steps)),
        }
        print(json.dumps(parts, indent=1, allow_nan=False))
    elif show:
        _show_tables(set(show), proofs, diagnoses, even, fronts, wide)
        _say_hosts(found.trials)
    else:
        show_summary(proofs, diagnoses, even, _failed(found.trials))
        _say_hosts(found.trials)
        counts = f"proof ({len(proofs)} knobs), causes ({len(diagnoses)} troubles), break-even ({len(even)}), "
        say(f"In full, with --show TABLE: {counts}front ({len(fronts)}), or all.", hanging=2)
        next_steps(
            ("everything in full", f"ablatrix diagnose {shell_word(results[0])} --show all"),
            ("one trial, in words", f"ablatrix show TRIAL --results {shell_word(results[0])}"),
            *((one.title, one.command) for one in steps[:MAX_STEPS]),
            *(
                [("more of these, under next", f"ablatrix diagnose {shell_word(results[0])} --json")]
                if steps[MAX_STEPS:]
                else []
            ),
        )


def _say_hosts(trials: Any) -> None:
    from ablatrix.analysis.effects import notes_on_hosts
    from ablatrix.cli.tables import say

    for note in notes_on_hosts(trials):
        say(f"note: {note}", hanging=2)


def _failed(trials: Any) -> int:
    """Return how many trials of a table failed."""
    from ablatrix.records.status import FAILURES

    return int(trials["status"].is_in(FAILURES).sum())


def _show_tables(
    wanted: set[Table],
    proofs: "Sequence[KnobProof]",
    diagnoses: "Sequence[Causes]",
    even: "Sequence[BreakEven]",
    fronts: "Sequence[Front]",
    wide: bool,
) -> None:
    from ablatrix.analysis.diagnosis import OBJECTIVES
    from ablatrix.cli.tables import Column

    def is_wanted(table: Table) -> bool:
        return bool(wanted & {table, Table.ALL})

    if is_wanted(Table.PROOF):
        _show("Knob proof", [Column("knob"), Column("verdict"), Column("because")], proofs, _proof_row, wide)
    if is_wanted(Table.CAUSES):
        columns = [Column("trouble"), Column("configurations"), Column("has"), Column("but fine without it", rank=1)]
        _show("Causes", columns, diagnoses, _cause_rows, wide)
        for diagnosis in diagnoses:
            _show_next(diagnosis)
    if is_wanted(Table.BREAK_EVEN):
        times = [Column("compile", rank=2, whole=True), Column("run", rank=1, whole=True)]
        columns = [Column("configuration"), *times, Column("verdict"), Column("runs")]
        _show("Break-even against the baseline", columns, even, _break_even_row, wide)
    if is_wanted(Table.FRONT):
        figures = [Column(one.column.replace("_", " "), whole=True) for one in OBJECTIVES]
        columns = [Column("configuration"), *figures, Column("dominated by", rank=1)]
        _show("Pareto front", columns, fronts, _front_rows, wide)


def _show(
    title: str, columns: "Sequence[Column]", items: Iterable[Any], rows: Callable[[Any], Iterable[Row]], wide: bool
) -> None:
    from ablatrix.cli.tables import Block, print_blocks, say

    subjects: dict[str, list[Sequence[str]]] = {}
    for item in items:
        for subject, cells in rows(item):
            subjects.setdefault(subject, []).append(cells)
    if subjects:
        print_blocks(title, columns, [Block(subject, held) for subject, held in subjects.items()], wide=wide)
    else:
        say(f"{title}: nothing to report\n")


def _proof_row(proof: "KnobProof") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import proof_text

    change = f"{proof.knob}: {proof.base_level} -> {proof.level}"
    yield f"{proof.workload} on {proof.compiler}", [change, proof.verdict.replace("_", "-"), proof_text(proof)]


def _cause_rows(diagnosis: "Causes") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import described

    known = ", ".join(f"{count} {state}" for state, count in diagnosis.states.items())
    subject = f"{diagnosis.workload} on {diagnosis.compiler}, {diagnosis.mode}"
    names = [diagnosis.trouble.replace("_", " "), known]
    if not diagnosis.causes:
        yield subject, [*names, "no small number of sets of levels that all bad trials have and no fine one has", ""]
    for number, cause in enumerate(diagnosis.causes):
        sets = [f"{described(one)} ({count})" for one, count in zip(cause.sets, cause.support, strict=True)]
        if cause.flaky:
            sets.append(f"and {cause.flaky} of {len(diagnosis.flaky)} flaky configurations")
        examples = [
            f"{described(example.settings)}: {len(example.fine)} fine, such as {described(example.fine[0])}"
            for example in cause.counter_examples
            if example.settings and example.fine
        ]
        text = "; ".join(examples[:MAX_EXAMPLES])
        yield subject, [*(names if number == 0 else ["", "or"]), "\nor ".join(sets), text]


def _show_next(diagnosis: "Causes") -> None:
    from ablatrix.analysis.diagnosis import described
    from ablatrix.cli.tables import say

    subject = f"{diagnosis.workload} on {diagnosis.compiler}, {diagnosis.mode}, {diagnosis.trouble.replace('_', ' ')}"
    lines = [f"flaky: {described(one.settings)} ({one.bad} bad, {one.ok} ok)" for one in diagnosis.flaky]
    if diagnosis.settled and any(cause.is_elsewhere for cause in diagnosis.causes):
        lines.append("every configuration has it, so the cause is not among those that this study can switch")
    elif diagnosis.cleared:
        lines.append(f"found at each level of {', '.join(diagnosis.cleared)}, so not caused by one of these alone")
    for line in lines:
        say(f"{subject}: {line}", hanging=2)
    following = diagnosis.next_study
    if following is None:
        return
    if following.stages is not None:
        say(f"{subject}: open; add to the stages of the study, and run it again:", hanging=2)
        print(following.stages)
    if following.left:
        say(f"{subject}: {following.left} explanations agree on every configuration that can be run", hanging=2)


def _break_even_row(found: "BreakEven") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import described
    from ablatrix.analysis.reasons import optional_text
    from ablatrix.cli.display import ratio_text

    runs = optional_text(found.reason) or ""
    if found.runs is not None and found.low is not None and found.high is not None:
        runs = f"{found.runs:.0f} [{found.low:.0f}, {found.high:.0f}]"
    times = [ratio_text(found.compile_ratio), ratio_text(found.run_ratio)]
    yield f"{found.workload} on {found.compiler}", [described(found.moved), *times, found.verdict, runs]


def _front_rows(front: "Front") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import OBJECTIVES
    from ablatrix.analysis.reasons import text_of

    subject = f"{front.workload} on {front.compiler}"
    for point in sorted(front.points, key=lambda one: not one.on_front):
        figures = [f"{point.figures[one.column]:.4g}" if one.column in point.figures else "" for one in OBJECTIVES]
        others = point.dominating - 1
        more = f" (and {others} more)" if others > 0 else ""
        ruled_out = "on the front" if point.on_front else _moved(front, point.dominated_by[0]) + more
        yield subject, [_moved(front, point.settings), *figures, ruled_out]
    for settings, why in front.left_out.items():
        yield subject, [_moved(front, settings), *("" for _ in OBJECTIVES), f"omitted: {text_of(why)}"]


def _moved(front: "Front", settings: "Settings") -> str:
    from ablatrix.analysis.diagnosis import described

    moved = [setting for setting in settings if setting not in front.baseline]
    return described(moved) if moved else "baseline"


def _front_plain(front: "Front") -> dict[str, Any]:
    from ablatrix.analysis.reasons import plain_data, text_of

    omitted = [{"settings": plain_data(settings), "reason": text_of(why)} for settings, why in front.left_out.items()]
    return {
        "workload": front.workload,
        "compiler": front.compiler,
        "baseline": plain_data(front.baseline),
        "objectives": front.objectives,
        "points": plain_data(front.points),
        "left_out": omitted,
    }
