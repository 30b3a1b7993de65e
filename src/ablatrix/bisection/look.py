"""One look at a commit: its build beside the good one, by an ordinary run, and what the records of that run show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.analysis.effects import main_effects
from ablatrix.analysis.reasons import optional_text
from ablatrix.analysis.table import tidy
from ablatrix.bisection.question import Question, Settled
from ablatrix.builds import BuildSpec
from ablatrix.catalogue import Catalogue
from ablatrix.errors import AnalysisError, TrialError
from ablatrix.records.journal import final_records, read_records
from ablatrix.records.model import Record
from ablatrix.records.names import RECORDS_NAME
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.study.stage import Stage
from ablatrix.trials.results import Progress
from ablatrix.trials.run import run_to_end
from ablatrix.troubles import InterruptedLook

BUILD = "build"
SHARED = ("programs", "builds")
"""What all looks have in common: prepared workloads, and builds, each under the digest of what it depends on."""


@dataclass(frozen=True)
class Sight:
    """What a run of two builds showed.

    Attributes:
        trials: Its trials.
        logs: Log ratio of the tested build to the other one, for each block; empty where no block has both.
        why: Why there is none; None where there is one.
        statuses: How the trials of the tested build ended.
        good_statuses: How those of the other one did.
    """

    trials: int
    logs: tuple[float, ...]
    why: str | None
    statuses: frozenset[str]
    good_statuses: frozenset[str]


def see(
    settled: Settled,
    catalogue: Catalogue,
    specs: tuple[BuildSpec, BuildSpec],
    directory: Path,
    size: tuple[int, int],
    out: Path,
    progress: Progress,
) -> Sight:
    """Run two builds beside each other, or go on with such a run, and return what it showed.

    Args:
        settled: What is asked.
        catalogue: Compilers and workloads beside those of the study itself.
        specs: The build that is compared with, and the tested one.
        directory: Of the run.
        size: How often these two were looked at before (each time in another order, and in other layouts), and how many
            blocks are measured.
        out: Directory of the bisection.
        progress: Notified of what happens in the run.

    Raises:
        InterruptedLook: The user stopped it.
        StudyError, CompilerError, BuildError, TrialError: The run cannot be made.
    """
    study = study_of_look(settled, specs, *size)
    try:
        for name in SHARED:
            (out / name).mkdir(parents=True, exist_ok=True)
            link = directory / "work" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(out / name, target_is_directory=True)
    except OSError as error:
        raise TrialError(f"{directory}: cannot be written: {error.strerror}; choose another --out") from error
    done = run_to_end(
        resolve_study(study, catalogue),
        directory,
        study_directory=study.directory,
        progress=progress,
        keep_samples=False,
    )
    if done.signal is not None:
        raise InterruptedLook(done.signal)
    return read_sight(settled, directory)


def study_of_look(settled: Settled, specs: tuple[BuildSpec, BuildSpec], turn: int, blocks: int) -> Study:
    """Return the study of one look: the chosen workload, compiler and configuration, in two builds."""
    study, question = settled.study, settled.question
    baseline: dict[str, Any] = {**study.baseline, **question.levels, BUILD: settled.good}
    builds = [settled.good, settled.bad]
    modes = [question.mode] if question.is_slower else study.modes
    hot = study.protocol.hot.model_copy(update={"blocks": blocks, "max_blocks": blocks})
    cold = study.protocol.cold.model_copy(update={"replicates": blocks})
    changed: dict[str, Any] = {
        "workloads": [one for one in study.workloads if one.name == settled.workload],
        "compilers": [settled.compiler.model_copy(update={"builds": builds})],
        "builds": dict(zip(builds, specs, strict=True)),
        "modes": modes,
        "baseline": baseline,
        "stages": [Stage(name="builds", factorial={BUILD: builds})],
        "seed": study.seed + turn,
        "protocol": study.protocol.model_copy(update={"hot": hot, "cold": cold}),
    }
    kept = {name: getattr(study, name) for name in Study.model_fields}
    return Study(**{**kept, **changed}).at(study.directory)


def read_sight(settled: Settled, directory: Path) -> Sight:
    """Return what a run showed, from its records."""
    records = [one for one in final_records(read_records(directory / RECORDS_NAME)) if one.config.compiler != "eager"]
    tested, others = (
        frozenset(str(one.status) for one in records if one.config.knobs.get(BUILD) == name)
        for name in (settled.bad, settled.good)
    )
    logs, why = _log_ratios(settled, directory) if settled.question.is_slower else ((), None)
    if why is not None and tested - {"ok"}:
        why = f"{_ended(records, settled.bad)}"
    return Sight(len(records), logs, why, tested, others)


def _log_ratios(settled: Settled, directory: Path) -> tuple[tuple[float, ...], str | None]:
    question: Question = settled.question
    try:
        found = tidy([directory])
    except AnalysisError as error:
        return (), str(error)
    effects = main_effects(found.trials, question.metric, question.mode, [BUILD])
    for effect in effects:
        if effect.level == settled.bad:
            why = None if effect.logs else optional_text(effect.reason) or "no block has both builds"
            return effect.logs, why
    return (), "no block has both builds"


def _ended(records: list[Record], build: str) -> str:
    """Return how the trials of a build ended that were not ok, with the message of the first of them."""
    failed = [one for one in records if one.config.knobs.get(BUILD) == build and one.status != "ok"]
    message = next((one.error.message.splitlines()[0] for one in failed if one.error and one.error.message), "")
    statuses = ", ".join(sorted({str(one.status).replace("_", " ") for one in failed}))
    return f"its trials ended as {statuses}" + (f": {message}" if message else "")
