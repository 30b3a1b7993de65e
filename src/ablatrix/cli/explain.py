"""The command that says where the difference of two configurations is from, operation by operation: ``explain``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins, Quiet, Wide
from ablatrix.cli.trust import Trusted, trust_of

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.explain import Pair
    from ablatrix.plotting.families import Family
    from ablatrix.records.explanation import Explanation, SpreadMs

SHOWN = 20
DISTURBED = 0.2
STUDY_ENDINGS = {".yaml", ".yml"}


StudyOfResults = Annotated[
    Path | None, typer.Option("--study", help="The study that results were made with.", show_default="none")
]
OneWorkload = Annotated[
    str | None, typer.Option("--workload", help="Workload of the study.", show_default="the only one")
]
Blocks = Annotated[int, typer.Option("--blocks", min=1, help="Blocks of new processes; one gives no intervals.")]
Causes = Annotated[
    int, typer.Option("--causes", min=0, help="How many of the largest causes are tried by switching them alone.")
]
Chart = Annotated[
    Path | None, typer.Option("--chart", help="Write the chart as PDF, PNG and SVG.", show_default="no chart")
]
Keep = Annotated[
    Path | None,
    typer.Option(
        "--keep", help="Directory of results to keep the finding in, for 'ablatrix page'.", show_default="not kept"
    ),
]
Code = Annotated[
    Path | None,
    typer.Option("--code", help="Write what both compilers made, and the difference.", show_default="not written"),
]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "explain", explain_command)


def explain_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RESULTS_OR_STUDY",
            help="A study file, results (with --study), or a model as for 'ablatrix run --model'.",
            show_default=False,
        ),
    ],
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="The first configuration: compiler:knob=level,..., or the id of a cell or trial.",
            show_default=False,
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="The second.", show_default=False)],
    study: StudyOfResults = None,
    workload: OneWorkload = None,
    blocks: Blocks = 3,
    causes: Causes = 1,
    everything: Annotated[bool, typer.Option("--all", help="List every group, not families of groups.")] = False,
    chart: Chart = None,
    keep: Keep = None,
    code: Code = None,
    plugin: Plugins = None,
    trust: Trusted = False,
    quiet: Quiet = False,
    wide: Wide = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False,
) -> None:
    """Say where the difference of two configurations of one workload is from: time by operation that adds up.

    Totals are of ordinary paired trials; times of operations are of each compiler's own profile, in turns with them.
    """
    from ablatrix.explain import explain, write_code
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.records.explanation import EXPLANATION_NAME, write_explanation

    catalogue = read_catalogue(plugin or ())
    pair = _pair(source, a, b, study, workload, catalogue, trust=trust)
    found = explain(pair, blocks=blocks, causes=causes, notice=_silent if quiet else _tell)
    if keep is not None:
        write_explanation(keep / EXPLANATION_NAME, found)
    if code is not None:
        write_code(pair, code)
    if chart is not None:
        _draw(found, chart)
    if as_json:
        print(found.model_dump_json(indent=1))
        return
    _show(found, everything, wide)
    if code is not None:
        print(f"what both made: {code}; the difference: {code / 'difference.patch'}")


def _pair(
    source: str,
    a: str,
    b: str,
    study: Path | None,
    workload: str | None,
    catalogue: "Catalogue",
    *,
    trust: bool,
) -> "Pair":
    from ablatrix.errors import StudyError
    from ablatrix.explain import pair_of_model, pair_of_results, pair_of_study
    from ablatrix.study.load import load_study

    path = Path(source)
    if path.suffix in STUDY_ENDINGS:
        return pair_of_study(load_study(path, catalogue, trust=trust_of(trust)), a, b, workload, catalogue)
    if path.is_dir() or path.suffix in {".jsonl", ".zip"}:
        if study is None:
            raise StudyError(f"{source}: results say what was measured; name the study with --study to measure again")
        directory = path if path.is_dir() else path.parent
        resolved = load_study(study, catalogue, trust=trust_of(trust))
        return pair_of_results(resolved, directory, a, b, workload, catalogue)
    return pair_of_model(source, a, b, catalogue)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _silent(text: str) -> None:
    """Say nothing."""


def _draw(found: "Explanation", chart: Path) -> None:
    from ablatrix.plotting.bars import bars_of
    from ablatrix.plotting.explained import explained_figure, save_explained

    bars, total, unit = bars_of(found)
    title = f"{found.workload}: where {_side_text(found, 'b')} (B) differs from {_side_text(found, 'a')} (A)"
    save_explained(explained_figure(title, bars, total, unit), chart)


def _side_text(found: "Explanation", name: str) -> str:
    """Return a side by what it does not share with the other one."""
    side, other = (found.a, found.b) if name == "a" else (found.b, found.a)
    if side.compiler != other.compiler:
        return side.compiler
    differing = [f"{knob}={level}" for knob, level in side.knobs.items() if other.knobs.get(knob) != level]
    return f"{side.compiler} {','.join(differing)}"


def _show(found: "Explanation", everything: bool, wide: bool) -> None:
    from ablatrix.cli.tables import say
    from ablatrix.plotting.families import families

    scale, unit = (1e3, "us") if max(found.a.total.ms, found.b.total.ms) < 1.0 else (1.0, "ms")
    title = f"{found.workload}, {unit} a run: A is {_side_text(found, 'a')}, B is {_side_text(found, 'b')}"
    _print_sum(found, title, families(found.groups) if not everything else None, scale, wide)
    share = found.residual_share
    interval = _interval_text(found.difference, scale, unit)
    say(f"B less A: {interval}; the twin of A differs from A by {_number(found.noise.ms * scale)} {unit}", hanging=2)
    if not found.difference.is_decided and found.blocks > 1:
        say("The interval has zero in it: that A and B differ at all is not shown.", hanging=2)
    if share is not None:
        say(f"residual: {share:.1%} of the difference, by which trials and profiling processes differ", hanging=2)
    for name, side in (("A", found.a), ("B", found.b)):
        cost = side.profiled.ms / side.plain.ms - 1
        what = ""
        if cost > DISTURBED:
            what = "; kernels as short as these are longer under it, and what they lose is in the overhead"
        say(f"the profiler makes a run of {name} {cost:.0%} longer{what}", hanging=2)
    for name, text in dict.fromkeys((side.compiler, side.source) for side in (found.a, found.b)):
        say(f"{name}: {text}.", hanging=2)
    _say_work(found)
    for one in found.interventions:
        say(f"{one.outcome}: {found.groups[one.group].label}: {one.why}", hanging=2)


def _print_sum(found: "Explanation", title: str, grouped: "list[Family] | None", scale: float, wide: bool) -> None:
    from ablatrix.cli.tables import Column, print_table
    from ablatrix.plotting.families import family_text

    if grouped is None:
        rows = [
            (one.label, len(one.a_kernels), len(one.b_kernels), one.a.ms, one.b.ms, one.flops, one.bytes)
            for one in found.groups
        ]
    else:
        rows = [
            (family_text(one), one.a_calls, one.b_calls, one.a_ms, one.b_ms, one.flops, one.bytes) for one in grouped
        ]
    shown = rows[:SHOWN] if grouped is not None else rows
    cells = [_cells(row, found, scale) for row in shown]
    if rest := rows[len(shown) :]:
        _, *numbers = zip(*rest, strict=True)
        cells.append(_cells((f"{len(rest)} further", *map(sum, numbers)), found, scale))  # type: ignore[arg-type]
    cells.append(_plain_cells("overhead", found.a.overhead, found.b.overhead, found.overhead_difference, found, scale))
    cells.append(["residual", "", "", "", "", _number(found.residual.ms * scale), _share(found.residual.ms, found)])
    cells.append(_plain_cells("total", found.a.total, found.b.total, found.difference, found, scale))
    columns = [
        Column("operations"),
        *(Column(name, rank=rank, whole=True) for name, rank in (("calls A", 2), ("calls B", 2))),
        *(Column(name, whole=True) for name in ("A", "B", "B - A", "share")),
        *(Column(name, rank=3, whole=True) for name in ("flop/byte", "% of peak A", "% of peak B")),
    ]
    print_table(title, columns, [[*one, *[""] * (10 - len(one))] for one in cells], wide=wide)


def _cells(row: "tuple[str, int, int, float, float, int, int]", found: "Explanation", scale: float) -> list[str]:
    label, a_calls, b_calls, a_ms, b_ms, flops, moved = row
    numbers = [_number(one * scale) for one in (a_ms, b_ms, b_ms - a_ms)]
    roof = [_roof(found, flops, moved, one) for one in (a_ms, b_ms)]
    intensity = f"{flops / moved:.2g}" if flops and moved else ""
    return [label, str(a_calls), str(b_calls), *numbers, _share(b_ms - a_ms, found), intensity, *roof]


def _roof(found: "Explanation", flops: int, moved: int, milliseconds: float) -> str:
    """Return how near to the roof of the machine an operation is; nothing where neither roof is over it."""
    if found.peak is None or milliseconds <= 0:
        return ""
    memory = found.peak.memory
    of_memory = moved > (memory.last_cache_bytes or 0)  # what lies in a cache is bound by no memory
    least_s = max(flops / found.peak.flops_per_s, moved / memory.bytes_per_s if of_memory else 0.0)
    return f"{least_s / (milliseconds / 1e3):.0%}" if least_s else ""


def _plain_cells(
    name: str, a: "SpreadMs", b: "SpreadMs", difference: "SpreadMs", found: "Explanation", scale: float
) -> list[str]:
    numbers = [_number(one.ms * scale) for one in (a, b, difference)]
    return [name, "", "", *numbers, _share(difference.ms, found)]


def _share(milliseconds: float, found: "Explanation") -> str:
    return f"{milliseconds / found.difference.ms + 0.0:.0%}" if found.difference.ms else ""  # + 0: never -0 %


def _number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _interval_text(one: "SpreadMs", scale: float, unit: str) -> str:
    if one.low is None or one.high is None:
        return f"{_number(one.ms * scale)} {unit} in one block, without an interval"
    return f"{_number(one.ms * scale)} {unit} ({_number(one.low * scale)} to {_number(one.high * scale)})"


def _say_work(found: "Explanation") -> None:
    from ablatrix.cli.tables import say

    if found.peak is not None:
        threads = f"{found.threads} thread{'s' * (found.threads > 1)}"
        say(
            f"measured peaks on {threads}: {found.peak.flops_per_s / 1e9:.3g} Gflop/s of products of "
            f"float32, {found.peak.memory.bytes_per_s / 1e9:.3g} GB/s of memory; % of peak: "
            "what a run at the nearer of both would take, memory only for what the last cache does not hold; counted "
            "are products, convolutions and attention, and bytes of the values that enter and leave",
            hanging=2,
        )
    say(f"{found.counters}.", hanging=2)
