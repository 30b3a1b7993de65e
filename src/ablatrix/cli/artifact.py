"""Commands for artifacts and the machine they are made on: ``artifact``, ``verify``, ``doctor``."""

import json
import resource
import shutil
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from ablatrix.cli.help import add
from ablatrix.cli.options import Plugins, Quiet
from ablatrix.cli.sign import SignedBy, SigningKey, try_key
from ablatrix.cli.trust import Trusted, trust_of
from ablatrix.foreign_text import escaped, shell_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ablatrix.artifact.bundle import Origin, Pseudonyms, Verification
    from ablatrix.artifact.contents import Command, Manifest, RunCost
    from ablatrix.doctor.finding import Finding
    from ablatrix.doctor.modules import ModuleNeed
    from ablatrix.study.resolve import ResolvedStudy
    from ablatrix.study.trust import Trust
    from ablatrix.trials.run import RunSummary

Anonymous = Annotated[
    bool,
    typer.Option(
        "--anonymous",
        help="For double-blind review: write the artifact without host, user and home directory; the run with its "
        "names is kept in OUT-named.",
    ),
]
WithContainer = Annotated[
    bool,
    typer.Option(
        "--container",
        help="Add the recipe of a container in which the artifact is evaluated without a network, and write the "
        "wheels that are installed in it to OUT-wheels.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    add(app, "artifact", artifact_command)
    add(app, "verify", verify_command)
    add(app, "doctor", doctor_command)


def artifact_command(
    study: Annotated[Path, typer.Argument(help="Study file (YAML).", show_default=False)],
    out: Annotated[Path, typer.Option("--out", help="Directory for the artifact; its zip is written next to it.")],
    claims: Annotated[
        Path | None,
        typer.Option(
            "--claims", help="Claims file (YAML).", show_default="STUDY.claims.yaml next to the study file, if any"
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="Template of the paper (YAML).", show_default="the shipped template"),
    ] = None,
    anonymous: Anonymous = False,
    quiet: Quiet = False,
    container: WithContainer = False,
    keep_work: Annotated[
        bool, typer.Option("--keep-work", help="Keep the prepared programs and caches of the run in its folder work/.")
    ] = False,
    sign: SigningKey = None,
    plugin: Plugins = None,
    trust: Trusted = False,
) -> None:
    """Check the machine, run a whole study, and write its artifact: tables, figures, text, documents, manifest, zip."""
    from ablatrix.artifact.bundle import Origin, assemble, refuse_identity
    from ablatrix.artifact.checks import derive_anew
    from ablatrix.artifact.contents import Reading, claims_beside
    from ablatrix.cli.run import end_run
    from ablatrix.study.files import companions, refuse_changed_files
    from ablatrix.trials.host import utc_now
    from ablatrix.trials.results import ResultDirectory

    started, clock = utc_now(), monotonic()
    resolved = _loaded(study, out, plugin, trust_of(trust))
    beside = companions(resolved)  # refused before anything is run
    if anonymous:
        refuse_identity(resolved.study.about, study)
    try_key(sign, anonymous)
    claims = claims or claims_beside(study)
    origin = Origin(study=study, claims=claims, template=template, companions=beside, key=sign)
    findings = checked_environment(resolved, out)
    results = out.with_name(out.name + "-named") if anonymous else out
    wheels = _gathered_wheels(resolved, out, origin.companions) if container else None
    summary, cost = _run_counted(resolved, study, results, quiet)
    if summary.signal is not None or not summary.complete:
        end_run(summary)
    refuse_changed_files(resolved)  # what is bundled is what was measured
    pseudonyms = _hidden(summary.results, results, out) if anonymous else None
    reading = Reading(out, origin.claims)
    derive_anew(reading, template)
    if not keep_work:
        shutil.rmtree(ResultDirectory(results).work, ignore_errors=True)
    options = [*(["--anonymous"] if anonymous else []), *(["--container"] if container else [])]
    command = _command(origin, out, options, started, monotonic() - clock, failed=not summary.good)
    whole = replace(origin, commands=[command], findings=findings, run=cost, pseudonyms=pseudonyms)
    whole = replace(whole, packages=_packages(resolved), wheels=wheels)
    _announce(assemble(out, whole, reading), out, results if anonymous else None, wheels)
    end_run(summary)


def _loaded(study: Path, out: Path, plugins: list[Path] | None, trust: "Trust") -> "ResolvedStudy":
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.study.load import load_study
    from ablatrix.study.trust import refuse_untrusted_work

    refuse_untrusted_work(out, trust)
    return load_study(study, read_catalogue(plugins or ()), trust=trust)


def _gathered_wheels(resolved: "ResolvedStudy", out: Path, companions: "Mapping[str, Path]") -> Path:
    """Fetch the wheels for a container before anything is run: what cannot be had is said before hours of a run."""
    from datetime import UTC, datetime

    from ablatrix.artifact.bundle import gather_wheels, make_recipe, study_lock, wheels_beside
    from ablatrix.doctor.shipped import shipped_bytes
    from ablatrix.records.names import LOCK_NAME

    make_recipe(datetime.now(UTC))  # refused here where this Python is none of Debian's
    shipped = shipped_bytes(LOCK_NAME)
    assert shipped is not None
    compilers = [choice.name for choice in resolved.study.compilers]
    wheels = wheels_beside(out)
    print(f"{wheels}: fetching what is not there of the packages of the lock", file=sys.stderr)
    gather_wheels(study_lock(shipped.decode(), compilers, companions, _packages(resolved)), wheels)
    return wheels


def _announce(manifest: "Manifest", out: Path, named: Path | None, wheels: Path | None) -> None:
    from ablatrix.artifact.contents import archive_path
    from ablatrix.cli.tables import next_steps

    print(f"{out}: {len(manifest.files)} files, root digest {manifest.root_digest}", file=sys.stderr)
    print(f"{archive_path(out)}: the same as one file, for an archive", file=sys.stderr)
    if wheels is not None:
        print(f"{wheels}: the wheels of its container; archive them with it", file=sys.stderr)
    if named is not None:
        print(f"{named}: the run with its names; keep it private until review is over", file=sys.stderr)
    next_steps(("check it as a reviewer does", f"ablatrix verify {shell_word(archive_path(out))}"))


def _packages(resolved: "ResolvedStudy") -> dict[str, str]:
    """Return the versions of the packages that a study's plug-ins need."""
    from ablatrix.doctor.modules import packages_of

    return packages_of(need.module for need in module_needs(resolved))


def module_needs(resolved: "ResolvedStudy") -> "list[ModuleNeed]":
    """Return the modules that a study's plug-ins need."""
    from ablatrix.doctor.modules import ModuleNeed
    from ablatrix.study.needs import declared_modules, plugin_modules

    declared = declared_modules(resolved)
    tops = {module.partition(".")[0] for module in declared}
    others = {module: users for module, users in plugin_modules(resolved).items() if module not in tops}
    needs = [ModuleNeed(module, users, True) for module, users in declared.items()]
    return [*needs, *(ModuleNeed(module, users, False) for module, users in others.items())]


def checked_environment(resolved: "ResolvedStudy", out: Path) -> "list[Finding]":
    """Check the machine for a study, and print every finding that is not ok.

    Raises:
        ArtifactError: The study cannot run here.
    """
    from ablatrix.doctor.environment_check import check_environment
    from ablatrix.errors import ArtifactError

    compilers = [choice.name for choice in resolved.study.compilers if not choice.builds]  # else it may be there alone
    findings = check_environment(out, compilers, needs=module_needs(resolved))
    show_findings([one for one in findings if one.level != "ok"], to_stderr=True)
    fatal = [one for one in findings if one.level == "fatal"]
    if fatal:
        raise ArtifactError("; ".join(f"{one.name}: {one.found}, needed {one.needed}; {one.remedy}" for one in fatal))
    return findings


def _hidden(records: Path, results: Path, out: Path) -> "Pseudonyms":
    """Copy the results of a run without the names in them, and return the pseudonyms used instead."""
    from ablatrix.artifact.bundle import copy_results, find_pseudonyms
    from ablatrix.records.journal import read_records

    pseudonyms = find_pseudonyms(read_records(records))
    copy_results(results, out, pseudonyms)
    return pseudonyms


def _command(origin: "Origin", out: Path, options: list[str], started: str, seconds: float, failed: bool) -> "Command":
    """Return the command as the manifest names it."""
    from ablatrix.artifact.contents import Command

    words = ["ablatrix", "artifact", str(origin.study), "--out", str(out)]
    words += ["--claims", str(origin.claims)] if origin.claims else []
    words += ["--template", str(origin.template)] if origin.template else []
    words += options
    return Command(argv=words, started_utc=started, seconds=seconds, exit_code=int(failed))


def _run_counted(resolved: "ResolvedStudy", path: Path, out: Path, quiet: bool) -> "tuple[RunSummary, RunCost | None]":
    """Run a study and measure the cost that its records do not have; None when there was nothing left to run."""
    from ablatrix.artifact.contents import RunCost
    from ablatrix.cli.run import run_study
    from ablatrix.records.journal import read_records
    from ablatrix.trials.results import ResultDirectory

    directory = ResultDirectory(out)

    def attempts() -> int:
        if not directory.results.exists():
            return 0
        return sum(1 for _ in read_records(directory.results, report=lambda _: None))

    before, clock = attempts(), monotonic()
    summary = run_study(resolved, path, out, [], quiet)
    seconds, trials = monotonic() - clock, attempts() - before
    if not trials:
        return summary, None
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # Linux reports it in KiB
    work = sum(path.stat().st_size for path in directory.work.rglob("*") if path.is_file())
    return summary, RunCost(seconds=seconds, trials=trials, largest_process_bytes=largest or None, work_bytes=work)


def verify_command(
    directory: Annotated[Path, typer.Argument(help="Directory of an artifact, or its zip.", show_default=False)],
    root_digest: Annotated[
        str | None,
        typer.Option(
            "--root-digest",
            help="Published root digest (SHA-256, hex) that the manifest must have.",
            show_default="not compared",
        ),
    ] = None,
    signed_by: SignedBy = None,
    any_size: Annotated[
        bool,
        typer.Option(
            "--any-size",
            help="Make tables, figures and text again from any number of records, with the memory that it takes.",
            show_default="from 100,000 at most; of more, all else is checked, and it exits with 1",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check every file, record, table and figure of an artifact; list what does not hold, and then exit 1."""
    from ablatrix.artifact.bundle import examine
    from ablatrix.artifact.checks import Extent
    from ablatrix.study.load import read_study_digest

    extent = None if any_size else Extent()
    found = examine(directory, root_digest, study_digest=read_study_digest, signed_by=signed_by, extent=extent)
    if as_json:
        print(json.dumps({**asdict(found), "holds": found.holds}, indent=1))
    else:
        for note in found.notes:
            print(f"note: {escaped(note)}", file=sys.stderr)
        for problem in found.problems:
            print(escaped(str(problem)))
        verdict = _verdict(found, None if signed_by is None else found.signer)
        print(f"{directory}: {found.files} files, {found.records} records, root digest {found.root_digest}: {verdict}")
    if not found.holds:
        raise typer.Exit(1)
    if not as_json:
        from ablatrix.cli.tables import next_steps

        next_steps(
            ("see which badges it is fit for", f"ablatrix badges {shell_word(directory)}"),
            ("repeat its small study", f"ablatrix reproduce {shell_word(directory)} --study tiny"),
        )


def _verdict(found: "Verification", signer: str | None) -> str:
    """Return what came of a verification in a few words; the one word ``holds`` is for those that left nothing out."""
    left_out = f"not checked: {' and '.join(found.unchecked)}" if found.unchecked else ""
    if found.problems:
        return "; ".join(filter(None, [f"{len(found.problems)} problems", left_out]))
    signed = "" if signer is None else f", signed with {signer}"
    return f"INCOMPLETE, no problem found{signed}; {left_out} (--any-size checks all)" if left_out else f"holds{signed}"


def doctor_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Directory for results: check its free disk space, and that it is writable.",
            show_default="the current directory, free disk space only",
        ),
    ] = None,
    compilers: Annotated[
        list[str] | None,
        typer.Option(
            "--compiler",
            help="Compiler that must be installed (repeatable).",
            show_default="none: missing compilers are only noted",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure/--no-measure",
            help="Measure the A/A noise floor of this machine (about 20 s), and how fast its memory is.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check what this machine lacks to run studies (then exit 1) and what makes its times scatter, with remedies."""
    from ablatrix.catalogue import installed_catalogue
    from ablatrix.doctor.environment_check import check_environment

    known = installed_catalogue()
    findings = check_environment(out, [known.compiler(name).name for name in compilers or []])
    sentence = None
    if measure:
        findings.append(_measure_memory())  # before workers run
        finding, sentence = _measure_noise_floor()
        findings.append(finding)
    if as_json:
        print(json.dumps([asdict(one) for one in findings], indent=1))
    else:
        show_findings(findings)
        if sentence is not None:
            print(sentence)
        print(_summary(findings))
    if any(one.level == "fatal" for one in findings):
        raise typer.Exit(1)


def _summary(findings: "list[Finding]") -> str:
    """Return whether studies cannot run, will run with other numbers, or will run as they should."""
    fatal = [one.name for one in findings if one.level == "fatal"]
    warned = [one.name for one in findings if one.level == "warning"]
    if fatal:
        return f"CANNOT RUN: {', '.join(fatal)}"
    if warned:
        return f"WILL RUN, numbers will differ or scatter: {', '.join(warned)}"
    return "WILL RUN"


def _measure_memory() -> "Finding":
    """Measure how fast memory is: what no program that reads all its weights can beat."""
    from ablatrix.doctor.finding import Finding
    from ablatrix.trials.host import measure_memory_speed

    speed = measure_memory_speed()
    cache = speed.last_cache_bytes
    beside = "last cache not reported" if cache is None else f"last cache {cache / 2**20:.0f} MiB"
    return Finding("memory speed", "ok", f"{speed.bytes_per_s / 1e9:.1f} GB/s, {beside}", "none")


def _measure_noise_floor() -> "tuple[Finding, str | None]":
    """Measure the noise floor and judge it by the precision that studies ask for; without torch, note that."""
    from ablatrix.compilers.catalogue import EAGER
    from ablatrix.doctor.finding import Finding
    from ablatrix.study.model import HotProtocol
    from ablatrix.trials.messages import Interrupted
    from ablatrix.trials.run import measure_noise_floor

    wanted = HotProtocol().cell_width
    needed = f"<= {wanted:.0%}"
    if not EAGER.installed:
        remedy = f"{EAGER.installation}, and run 'ablatrix doctor' again"
        return Finding("A/A noise floor", "note", "not measured: torch is not installed", needed, remedy), None
    with tempfile.TemporaryDirectory(prefix="ablatrix-doctor-") as scratch:
        try:
            floor = measure_noise_floor(Path(scratch), lambda what: print(f"noise floor: {what}", file=sys.stderr))
        except Interrupted as interrupted:
            raise typer.Exit(128 + interrupted.signal) from None
    good = floor.largest <= wanted
    remedy = "" if good else "fix the warnings above, or use fewer threads than cores"
    found = f"+-{floor.largest:.2%}"
    return Finding("A/A noise floor", "ok" if good else "warning", found, needed, remedy), floor.sentence()


def show_findings(findings: "list[Finding]", to_stderr: bool = False) -> None:
    """Print findings as a table."""
    from ablatrix.cli.tables import print_table

    if findings:
        rows = [[one.level, one.name, one.found, one.needed, one.remedy] for one in findings]
        print_table("Environment", ["level", "what", "found", "needed", "remedy"], rows, to_stderr=to_stderr)
