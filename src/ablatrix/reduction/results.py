"""What a reduction leaves: ``repro.py``, ``study.yaml`` and ``issue.md``, and whether they show the trouble."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ablatrix.compilers.catalogue import Level
from ablatrix.errors import AblatrixError, TrialError, WorkloadError
from ablatrix.interpreter import interpreter
from ablatrix.records.journal import read_records
from ablatrix.records.machine import read_machine
from ablatrix.records.model import Record
from ablatrix.records.names import RECORDS_NAME
from ablatrix.reduction.issue import issue_text
from ablatrix.reduction.plain_calls import PlainCall, plain_call
from ablatrix.reduction.question import Shown
from ablatrix.reduction.script import Script, script_text
from ablatrix.reduction.source import VALUES_FILE, kept_in_file
from ablatrix.study.load import load_study
from ablatrix.study.model import Mode, Study
from ablatrix.study.without_file import study_text
from ablatrix.study.workload_choice import WorkloadChoice
from ablatrix.troubles import Configuration, Looks, Observation, Predicate, Trouble
from ablatrix.workloads.capture import FlatGraph

REPRO, STUDY, ISSUE, PRINTED = "repro.py", "study.yaml", "issue.md", "repro.txt"
WORKLOAD = "reduced"
WITHOUT_ABLATRIX = (
    "import sys, runpy; sys.modules['ablatrix'] = None; sys.argv = sys.argv[1:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""Runs a script where importing ablatrix is an error."""
SHOWS, SHOWS_NOT = 1, 0
LONGEST_S = 900.0
NO_REPRO = "there is no repro.py: "


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Whether what was written shows the trouble.

    Attributes:
        study: ``study.yaml`` in new processes.
        repro: ``repro.py`` in a new interpreter.
        told: What it printed, or why there is none.
        shown: What the study's trial showed; None where it was ok or did not run.
        record: The record of that trial, for versions and machine.
    """

    study: Shown
    repro: Shown
    told: str
    shown: Trouble | None
    record: Record | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is written about.

    Attributes:
        configuration: The one of the whole program.
        good: The one without the trouble.
        trouble: What is wrong.
        mode: Mode of the trials.
        graph: The reduced program.
        nodes: Operations of the whole one.
        threads: Threads of a run.
        out: Directory.
    """

    configuration: Configuration
    good: Configuration
    trouble: Trouble
    mode: Mode
    graph: FlatGraph
    nodes: int
    threads: int
    out: Path

    @property
    def changed(self) -> dict[str, Level]:
        """Levels that differ from those without the trouble."""
        good = self.good.full_levels
        return {name: level for name, level in self.configuration.full_levels.items() if good.get(name) != level}


def write_results(case: Case, predicate: Predicate) -> Checked:
    """Write the files, run them in fresh interpreters, and write what they showed into ``issue.md``.

    Raises:
        TrialError: The directory cannot be written.
    """
    try:
        _copy_files(case)
        call, told = _write_script(case)
        (case.out / STUDY).write_text(study_text(_study(case)), encoding="utf-8")
        observation, record = _try_study(case, predicate)
        repro: Shown = "not_run"
        if call is not None:
            repro, told = run_script(case.out / REPRO)
            (case.out / PRINTED).write_text(told, encoding="utf-8")
        checked = Checked(
            study="yes" if observation is not None and observation.answer == "yes" else "no",
            repro=repro,
            told=told,
            shown=None if observation is None else observation.trouble,
            record=record,
        )
        text = issue_text(case, checked, call)
        (case.out / ISSUE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise TrialError(f"{case.out}: cannot be written: {error.strerror}; choose another --out") from error
    return checked


def run_script(script: Path) -> tuple[Shown, str]:
    """Run ``repro.py`` in a new interpreter that has no ablatrix; return whether it shows the trouble, and its text."""
    command = interpreter("-c", WITHOUT_ABLATRIX, str(script))
    try:
        done = subprocess.run(
            command, cwd=script.parent, capture_output=True, text=True, timeout=LONGEST_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return "no", f"it did not end within {LONGEST_S:.0f} s"
    told = done.stdout.strip() if done.returncode in {SHOWS, SHOWS_NOT} and done.stdout else ""
    if "expected" not in told:  # an error of the script itself, which Python ends with 1, too
        return "no", f"it ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-1500:]}"
    return ("yes" if done.returncode == SHOWS else "no"), told


def _copy_files(case: Case) -> None:
    """Copy the author's passes, and plug-ins, to where study and script name them."""
    base = case.configuration.study.directory
    for knob in case.configuration.entry.knobs:
        if knob.inserts is None:
            continue
        folder = (case.out / knob.inserts.name.rpartition(":")[0]).parent
        for name, file in knob.inserts.source.files.items():
            _copy(file, folder / name)
    for plugin in case.configuration.study.plugins:
        if (base / plugin).is_file():
            _copy(base / plugin, case.out / plugin)


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if file.resolve() != to.resolve():
        shutil.copyfile(file, to)


def _write_script(case: Case) -> tuple[PlainCall | None, str]:
    """Write ``repro.py``, and return how it calls the compiler; or None, with why that cannot be written."""
    entry, held = case.configuration.entry, kept_in_file(case.graph)
    if held:
        torch.save(held, case.out / VALUES_FILE)
    call = plain_call(entry, case.configuration.full_levels, case.threads)
    reference = plain_call(entry, case.good.full_levels, case.threads)
    script = Script(
        graph=case.graph,
        trouble=case.trouble,
        title=f"{entry.name}: {case.trouble.text}",
        facts=_facts(case, call),
        call=call or PlainCall(environment={}, code=_NO_CALL, package=entry.name, own=(), left_out=()),
        reference=reference if case.trouble.is_slower else None,
        timeout_s=case.configuration.study.protocol.cold.timeout_s,
    )
    try:
        (case.out / REPRO).write_text(script_text(script), encoding="utf-8")
    except WorkloadError as error:
        return None, f"{NO_REPRO}{error}"
    if call is None:
        return None, f"compiler '{entry.name}' is no library that a script could call: repro.py has the program alone"
    return call, ""


_NO_CALL = """def compile_model(model, inputs):
    raise SystemExit("this compiler is no library of Python; see study.yaml")
"""


def _facts(case: Case, call: PlainCall | None) -> tuple[str, ...]:
    from ablatrix.records.origin import installed_version

    machine = read_machine()
    packages = ["torch", *([] if call is None or call.package == "torch" else [call.package])]
    versions = ", ".join(f"{name} {installed_version(name)}" for name in packages)
    changed = ", ".join(f"{name}={level}" for name, level in case.changed.items())
    facts = [f"Versions: {versions}.", f"Machine: {machine.cpu}, {machine.isa or 'unknown'}, {machine.os or ''}."]
    if changed:
        facts.append(f"Settings without which it is not there: {changed}.")
    if call is not None and call.left_out:
        facts.append(f"Settings that this script does not set: {', '.join(call.left_out)}.")
    return tuple(facts)


def _study(case: Case) -> Study:
    """Return the study that shows the trouble on the reduced program."""
    made = case.configuration.look(case.mode, reference=case.good.levels).study
    workload = WorkloadChoice(name=WORKLOAD, source=f"{REPRO}:make")
    kept = {name: getattr(made, name) for name in Study.model_fields}
    study = Study(**{**kept, "name": WORKLOAD, "description": case.trouble.text[:200], "workloads": [workload]})
    return study.at(case.out)


def _try_study(case: Case, predicate: Predicate) -> tuple[Observation | None, Record | None]:
    """Ask the written study in new processes; None where it cannot be run."""
    shutil.rmtree(case.out / "check", ignore_errors=True)
    try:
        resolved = load_study(case.out / STUDY)
        asked = replace(case.configuration, resolved=resolved, workload=WORKLOAD, program=None)
        with Looks(case.out / "check") as looks:
            seen = replace(predicate, looks=looks, seen=[]).ask(asked.at(case.configuration.full_levels), "study")
    except AblatrixError:
        return None, None
    records = list(read_records(case.out / "check" / seen.results[0] / RECORDS_NAME)) if seen.results else []
    return seen, next((one for one in records if one.config.compiler != "eager"), None)
