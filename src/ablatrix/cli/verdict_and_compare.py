"""Commands that judge whole results: ``verdict``, ``compare``."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.effects import share
from ablatrix.cli.inputs import ClaimsFile, Results, claims_of, record_files

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim
    from ablatrix.analysis.runs import Agreement, SideBySide
    from ablatrix.verdict import Verdict

MAX_SHOWN = 12


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("verdict")(verdict_command)
    app.command("compare")(compare_command)


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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every number.")] = False,
) -> None:
    """Decide by four criteria whether a study is done, with the numbers behind each; exit 1 unless all hold."""
    from ablatrix.analysis.reasons import plain_data
    from ablatrix.analysis.runs import Margins
    from ablatrix.verdict import reach_verdict

    hot = None if margin is None else share(margin)
    cold = None if cold_margin is None else share(cold_margin, "--cold-margin")
    files = record_files(results)
    verdict = reach_verdict(files, Margins(hot, cold), design, reproduction, claims_of(files, claims))
    if as_json:
        print(json.dumps({"holds": verdict.holds, **plain_data(verdict)}, indent=1, allow_nan=False))
    else:
        _show_verdict(verdict)
    if not verdict.holds:
        raise typer.Exit(1)


def compare_command(
    a: Annotated[
        Path,
        typer.Argument(help="Records to be confirmed: a file, or a directory that contains results.jsonl."),
    ],
    b: Annotated[Path, typer.Argument(help="Records to compare with them: a file or a directory likewise.")],
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with every cell.")] = False,
) -> None:
    """Compare two results of one study; exit 1 unless cells end alike and B confirms A's key effects and claims."""
    from ablatrix.analysis.claims import check_claims, plain
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.runs import compare, side_by_side_data
    from ablatrix.analysis.table import ordered_by_content, tidy

    files = record_files([a, b])
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
        _show_comparison(found, every_cell)
        _show_claims(pairs)
    if not reproduced:
        raise typer.Exit(1)


def _show_verdict(verdict: "Verdict") -> None:
    from ablatrix.analysis.groups import control_cell
    from ablatrix.cli.display import print_table

    rows = [
        [
            *(one.workload, one.compiler, one.mode, f"{one.blocks} of {one.blocks_needed}"),
            *(
                _widest(one.widest("effect")),
                _widest(one.widest("cell")),
                control_cell(one.control, "+-"),
                _answer(one.holds),
            ),
        ]
        for one in verdict.stability
    ]
    columns = ["workload", "compiler", "mode", "blocks", "widest main effect", "widest cell", "A/A control", "stable"]
    print_table("Repeats", columns, rows)
    for note in verdict.notes:
        print(f"note: {note}")
    for one in verdict.criteria:
        print(f"\n({one.letter}) {one.question}: {one.state.upper()}")
        print(f"    {_numbers(one.numbers)}")
        _show_some([f"  - {finding}" for finding in one.findings])
    print(f"\nverdict: {'all four hold' if verdict.holds else 'not done'}")


def _show_comparison(found: "SideBySide", every_cell: bool) -> None:
    from ablatrix.analysis.runs import count_sizes
    from ablatrix.cli.display import print_table, ratio_text

    if found.outcomes:
        rows = [[one.name, one.mode, _statuses(one.a), _statuses(one.b)] for one in found.outcomes]
        print_table("Cells that ended in another way", ["configuration", "mode", "A", "B"], rows)
    if found.changes:
        rows = [[one.what, ", ".join(one.a) or "not known", ", ".join(one.b) or "not known"] for one in found.changes]
        print_table("Environment", ["what changed", "A", "B"], rows)
    else:
        print("Environment: nothing that the records report has changed")
    rows = [
        [
            *(one.workload, one.metric, f"{one.knob}: {one.base_level} -> {one.level}"),
            *(ratio_text(one.ratio_a), one.verdict_a or "", ratio_text(one.ratio_b), one.verdict_b or ""),
            *(_state(one.size), "" if one.reproduced is None else _answer(one.reproduced)),
        ]
        for one in found.effects
    ]
    columns = ["workload", "metric", "knob", "A", "A says", "B", "B says", "size", "reproduced"]
    print_table("Main effects", columns, rows)
    chosen = [one for one in found.cells if every_cell or _is_apart(one.to_baseline) or one.is_end]
    rows = [
        [
            *(one.workload, one.compiler, one.mode, one.name, ratio_text(one.time.ratio if one.time else None)),
            *(ratio_text(one.to_baseline_a), ratio_text(one.to_baseline_b), _state(one.to_baseline)),
        ]
        for one in chosen
    ]
    title = "Every cell" if every_cell else "Baseline, reference, and cells whose ratio to the baseline differs"
    columns = ["workload", "compiler", "mode", "configuration", "time, B / A", "to baseline, A", "B", "agree"]
    print_table(title, columns, rows)
    for where, names in (("only in A", found.only_a), ("only in B", found.only_b)):
        _show_some([f"{where}: {name}" for name in names])
    for note in found.notes:
        print(f"note: {note}")
    keys = [one for one in found.effects if one.key]
    in_size = ", ".join(f"{count} {state}" for state, count in count_sizes(keys).items()) or "none"
    ratios = Counter(one.to_baseline.state for one in found.cells if one.to_baseline)
    agreed = ", ".join(f"{count} {state}" for state, count in sorted(ratios.items())) or "none"
    print(f"{found.shared} cells in both; ratios to the baseline (margin {found.margin:.1%}): {agreed}")
    print(f"{sum(one.reproduced is True for one in keys)} of {len(keys)} key effects reproduced; in size: {in_size}")
    if found.outcomes:
        cells = len({one.cell_id for one in found.outcomes})
        print(f"not reproduced: {cells} of {found.shared} cells ended in another way, as the first table shows")


def _show_claims(pairs: "Sequence[tuple[CheckedClaim, CheckedClaim]]") -> None:
    from ablatrix.analysis.reasons import optional_text
    from ablatrix.cli.display import print_table, ratio_text

    if not pairs:
        return
    rows = [
        [
            *(a.claim.id, a.claim.statement(), a.claim.wanted),
            *(ratio_text(a.ratio), a.state, ratio_text(b.ratio), b.state, optional_text(b.reason) or ""),
        ]
        for a, b in pairs
    ]
    print_table("Claims", ["claim", "statement", "wanted", "A", "in A", "B", "in B", "why"], rows)
    held = [b for a, b in pairs if a.state == "holds"]
    print(f"{sum(one.state == 'holds' for one in held)} of {len(held)} claims that hold in A hold in B")


def _is_apart(agreement: "Agreement | None") -> bool:
    return agreement is not None and agreement.state in ("apart", "opposite")


def _show_some(lines: Sequence[str]) -> None:
    for line in lines[:MAX_SHOWN]:
        print(line)
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


def _widest(one: Any) -> str:
    return "" if one is None else f"{_width(one.half_width)} ({one.name})"


def _width(width: float | None) -> str:
    return "" if width is None else f"+-{width:.1%}"


def _statuses(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items())


def _state(agreement: "Agreement | None") -> str:
    return "" if agreement is None else agreement.state


def _answer(good: bool) -> str:
    return "yes" if good else "no"
