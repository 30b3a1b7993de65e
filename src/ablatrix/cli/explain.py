"""The command that says where the difference of two configurations is from, operation by operation: ``explain``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.looks import command_line
from ablatrix.cli.options import Plugins, Quiet, Wide
from ablatrix.cli.trust import Trusted, trust_of

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.explain import Pair
    from ablatrix.records.explanation import Explanation

STUDY_ENDINGS = {".yaml", ".yml"}


StudyOfResults = Annotated[
    Path | None, typer.Option("--study", help="The study that results were made with.", show_default="none")
]
OneWorkload = Annotated[
    str | None, typer.Option("--workload", help="Workload of the study.", show_default="the only one")
]
MostBlocks = Annotated[
    int,
    typer.Option("--most-blocks", min=3, help="Blocks of new processes at most; it ends before, once all is clear."),
]
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
    most_blocks: MostBlocks = 20,
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
    from ablatrix.cli.explain_text import show_explanation
    from ablatrix.explain import explain, write_code
    from ablatrix.plugin_files import read_catalogue

    _refuse_places(keep, code)
    catalogue = read_catalogue(plugin or ())
    pair = _pair(source, a, b, study, workload, catalogue, trust=trust)
    found = explain(pair, most_blocks=most_blocks, causes=causes, notice=_silent if quiet else _tell)
    if keep is not None:
        given = {"--study": study, "--workload": workload, "--keep": keep}
        _keep(found, keep, command_line("explain", [source, a, b], given))
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        show_explanation(found, everything=everything, wide=wide)
    if chart is not None and found.is_established:
        _draw(found, chart)
    if code is not None:
        write_code(pair, code)
        _tell(f"what both made: {code}; the difference: {code / 'difference.patch'}")


def _refuse_places(keep: Path | None, code: Path | None) -> None:
    """Refuse directories that could not be written to, before anything is measured."""
    from ablatrix.errors import TrialError

    if keep is not None and not keep.is_dir():
        raise TrialError(f"--keep {keep}: is no directory of results; name one, as 'results/quick'")
    if code is not None and code.exists() and (not code.is_dir() or any(code.iterdir())):
        raise TrialError(f"--code {code}: must be a new or empty directory; choose another")


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


def _keep(found: "Explanation", results: Path, command: str) -> None:
    """Keep what was found beside results, for the page."""
    from ablatrix.canonical import content_id
    from ablatrix.cli.explain_text import explanation_lines, title_of
    from ablatrix.records.kept_findings import KeptFinding, keep_finding

    sides = [[one.compiler, dict(one.knobs)] for one in (found.a, found.b)]
    name = content_id([found.workload, dict(found.parameters), *sides])
    kept = KeptFinding(
        kind="explanation",
        title=title_of(found),
        lines=tuple(explanation_lines(found)),
        command=command,
        explanation=found,
    )
    keep_finding(results, name, kept)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _silent(text: str) -> None:
    """Say nothing."""


def _draw(found: "Explanation", chart: Path) -> None:
    from ablatrix.cli.explain_text import side_text
    from ablatrix.plotting.bars import bars_of
    from ablatrix.plotting.explained import explained_figure, save_explained

    bars, total, unit = bars_of(found)
    title = f"{found.workload}: where {side_text(found, 'b')} (B) differs from {side_text(found, 'a')} (A)"
    save_explained(explained_figure(title, bars, total, unit), chart)
