"""Commands that run studies and single trials: ``run``, ``rerun``."""

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablatrix.cli.completion import compiler_names, workload_names
from ablatrix.cli.help import add
from ablatrix.cli.inputs import record_files
from ablatrix.cli.options import Only, Plugins, Quiet
from ablatrix.cli.trust import Trusted, trust_of
from ablatrix.foreign_text import printed, shell_word
from ablatrix.records.names import DESIGN_NAME, STUDY_NAME

if TYPE_CHECKING:
    from ablatrix.study.resolve import ResolvedStudy
    from ablatrix.trials.client import KeptServers
    from ablatrix.trials.run import RunSummary

QuickModels = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help="Without a study file: a workload, file.py:function, module:function, file.pt2, file.onnx or "
        "hf:architecture?layers=2 (repeatable).",
        show_default="none: a study file is needed",
        autocompletion=workload_names,
    ),
]
QuickCompilers = Annotated[
    list[str] | None,
    typer.Option(
        "--compiler",
        help="With --model, and needed there: name of a compiler (repeatable).",
        show_default="none",
        autocompletion=compiler_names,
    ),
]
QuickKnobs = Annotated[
    list[str] | None,
    typer.Option(
        "--knob",
        help="With --model: KNOB=LEVEL,LEVEL...; the first level is the baseline (repeatable).",
        show_default="all primary knobs",
    ),
]
QuickModes = Annotated[
    list[str] | None,
    typer.Option("--mode", help="With --model: cold or hot (repeatable).", show_default="cold and hot"),
]
QuickNames = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        help="With --model: what the study calls it (repeatable, in the order of --model).",
        show_default="the file's or the workload's",
    ),
]
QuickDevice = Annotated[str | None, typer.Option("--device", help="With --model: cpu or cuda.", show_default="cpu")]
Slots = Annotated[
    str,
    typer.Option(
        "--slots",
        help="Where blocks run: local, ray or ray://HEAD:PORT, slurm:JOBS, or jobs:N (processes of this machine).",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print a line for each trial that begins or ends.")]


REASON_LENGTH = 500


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "run", run_command)
    add(app, "rerun", rerun_command)


def run_command(
    out: Annotated[
        str, typer.Option("--out", help="Directory for the results, or - to write only the records, to stdout.")
    ],
    study: Annotated[
        Path | None, typer.Argument(help="Study file (YAML); omit it with --model.", show_default=False)
    ] = None,
    model: QuickModels = None,
    compiler: QuickCompilers = None,
    knob: QuickKnobs = None,
    mode: QuickModes = None,
    name: QuickNames = None,
    device: QuickDevice = None,
    only: Only = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    slots: Slots = "local",
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """Run the trials of a study that have not run yet; the same command again resumes an interrupted run.

    Without a study file, --model, --compiler and --knob make a study; it is printed, and kept as OUT/study.yaml.
    """
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study
    from ablatrix.study.trust import refuse_untrusted_work

    if out != "-":
        refuse_untrusted_work(Path(out), trust_of(trust))
    if study is not None:
        refuse_quick_options(model, compiler, knob, mode, name, device)
        resolved = load_study(study, read_catalogue(plugin or ()), trust=trust_of(trust))
    else:
        resolved, study = make_quick(model, compiler, knob, mode, plugin, out, name, device)
    if out != "-":
        summary = run_study(resolved, study, Path(out), only or [], quiet, verbose, slots=slots)
        if not quiet:
            _show_results(summary, study, Path(out))
        elif summary.failed:
            _show_one_failure(Path(out))
    else:
        from ablatrix.cli.record_stream import RecordStream

        with tempfile.TemporaryDirectory(prefix="ablatrix-") as directory, RecordStream() as stream:
            summary = run_study(resolved, study, Path(directory), only or [], quiet, verbose, stream.write, slots=slots)
    end_run(summary)


def _show_results(summary: "RunSummary", study: Path, out: Path) -> None:
    """Print on stderr what a run has brought, and the commands that read it."""
    from ablatrix.cli.run_state import read_state
    from ablatrix.cli.status import show_state
    from ablatrix.cli.tables import show_steps

    if summary.signal is not None:
        return
    state = read_state(out)
    show_state(state, wide=False, to_stderr=True)
    steps = [
        ("what each knob does", f"ablatrix effects {shell_word(out)}"),
        ("whether that is enough", f"ablatrix verdict {shell_word(out)}"),
    ]
    if state.failures:
        steps.insert(0, ("why trials failed", f"ablatrix diagnose {shell_word(out)}"))
        steps.insert(
            0, ("one of them, in words", f"ablatrix show {state.failures[0].trial_id} --results {shell_word(out)}")
        )
    show_steps([*steps, ("a bundle for reviewers", f"ablatrix artifact {shell_word(study)} --out ARTIFACT")])


def _show_one_failure(out: Path) -> None:
    """Print on stderr, in one line, why one of the trials that failed did, and what says more."""
    from ablatrix.cli.run_state import read_state

    record = read_state(out).failures[0]
    reason = "no message" if record.error is None else " ".join(record.error.message.split())
    cut = reason if len(reason) <= REASON_LENGTH else f"{reason[:REASON_LENGTH].rpartition(' ')[0]} ..."
    name, compiler = record.workload.name, record.config.compiler
    print(
        printed(f"{name} on {compiler}: {record.status}: {cut} (all: ablatrix status {shell_word(out)})"),
        file=sys.stderr,
    )


def refuse_quick_options(*values: list[str] | str | None) -> None:
    """Refuse options whose values the study file sets.

    Raises:
        StudyError: One was given.
    """
    from ablatrix.errors import StudyError

    if any(values):
        raise StudyError(
            "--model, --compiler, --knob, --mode, --name and --device make a study; give them or a study file, not both"
        )


def make_quick(
    models: list[str] | None,
    compilers: list[str] | None,
    knobs: list[str] | None,
    modes: list[str] | None,
    plugins: list[Path] | None,
    out: str,
    names: list[str] | None = None,
    device: str | None = None,
) -> tuple["ResolvedStudy", Path]:
    """Make a study from the options of a command line, print it on stderr, and keep it in the directory of results.

    Returns:
        The study with its catalogue, and its file (for records on stdout: where it would be in the working directory).

    Raises:
        StudyError: An option is missing, or the study is not valid.
        TrialError: The directory cannot be written.
    """
    from ablatrix.errors import StudyError
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.resolve import resolve_study
    from ablatrix.study.without_file import make_study, study_text
    from ablatrix.workloads.source import is_source, seen_from

    if not models or not compilers:
        raise StudyError("give a study file, or --model and --compiler (see ablatrix workloads, ablatrix compilers)")
    directory = Path.cwd() if out == "-" else Path(out).resolve()
    if len(names or []) > len(models):
        raise StudyError(
            f"--name is given {len(names or [])} times and --model {len(models)} times; each is of a model"
        )
    sources: list[str | dict[str, str]] = [seen_from(directory, one) for one in models]
    for index, name in enumerate(names or []):
        if not is_source(models[index]):
            raise StudyError(f"--name {name}: '{models[index]}' has a name; --name is for a model of your own")
        sources[index] = {"name": name, "source": str(sources[index])}
    files = [os.path.relpath(one.resolve(), directory) for one in plugins or []]
    further = {} if device is None else {"device": device}
    catalogue = read_catalogue(plugins or ())
    study = make_study(sources, compilers, knobs or [], modes or [], files, directory, catalogue, **further)
    resolved = resolve_study(study, catalogue)
    text = study_text(study)
    print(text, end="", file=sys.stderr)
    file = directory / STUDY_NAME
    if out != "-":
        keep_study(text, directory)
        print(
            f"# kept as {file}; run it again with: ablatrix run {shell_word(file)} --out {shell_word(out)}",
            file=sys.stderr,
        )
    return resolved, file


def keep_study(text: str, directory: Path) -> None:
    """Keep the text of a study in the directory of its results, unless results of one are there already.

    Raises:
        TrialError: It cannot be written.
    """
    from ablatrix.errors import TrialError

    file = directory / STUDY_NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not file.exists() or not (directory / DESIGN_NAME).exists():
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TrialError(f"{file}: cannot be written: {error.strerror}; choose another --out") from None


def run_study(
    resolved: "ResolvedStudy",
    path: Path,
    out: Path,
    only: list[str],
    quiet: bool,
    verbose: bool = False,
    sink: Any = None,
    locks: Path | None = None,
    slots: str = "local",
    kept: "KeptServers | None" = None,
) -> "RunSummary":
    """Run a study with progress on stderr.

    ``locks`` is the file of an artifact from which builds are made again, ``slots`` says where blocks run, ``kept`` are
    fork servers that others use, too.
    """
    from ablatrix.builds import read_locks
    from ablatrix.cli.progress import watch
    from ablatrix.study.cost import StudyCosts
    from ablatrix.trials.results import ResultDirectory
    from ablatrix.trials.run import run
    from ablatrix.trials.slots import SLOTS, choose_field

    directory = ResultDirectory(out.resolve())
    field = choose_field(slots, directory.work / SLOTS)
    costs = StudyCosts(resolved, directory.attempts())
    with watch(quiet, verbose, costs) as progress:
        return run(
            resolved,
            out,
            only=only,
            sink=sink,
            progress=progress,
            study_directory=path.resolve().parent,
            keep_samples=sink is None,
            locks=() if locks is None else read_locks(locks),
            slots=field,
            kept=kept,
        )


def end_run(summary: "RunSummary") -> None:
    """Say how a run ended on stderr, and exit unless every planned trial ran and none failed."""
    from ablatrix.records.status import Status

    counts = ", ".join(f"{count} {status}" for status, count in summary.statuses.items()) or "none finished"
    print(f"{summary.planned} trials: {counts}", file=sys.stderr)
    if summary.signal is not None:
        print("interrupted; run the same command again to resume", file=sys.stderr)
        raise typer.Exit(128 + summary.signal)
    for status, why in (
        (Status.NOT_RUN_BUDGET, "the time budget was spent; to run them"),
        (Status.NOT_PREPARED, "their workload could not be prepared; to try again"),
    ):
        if count := summary.statuses.get(status):
            print(
                f"{count} trials were not run: {why}, give `ablatrix run` --only status={status}",
                file=sys.stderr,
            )
    if left := summary.planned - sum(summary.statuses.values()):
        print(
            f"{left} trials have no result: their machine failed them; run the same command again",
            file=sys.stderr,
        )
    if not summary.good:
        raise typer.Exit(1)


def rerun_command(
    trial: Annotated[
        str,
        typer.Argument(help="Id of the trial or of one of its records, or its first characters.", show_default=False),
    ],
    results: Annotated[
        Path, typer.Option("--results", help="Results that contain the trial: a directory, or an artifact.")
    ],
    study: Annotated[Path, typer.Option("--study", help="Study file (YAML) that the results were made with.")],
    debug: Annotated[bool, typer.Option("--pdb", help="Open the Python debugger where the trial fails.")] = False,
    dump: Annotated[
        Path | None,
        typer.Option(
            "--dump",
            help="New directory for the compiler's programs of each task: before and after its passes, and as code.",
            show_default="no dump",
        ),
    ] = None,
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """Repeat one trial in the foreground, here or in its build; no record is written."""
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study
    from ablatrix.trials.messages import plain_result
    from ablatrix.trials.run import rerun

    resolved = load_study(study, read_catalogue(plugin or ()), trust=trust_of(trust))
    with ExitStack() as stack:
        directory = results if results.is_dir() else stack.enter_context(record_files([results]))[0].parent
        result = rerun(resolved, directory, trial, debug=debug, dump=dump)
    print(json.dumps(plain_result(result), indent=1))
    if dump is not None:
        index = dump / "index.json"
        print(f"wrote {index}" if index.exists() else f"nothing was compiled: {dump} is empty", file=sys.stderr)
    if result.status.is_failure or not result.status.ran:
        raise typer.Exit(1)
