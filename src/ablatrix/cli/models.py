"""The command ``models``: which compiler supports which architecture, tried one after the other."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.records.status import Status

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.records.model import Record
    from ablatrix.study.model import Study

TIMEOUT_S = 300
REASON_LENGTH = 240


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    add(app, "models", models_command)


def models_command(
    out: Annotated[
        Path,
        typer.Option("--out", help="Directory for the results; the same command again resumes an interrupted run."),
    ],
    compiler: Annotated[
        list[str] | None,
        typer.Option("--compiler", help="Only this compiler (repeatable).", show_default="all that are installed"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="A model, written as for 'ablatrix run --model' (repeatable).",
            show_default="ten tiny architectures",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Time limit for one model on one compiler, in seconds.")
    ] = TIMEOUT_S,
    quiet: Quiet = False,
    plugin: Plugins = None,
) -> None:
    """Try each model on each compiler as it ships, in its own process with checked outputs; print a Markdown table.

    A model that cannot be exported stands under 'prepared': no compiler was given it. Exits with 0 when every model
    was tried on every compiler: an unsupported model is a result, not a failure.
    """
    from ablatrix.errors import CompilerError
    from ablatrix.plugin_files import read_catalogue

    catalogue = read_catalogue(plugin or ())
    names = compiler or [one.name for one in catalogue.compilers.values() if one.installed and one.name != "eager"]
    if not names:
        raise CompilerError("no compiler is installed; 'ablatrix compilers' shows how to install one")
    found: dict[str, list[Record]] = {}
    for name in names:
        study = _study_of(catalogue, name, (out / name).resolve(), model or [], plugin or [], timeout)
        found[name] = _tried(study, catalogue, out / name, quiet)
    print(table_text(found, [choice.name for choice in study.workloads]), end="")


def _study_of(
    catalogue: "Catalogue", name: str, directory: Path, models: Sequence[str], plugins: Sequence[Path], timeout: float
) -> "Study":
    """Return the study of all models on one compiler as it ships, with files as they are seen from its directory."""
    from ablatrix.study.architectures import ARCHITECTURES
    from ablatrix.study.without_file import make_study
    from ablatrix.workloads.source import seen_from

    entry = catalogue.compiler(name)
    sources: list[str | Mapping[str, str]] = [seen_from(directory, one) for one in models]
    return make_study(
        sources or [{"name": title, "source": source} for title, source in ARCHITECTURES.items()],
        [name],
        {knob.name: [knob.as_shipped] for knob in entry.knobs if knob.name in entry.primary[:1]},
        ["cold"],
        [os.path.relpath(one.resolve(), directory) for one in plugins],
        directory,
        catalogue,
        name=f"models-{name}",
        checks={"input_sets": 2},
        protocol={"repeats": 0, "cold": {"replicates": 1, "timeout_s": timeout}},
    )


def _tried(study: "Study", catalogue: "Catalogue", out: Path, quiet: bool) -> "list[Record]":
    """Run a study, keep its file beside its results, and return the final record of each measured trial."""
    from ablatrix.cli.run import keep_study, run_prepared
    from ablatrix.records.journal import final_records, read_records
    from ablatrix.study.resolve import resolve_study
    from ablatrix.study.without_file import study_text

    keep_study(study_text(study), out.resolve())
    summary = run_prepared(resolve_study(study, catalogue), out, quiet=quiet)
    if summary.signal is not None:
        raise typer.Exit(128 + summary.signal)
    return [one for one in final_records(list(read_records(summary.results))) if one.role == "measured"]


def table_text(found: "Mapping[str, Sequence[Record]]", names: Sequence[str]) -> str:
    """Return the table of which compiler supports which model, and the reason where one does not.

    Args:
        found: The record of each model, by compiler.
        names: Names of the models, in order.
    """
    known = {record.workload.name: record.workload for records in found.values() for record in records}
    workloads = {name: known[name] for name in names if name in known}
    refused = {
        record.workload.name: record
        for records in found.values()
        for record in records
        if record.status is Status.NOT_PREPARED
    }
    lines = [
        f"| model | weights | prepared | {' | '.join(found)} |",
        f"| --- | ---: | --- | {' | '.join('---' for _ in found)} |",
    ]
    reasons = [f"- {name}, not prepared: {_reason(refused[name])}" for name in workloads if name in refused]
    taken = dict.fromkeys(found, 0)
    for name, facts in workloads.items():
        if name in refused:
            lines.append(f"| {name} | | no | {' | '.join('' for _ in found)} |")
            continue
        cells = []
        for compiler, records in found.items():
            record = next((one for one in records if one.workload.name == name), None)
            if record is None:
                cells.append("not tried")
                continue
            taken[compiler] += record.status == Status.OK
            cells.append("yes" if record.status == Status.OK else record.status.replace("_", " "))
            if record.status != Status.OK:
                reasons.append(f"- {name} on {compiler}: {_reason(record)}")
        lines.append(f"| {name} | {facts.parameter_count:,} | yes | {' | '.join(cells)} |")
    prepared = len(workloads) - len(refused)
    counts = " | ".join(f"{count} of {prepared}" for count in taken.values())
    lines.append(f"| **taken** | | {prepared} of {len(workloads)} | {counts} |")
    text = "\n".join(lines) + "\n"
    return text if not reasons else text + "\n" + "\n".join(reasons) + "\n"


def _reason(record: "Record") -> str:
    if record.error is not None:
        text = " ".join(record.error.message.split())
    else:
        correctness = record.correctness
        text = f"outputs differ by {correctness.max_abs_diff:g}" if correctness is not None else record.status
    return text if len(text) <= REASON_LENGTH else f"{text[:REASON_LENGTH].rstrip()}..."
