"""The command that shows what knobs changed and which levels caused failures: ``diagnose``."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.inputs import Results, record_files

if TYPE_CHECKING:
    from ablatrix.analysis.diagnosis import BreakEven, Causes, Front, KnobProof, Settings

Row = Sequence[str]
MAX_EXAMPLES = 2


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("diagnose")(diagnose_command)
    app.command("blame", hidden=True, help="The old name of diagnose.")(diagnose_command)


def diagnose_command(
    results: Results,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every counter-example.")] = False,
) -> None:
    """Show what each knob changed in the program, which levels explain failures, and which compiles pay off."""
    from ablatrix.analysis.diagnosis import OBJECTIVES, find_break_even, find_causes, find_fronts, prove_knobs
    from ablatrix.analysis.groups import refuse_mixed
    from ablatrix.analysis.reasons import plain_data
    from ablatrix.analysis.table import tidy

    found = tidy(record_files(results))
    refuse_mixed(found, allow_mixed=False)
    proofs, diagnoses = prove_knobs(found.trials), find_causes(found.trials)
    even, fronts = find_break_even(found.trials), find_fronts(found.trials)
    if as_json:
        parts = {
            "proofs": plain_data(proofs),
            "blame": plain_data(diagnoses),
            "break_even": plain_data(even),
            "pareto": list(map(_front_plain, fronts)),
            "excluded": dict(found.excluded),
        }
        print(json.dumps(parts, indent=1, allow_nan=False))
        return
    _show("Knob proof", ["workload", "compiler", "knob", "from", "to", "verdict", "because"], proofs, _proof_row)
    columns = ["workload", "compiler", "mode", "trouble", "bad", "has", "but fine without it"]
    _show("Causes", columns, diagnoses, _cause_rows)
    for diagnosis in diagnoses:
        _show_next(diagnosis)
    columns = ["workload", "compiler", "configuration", "compile", "run", "verdict", "runs"]
    _show("Break-even against the baseline", columns, even, _break_even_row)
    columns = ["workload", "compiler", "configuration", *(one.column for one in OBJECTIVES), "dominated by"]
    _show("Pareto front", columns, fronts, _front_rows)


def _show(title: str, columns: Row, items: Iterable[Any], rows: Callable[[Any], Iterable[Row]]) -> None:
    from ablatrix.cli.display import print_table

    shown = [row for item in items for row in rows(item)]
    if shown:
        print_table(title, columns, shown)
    else:
        print(f"{title}: nothing to report")


def _proof_row(proof: "KnobProof") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import proof_text

    names = [proof.workload, proof.compiler, proof.knob, proof.base_level, proof.level]
    yield [*names, proof.verdict.replace("_", "-"), proof_text(proof)]


def _cause_rows(diagnosis: "Causes") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import described

    known = ", ".join(f"{count} {state}" for state, count in diagnosis.states.items())
    names = [diagnosis.workload, diagnosis.compiler, diagnosis.mode, diagnosis.trouble.replace("_", " "), known]
    if not diagnosis.causes:
        yield [*names, "no small number of sets of levels that all bad trials have and no fine one has", ""]
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
        yield [*(names if number == 0 else ["", "", "", "", "or"]), "\nor ".join(sets), text]


def _show_next(diagnosis: "Causes") -> None:
    from ablatrix.analysis.diagnosis import described

    subject = f"{diagnosis.workload} on {diagnosis.compiler}, {diagnosis.mode}, {diagnosis.trouble.replace('_', ' ')}"
    for one in diagnosis.flaky:
        print(f"{subject}: flaky: {described(one.settings)} ({one.bad} bad, {one.ok} ok)")
    if diagnosis.settled and any(cause.is_elsewhere for cause in diagnosis.causes):
        print(f"{subject}: every configuration has it, so the cause is not among those that this study can switch")
    elif diagnosis.cleared:
        print(f"{subject}: found at each level of {', '.join(diagnosis.cleared)}, so not caused by one of these alone")
    following = diagnosis.next_study
    if following is None:
        return
    if following.stages is not None:
        print(f"{subject}: open; add to the stages of the study, and run it again:\n{following.stages}")
    if following.left:
        print(f"{subject}: {following.left} explanations agree on every configuration that can be run")


def _break_even_row(found: "BreakEven") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import described
    from ablatrix.analysis.reasons import optional_text
    from ablatrix.cli.display import ratio_text

    runs = optional_text(found.reason) or ""
    if found.runs is not None and found.low is not None and found.high is not None:
        runs = f"{found.runs:.0f} [{found.low:.0f}, {found.high:.0f}]"
    times = [ratio_text(found.compile_ratio), ratio_text(found.run_ratio)]
    yield [found.workload, found.compiler, described(found.moved), *times, found.verdict, runs]


def _front_rows(front: "Front") -> Iterable[Row]:
    from ablatrix.analysis.diagnosis import OBJECTIVES
    from ablatrix.analysis.reasons import text_of

    names = [front.workload, front.compiler]
    for point in sorted(front.points, key=lambda one: not one.on_front):
        figures = [f"{point.figures[one.column]:.4g}" if one.column in point.figures else "" for one in OBJECTIVES]
        others = len(point.dominated_by) - 1
        more = f" (and {others} more)" if others > 0 else ""
        ruled_out = "on the front" if point.on_front else _moved(front, point.dominated_by[0]) + more
        yield [*names, _moved(front, point.settings), *figures, ruled_out]
    for settings, why in front.left_out.items():
        yield [*names, _moved(front, settings), *("" for _ in OBJECTIVES), f"omitted: {text_of(why)}"]


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
