"""From a study, or one trial of it, to the question which of its passes and settings has the trouble."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import Level
from ablatrix.culprits.candidates import with_settings
from ablatrix.culprits.question import Question
from ablatrix.errors import StudyError, TrialError
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.without_file import read_level
from ablatrix.troubles import SLOWER, Configuration, check_kind, trouble_of


def question_of_study(
    resolved: ResolvedStudy,
    kind: str,
    *,
    workload: str | None = None,
    compiler: str | None = None,
    levels: Mapping[str, str] | None = None,
    **further: Any,
) -> Question:
    """Return the question about a configuration of a study.

    Args:
        resolved: The study.
        kind: The trouble.
        workload: Of the study; may be left out where there is one.
        compiler: As the workload.
        levels: Levels of knobs where they are not the baseline's, as text; a name with a colon is the address of a
            setting.
        further: Other fields of the question.

    Raises:
        StudyError: The study has no such workload, compiler, knob or level, or several of the first two.
        CompilerError: There is no such setting.
    """
    study = resolved.study
    chosen = _the_one("compiler", compiler, [one.name for one in study.compilers], "--compiler")
    program = _the_one("workload", workload, [one.name for one in study.variants], "--workload")
    given = levels or {}
    addresses = {name: [read_level(text)] for name, text in given.items() if ":" in name}
    resolved, names = with_settings(resolved, chosen, addresses)
    entry = resolved.catalogue.compiler(chosen)
    own: dict[str, Level] = {}
    for name, text in given.items():
        knob = entry.knob(names.get(name, name))
        there = {str(one.name): one.name for one in knob.levels} if knob is not None else {}
        own[names.get(name, name)] = there.get(text, read_level(text))
    configuration = Configuration(resolved=resolved, workload=program, compiler=chosen, levels=own)
    configuration.check()
    baseline = baseline_of(study, entry) if own else {}
    return _checked(Question(configuration=configuration, kind=check_kind(kind), baseline=baseline, **further))


def question_of_trial(resolved: ResolvedStudy, records: Path, trial: str, kind: str | None, **further: Any) -> Question:
    """Return the question about a trial that was run.

    Args:
        resolved: The study that it was run with.
        records: The file of records.
        trial: Id of the trial or of one of its records, or its first characters.
        kind: The trouble; None: that which the record shows.
        further: Other fields of the question.

    Raises:
        TrialError: There is no such trial, or several; its record shows no trouble, or another one than is asked for.
        StudyError: The study has not what the trial is of.
    """
    record = _find(records, trial)
    seen = trouble_of(record)
    if record.config.compiler == "eager":
        raise TrialError(f"trial {record.trial_id} is of the reference, which compiles nothing; name one of a compiler")
    asked = check_kind(kind) if kind is not None else None if seen is None else seen.kind
    if asked is None:
        raise TrialError(
            f"trial {record.trial_id} is fine: it ended as {record.status.replace('_', ' ')}, so there is nothing to "
            f"look for; if it is too slow, say --trouble {SLOWER}"
        )
    if asked != SLOWER and (seen is None or seen.kind != asked):
        raise TrialError(
            f"trial {record.trial_id} ended as {record.status.replace('_', ' ')}, not as {asked.replace('_', ' ')}; "
            "leave --trouble out to look for what it shows"
        )
    levels: dict[str, Level] = {name: level for name, level in record.config.knobs.items() if level is not None}
    configuration = Configuration(
        resolved=resolved, workload=record.workload.name, compiler=record.config.compiler, levels=levels
    )
    return _checked(
        Question(
            configuration=configuration,
            kind=asked,
            baseline=dict(record.config.baseline),
            known=None if asked == SLOWER else seen,
            mode=record.mode,
            **further,
        )
    )


def _checked(question: Question) -> Question:
    question.check()
    return question


def _find(records: Path, start: str) -> Record:
    held = [one for one in read_records(records, report=lambda _: None) if one.final]
    found = {one.trial_id: one for one in held if one.trial_id.startswith(start) or one.record_id.startswith(start)}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise TrialError(f"{records}: no finished trial, and no record of one, has an id that begins with '{start}'")
    raise TrialError(f"{records}: {len(found)} trials have an id that begins with '{start}'; give more characters")


def _the_one(what: str, wanted: str | None, there: list[str], option: str) -> str:
    known = ", ".join(there)
    if wanted is not None and wanted not in there:
        raise StudyError(f"the study has no {what} '{wanted}'; it has: {known}")
    if wanted is None and len(there) != 1:
        raise StudyError(f"one {what} is looked at, and the study has: {known}; choose one with {option}")
    return there[0] if wanted is None else wanted
