"""Commands that judge whole results: ``verdict``, ``compare``."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.effects import share
from ablatrix.cli.help import add
from ablatrix.cli.inputs import ClaimsFile, Results, claims_of, record_files
from ablatrix.cli.options import Wide
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim
    from ablatrix.analysis.runs import Agreement, SideBySide
    from ablatrix.verdict import Verdict

MAX_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "verdict", verdict_command)
    add(app, "compare", compare_command)


def verdict_command(
    results: Results,
    margin: Annotated[
        str | None,
        typer.Option(
            "--margin",
            help="Largest relative half-width (+-) of an interval in hot mode, as 2% or 0.02.",
            show_default="the targets in the records, else 2%",
        ),
    ] = None,
    cold_margin: Annotated[
        str | None,
        typer.Option(
            "--cold-margin",
            help="Largest relative half-width (+-) of a main effect's interval in cold mode, as 10% or 0.1.",
            show_default="the target in the design, else 10%",
        ),
    ] = None,
    design: Annotated[
        Path | None,
        typer.Option(
            "--design",
            help="File with the planned trials (JSON).",
            show_default="design.json next to each file of records, if any",
        ),
    ] = None,
    reproduction: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Reproduction report (JSON) for criterion d.",
            show_default="none: criterion d stays undecided",
        ),
    ] = None,
    claims: ClaimsFile = None,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every number.")] = False,
) -> None:
    """Decide by four criteria whether a study is done, with the numbers behind each; exit 1 unless all hold."""
    from ablatrix.analysis.reasons import plain_data
    from ablatrix.analysis.runs import Margins
    from ablatrix.verdict import reach_verdict

    hot = None if margin is None else share(margin)
    cold = None if cold_margin is None else share(cold_margin, "--cold-margin")
    with record_files(results) as files:
        verdict = reach_verdict(files, Margins(hot, cold), design, reproduction, claims_of(files, claims))
    if as_json:
        print(json.dumps({"holds": verdict.holds, **plain_data(verdict)}, indent=1, allow_nan=False))
    else:
        _show_verdict(verdict, wide)
        _show_next(verdict, results[0])
    if not verdict.holds:
        raise typer.Exit(1)


def compare_command(
    a: Annotated[
        Path,
        typer.Argument(help="Records to be confirmed: a directory of results, a file, or an artifact."),
    ],
    b: Annotated[Path, typer.Argument(help="Records to compare with them, likewise.")],
    margin: Annotated[
        str,
        typer.Option("--margin", help="Largest relative difference of two ratios that counts as none, as 2% or 0.02."),
    ] = "2%",
    every_cell: Annotated[
        bool,
        typer.Option("--cells", help="Show every cell, not only those whose ratio to the baseline differs."),
    ] = False,
    claims: Annotated[
        Path | None,
        typer.Option(
            "--claims", help="Claims file (YAML).", show_default="claims.yaml next to the records of A, if any"
        ),
    ] = None,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every cell.")] = False,
) -> None:
    """Compare two results of one study; exit 1 unless cells end alike and B confirms A's key effects and claims."""
    from ablatrix.analysis.claims import check_claims, plain
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.runs import compare, side_by_side_data
    from ablatrix.analysis.table import ordered_by_content, tidy

    with record_files([a, b]) as files:
        ordered_by_content(files)  # refuses the same records twice: they would agree, and prove nothing
        loaded = claims_of(files, claims)
        sides = tidy(files[:1]), tidy(files[1:])
    found = compare(*sides, share(margin))
    checked = [] if loaded is None else [check_claims(Findings(side), loaded) for side in sides]
    pairs = list(zip(*checked, strict=True))
    reproduced = found.reproduced and all(there.state == "holds" for here, there in pairs if here.state == "holds")
    if as_json:
        claim_pairs = [{"a": plain(here), "b": plain(there)} for here, there in pairs]
        data = {"reproduced": reproduced, **side_by_side_data(found), "claims": claim_pairs}
        print(json.dumps(data, indent=1, allow_nan=False))
    else:
        _show_comparison(found, every_cell, wide)
        _show_claims(pairs, wide)
    if not reproduced:
        raise typer.Exit(1)


def _show_verdict(verdict: "Verdict", wide: bool) -> None:
    from ablatrix.analysis.groups import control_cell
    from ablatrix.cli.tables import Block, Column, print_blocks, say

    units: dict[str, list[list[str]]] = {}
    for one in verdict.stability:
        effect, cell = one.widest("effect"), one.widest("cell")
        row = [
            *(one.mode, f"{one.blocks} of {one.blocks_needed}"),
            *("" if effect is None else _width(effect.half_width), "" if effect is None else effect.name),
            *("" if cell is None else _width(cell.half_width), "" if cell is None else cell.name),
            *(control_cell(one.control, "+-"), _answer(one.holds)),
        ]
        units.setdefault(f"{one.workload} on {one.compiler}", []).append(row)
    columns = [
        Column("mode"),
        Column("blocks"),
        Column("widest main effect", whole=True),
        Column("its knob", rank=1),
        Column("widest cell", whole=True),
        Column("its configuration", rank=2),
        Column("A/A control"),
        Column("stable"),
    ]
    print_blocks("Repeats", columns, [Block(unit, rows) for unit, rows in units.items()], wide=wide)
    for note in verdict.notes:
        say(f"note: {note}", hanging=2)
    for criterion in verdict.criteria:
        print()
        say(f"({criterion.letter}) {criterion.question}: {criterion.state.upper()}", hanging=4)
        say(_numbers(criterion.numbers), indent=4)
        _show_some([f"- {finding}" for finding in criterion.findings], indent=2)
    print(f"\nverdict: {'all four hold' if verdict.holds else 'not done'}")


def _show_next(verdict: "Verdict", results: Path) -> None:
    """Name what leads on from each criterion that does not hold."""
    from ablatrix.cli.tables import next_steps

    remedies = {
        "a": ("see which blocks are missing", f"ablatrix status {shell_word(results)}"),
        "b": ("make tables and figures", f"ablatrix paper {shell_word(results)} --out paper"),
        "c": ("find what makes outputs wrong", f"ablatrix diagnose {shell_word(results)}"),
        "d": ("have a third party repeat it", "ablatrix reproduce BUNDLE"),
    }
    steps = [remedies[one.letter] for one in verdict.criteria if one.state != "holds"]
    next_steps(*(steps or [("bundle it for reviewers", "ablatrix artifact STUDY --out ARTIFACT")]))


def _show_comparison(found: "SideBySide", every_cell: bool, wide: bool) -> None:
    from ablatrix.analysis.runs import count_sizes
    from ablatrix.cli.tables import print_table, say

    if found.outcomes:
        rows = [[one.name, one.mode, _statuses(one.a), _statuses(one.b)] for one in found.outcomes]
        print_table("Cells that ended in another way", ["configuration", "mode", "A", "B"], rows, wide=wide)
    if found.changes:
        rows = [[one.what, ", ".join(one.a) or "not known", ", ".join(one.b) or "not known"] for one in found.changes]
        print_table("Environment", ["what changed", "A", "B"], rows, wide=wide)
    else:
        print("Environment: nothing that the records report has changed\n")
    _show_effects(found, wide)
    _show_cells(found, every_cell, wide)
    for where, names in (("only in A", found.only_a), ("only in B", found.only_b)):
        _show_some([f"{where}: {name}" for name in names])
    for note in found.notes:
        say(f"note: {note}", hanging=2)
    keys = [one for one in found.effects if one.key]
    in_size = ", ".join(f"{count} {state}" for state, count in count_sizes(keys).items()) or "none"
    ratios = Counter(one.to_baseline.state for one in found.cells if one.to_baseline)
    agreed = ", ".join(f"{count} {state}" for state, count in sorted(ratios.items())) or "none"
    say(f"{found.shared} cells in both; ratios to the baseline (margin {found.margin:.1%}): {agreed}", hanging=2)
    reproduced = sum(one.reproduced is True for one in keys)
    say(f"{reproduced} of {len(keys)} key effects reproduced; in size: {in_size}", hanging=2)
    if found.outcomes:
        cells = len({one.cell_id for one in found.outcomes})
        say(f"not reproduced: {cells} of {found.shared} cells ended in another way, as the first table shows")


def _show_effects(found: "SideBySide", wide: bool) -> None:
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import Block, Column, print_blocks

    subjects: dict[str, list[list[str]]] = {}
    for one in found.effects:
        row = [
            f"{one.knob}: {one.base_level} -> {one.level}",
            *(ratio_text(one.ratio_a), one.verdict_a or "", ratio_text(one.ratio_b), one.verdict_b or ""),
            *(_state(one.size), "" if one.reproduced is None else _answer(one.reproduced)),
        ]
        subjects.setdefault(f"{one.workload}: {one.metric}", []).append(row)
    columns = [
        Column("knob"),
        *(Column("A", whole=True), Column("A says", rank=2)),
        *(Column("B", whole=True), Column("B says", rank=3)),
        *(Column("size", rank=1), Column("reproduced")),
    ]
    print_blocks("Main effects", columns, [Block(name, rows) for name, rows in subjects.items()], wide=wide)


def _show_cells(found: "SideBySide", every_cell: bool, wide: bool) -> None:
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import Block, Column, print_blocks

    subjects: dict[str, list[list[str]]] = {}
    for one in found.cells:
        if every_cell or _is_apart(one.to_baseline) or one.is_end:
            row = [
                *(one.name, ratio_text(one.time.ratio if one.time else None)),
                *(ratio_text(one.to_baseline_a), ratio_text(one.to_baseline_b), _state(one.to_baseline)),
            ]
            subjects.setdefault(f"{one.workload} on {one.compiler}, {one.mode}", []).append(row)
    title = "Every cell" if every_cell else "Baseline, reference, and cells whose ratio to the baseline differs"
    columns = [
        Column("configuration"),
        Column("time, B / A", rank=1, whole=True),
        *(Column("to baseline, A", whole=True), Column("to baseline, B", whole=True), Column("agree")),
    ]
    print_blocks(title, columns, [Block(name, rows) for name, rows in subjects.items()], wide=wide)


def _show_claims(pairs: "Sequence[tuple[CheckedClaim, CheckedClaim]]", wide: bool) -> None:
    from ablatrix.analysis.reasons import optional_text
    from ablatrix.cli.display import ratio_text
    from ablatrix.cli.tables import Column, print_table

    if not pairs:
        return
    rows = [
        [
            *(a.claim.id, a.claim.statement(), a.claim.wanted),
            *(ratio_text(a.ratio), a.state, ratio_text(b.ratio), b.state, optional_text(b.reason) or ""),
        ]
        for a, b in pairs
    ]
    columns: list[str | Column] = [
        *("claim", "statement", Column("wanted", rank=1)),
        *(Column("A", rank=2, whole=True), "in A", Column("B", rank=3, whole=True), "in B", "why"),
    ]
    print_table("Claims", columns, rows, wide=wide)
    held = [b for a, b in pairs if a.state == "holds"]
    print(f"{sum(one.state == 'holds' for one in held)} of {len(held)} claims that hold in A hold in B")


def _is_apart(agreement: "Agreement | None") -> bool:
    return agreement is not None and agreement.state in ("apart", "opposite")


def _show_some(lines: Sequence[str], indent: int = 0) -> None:
    from ablatrix.cli.tables import say

    for line in lines[:MAX_SHOWN]:
        say(line, indent=indent, hanging=2)
    if len(lines) > MAX_SHOWN:
        print(f"  ... and {len(lines) - MAX_SHOWN} more (--json has all)")


def _numbers(numbers: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in numbers.items())


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:.3g}"
    return "not known" if value is None else str(value)


def _width(width: float | None) -> str:
    return "" if width is None else f"+-{width * 100.0:.1f} %"


def _statuses(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items())


def _state(agreement: "Agreement | None") -> str:
    return "" if agreement is None else agreement.state


def _answer(good: bool) -> str:
    return "yes" if good else "no"
