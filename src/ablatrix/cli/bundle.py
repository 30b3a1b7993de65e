"""Commands around the artifact: ``artifact``, ``verify``, ``doctor``."""

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ablatrix.artifact.finding import Finding


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("artifact")(artifact_command)
    app.command("verify")(verify_command)
    app.command("doctor")(doctor_command)


def artifact_command(
    study: Annotated[Path, typer.Argument(help="Study file (YAML).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Directory for the artifact.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
    keep_work: Annotated[
        bool, typer.Option("--keep-work", help="Keep prepared programs and caches beside the artifact.")
    ] = False,
) -> None:
    """Environment check, then the whole study, tables, figures, text and MANIFEST, in one go."""
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.tabulate import tabulate
    from ablatrix.analysis.tidy import tidy
    from ablatrix.artifact.bundle import assemble
    from ablatrix.artifact.environment_check import check_environment
    from ablatrix.artifact.manifest import Command
    from ablatrix.cli.running import end_run, run_study
    from ablatrix.errors import ArtifactError
    from ablatrix.paper.make import make_paper
    from ablatrix.study.load import load_study
    from ablatrix.trials.directory import ResultDirectory
    from ablatrix.trials.environment import utc_now

    started, clock = utc_now(), monotonic()
    loaded = load_study(study)
    findings = check_environment(out, [choice.name for choice in loaded.compilers])
    show_findings([one for one in findings if one.level != "ok"], to_stderr=True)
    fatal = [one for one in findings if one.level == "fatal"]
    if fatal:
        raise ArtifactError("; ".join(f"{one.name}: {one.found}, needed {one.needed}; {one.remedy}" for one in fatal))
    summary = run_study(loaded, study, out, [], quiet)
    if summary.signal is not None or not summary.complete:
        end_run(summary)
    found = tidy([summary.results])
    tabulate(found, out)
    make_paper(Findings(found), None, out / "paper")
    if not keep_work:
        shutil.rmtree(ResultDirectory(out).work, ignore_errors=True)
    failed = int(summary.failed > 0)
    argv = ["ablatrix", "artifact", str(study), "--out", str(out)]
    command = Command(argv=argv, started_utc=started, seconds=monotonic() - clock, exit_code=failed)
    manifest = assemble(out, study, [command], findings)
    print(f"{out}: {len(manifest.files)} files, root digest {manifest.root_digest}", file=sys.stderr)
    end_run(summary)


def verify_command(
    directory: Annotated[Path, typer.Argument(help="Directory of an artifact.", show_default=False)],
    root_digest: Annotated[
        str | None, typer.Option("--root-digest", help="Digest that was published; the manifest must have it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Check every byte, row and figure of an artifact; exit 1 with a list of what does not hold."""
    from ablatrix.artifact.verify import examine

    found = examine(directory, root_digest)
    if as_json:
        print(json.dumps({**asdict(found), "holds": not found.problems}, indent=1))
    else:
        for note in found.notes:
            print(f"note: {note}", file=sys.stderr)
        for problem in found.problems:
            print(problem)
        verdict = f"{len(found.problems)} problems" if found.problems else "holds"
        print(f"{directory}: {found.files} files, {found.records} records, root digest {found.root_digest}: {verdict}")
    if found.problems:
        raise typer.Exit(1)


def doctor_command(
    out: Annotated[Path | None, typer.Option("--out", help="Directory that results would be written to.")] = None,
    compilers: Annotated[
        list[str] | None, typer.Option("--compiler", help="Compiler that must be there (repeatable).")
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Measure the A/A noise floor here, for about 20 s.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say what this machine lacks to run studies (exit 1), and what makes its numbers scatter, with the remedies."""
    from ablatrix.artifact.environment_check import check_environment
    from ablatrix.compilers.catalogue import get_compiler

    findings = check_environment(out, [get_compiler(name).name for name in compilers or []])
    sentence = None
    if measure:
        finding, sentence = _measure_noise_floor()
        findings.append(finding)
    if as_json:
        print(json.dumps([asdict(one) for one in findings], indent=1))
    else:
        show_findings(findings)
        if sentence is not None:
            print(sentence)
    if any(one.level == "fatal" for one in findings):
        raise typer.Exit(1)


def _measure_noise_floor() -> "tuple[Finding, str | None]":
    """Measure the noise floor and judge it by the precision that studies ask for, where there is torch to run it."""
    from ablatrix.artifact.finding import Finding
    from ablatrix.compilers.catalogue import get_compiler
    from ablatrix.study.model import HotProtocol
    from ablatrix.trials.interrupt import Interrupted
    from ablatrix.trials.noise_floor import measure_noise_floor

    wanted = HotProtocol().cell_width
    entry, needed = get_compiler("eager"), f"<= {wanted:.0%}"
    if not entry.installed:
        remedy = f"pip install 'ablatrix[{entry.extra}]', and run it again"
        return Finding("A/A noise floor", "note", "not measured: torch is not installed", needed, remedy), None
    with tempfile.TemporaryDirectory(prefix="ablatrix-doctor-") as place:
        try:
            floor = measure_noise_floor(Path(place), lambda what: print(f"noise floor: {what}", file=sys.stderr))
        except Interrupted as interrupted:
            raise typer.Exit(128 + interrupted.signal) from None
    good = floor.largest <= wanted
    remedy = "" if good else "put the warnings above right, or use fewer threads than cores"
    found = f"+-{floor.largest:.2%}"
    return Finding("A/A noise floor", "ok" if good else "warning", found, needed, remedy), floor.sentence()


def show_findings(findings: "list[Finding]", to_stderr: bool = False) -> None:
    """Print findings as a table."""
    from ablatrix.cli.display import print_table

    if findings:
        rows = [[one.level, one.name, one.found, one.needed, one.remedy] for one in findings]
        print_table("Environment", ["level", "what", "found", "needed", "remedy"], rows, to_stderr=to_stderr)
