"""The words of the analysis: reasons as text, for people. The one module that turns a reason into a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from string import Formatter
from typing import Any

from ablatrix.analysis.reasons import chinese
from ablatrix.analysis.reasons.absence import Absence, Cause, Lack
from ablatrix.analysis.reasons.knob_levels import KnobLevels
from ablatrix.analysis.reasons.reason import Code, Reason, Why
from ablatrix.records.metrics import Language

AnyReason = Why | Reason | Absence | Lack

CAUSES: Mapping[str, str] = {
    Cause.NO_RECORD: "no record",
    Cause.NO_BASELINE: "the baseline of its part of the block is not ok",
    Cause.NO_VALUE: "ok, but without a positive value",
}
NOT_RUN = "not run"
IN_BLOCKS = "{kind} in {count} of {blocks} blocks"
LACK = "{absence}: {names:|}"
LACK_OF_MORE = "{absence}: {names:|} | {more} more"
PHRASES: Mapping[Code, str] = {
    "no_whole_pair": "no pair of configurations is complete in every block",
    "baseline_apart": "no block contains both it and the baseline",
    "one_block": "a single block has no interval",
    "few_blocks": "{blocks} of at least {least} blocks",
    "not_known": "{kind} {name}: {why}",
    "too_wide": "{kind} {name}: known to +-{half_width:.2%}, wanted +-{margin:.2%}",
    "runs_differ": "{kind} {name}: run {run} is {ratio:.4f} times run 1 [{low:.4f}, {high:.4f}]: {state}",
    "of_unit": "{workload} on {compiler}, {mode}: {why}",
    "no_trial_of_unit": "no trial of {workload} on {compiler}; there are: {there}",
    "several_sizes": "{workload} on {compiler} has {count} sizes in these results",
    "no_trial_in_mode": "no trial in mode {modes:or}, which would report {metric}",
    "no_trial": "no trial bears on it",
    "does_not_vary": "knob '{knob}' does not vary in {mode} mode; these do: {others}",
    "levels_not_named": "knob '{knob}' was run at {seen}; name two of them as 'levels'",
    "levels_not_run": "knob '{knob}' was run at {seen}; not at {levels:and}",
    "no_pair_in_claim": "no two configurations that differ in '{knob}' alone were run",
    "no_configuration": "no trial of the configuration {levels}",
    "same_configuration": "both configurations of the claim are the same one",
    "no_block_of_both": "no block reports {metric} for both",
    "factor_beyond_bound": "the factor is {shown}, but {wanted} is claimed",
    "screened_idle": "knob '{knob}' changes nothing that is built, as the untimed compiles of stage '{stage}' show",
    "screened_not_confirmed": "the factor is {shown}, which stage '{stage}' screened and no stage confirms",
    "interval_holds_bound": "the interval of {shown} contains {bound:.4g}",
    "verdict_is_none": "the factor is {shown}, but among all effects that are judged, the verdict is: {verdict}",
    "knob_is_no_op": "knob '{knob}' is a no-op from {base_level} to {level}: {why}",
    "planned_without_record": "{count} planned trials have no record",
    "mode_without_record": "{count} planned {mode} trials have no record",
    "wrong_outputs": "{count} of {trials} trials have wrong outputs",
    "comparisons_missing": "{count} comparisons are missing",
    "ok_without_check": "{count} ok trials have no check",
    "ok_ill_conditioned": "{count} ok trials have no output that their type determines (ill-conditioned)",
    "other_misses": "{count} of {trials} trials compiled a different number of tasks",
    "misses_unknown": "{count} do not report it",
    "trials_of_status": "{count} {status}",
    "excluded": "{count} x {what}",
    "none_ok": "no trial is ok",
    "one_level": "knob {knob} is at one level only",
    "no_trial_of_matrix": "no {mode} trial of its configurations",
    "not_whole": "{name}: ok in {ok} of {repeats} blocks{others:()}",
    "no_block_with_baseline": "no {mode} block in which both it and the baseline are ok",
    "times_unclear": "the interval of the {times:and the} time is too wide to tell",
    "times_equal": "neither time differs from the baseline's",
    "times_scatter": "the differences vary too much to give a number of runs",
    "has_failures": "has trials that ended as {statuses}",
    "no_figure": "no ok trial reports {columns}",
    "code_unstable": "the code of one configuration differs between its trials",
    "only_code_differs": "the code differs, but no figure of the plan or of the memory does",
    "not_read_back": "the code is the same, and nothing else was read back",
    "no_pair_built": "no two configurations that differ in this knob alone were built",
    "same_program": "the same program in all {pairs} pairs",
    "same_program_alone": "the same program in the only pair",
    "differs_in_pairs": "{evidence} in {differing} of {pairs} pairs",
    "differs_on_average": "{evidence} on average over {pairs} pairs",
    "alias": "{one} is the same program as {other}",
    "overridden": "overridden by {by:or}",
    "not_built": "{count} more not built",
    "no_op_claimed": "{workload} on {compiler}: knob '{knob}' is a no-op from {base_level} to {level} by what was "
    "built (the same artifact in {equal} of {pairs} pairs), but {metric} changes by {ratio:.4f} [{low:.4f}, "
    "{high:.4f}]: either it acts on something that no record reads back, such as a library at run time (declare "
    "that the knob affects run time, too), or the order of trials caused it; this is not an effect of the code",
}
"""Code -> its sentence, with a slot for each fact. A list is joined by commas, by the word after the colon, or put in
parentheses where it is not empty."""


@dataclass(frozen=True, kw_only=True)
class _Words:
    """The words of one language.

    Attributes:
        kinds: Statuses and causes that are not called by their names.
        between: Between reasons.
        comma: Between the counts of an absence.
    """

    phrases: Mapping[Code, str]
    kinds: Mapping[str, str]
    not_run: str
    in_blocks: str
    lack: str
    lack_of_more: str
    between: str
    comma: str


_WORDS: Mapping[Language, _Words] = {
    "en": _Words(
        phrases=PHRASES,
        kinds=CAUSES,
        not_run=NOT_RUN,
        in_blocks=IN_BLOCKS,
        lack=LACK,
        lack_of_more=LACK_OF_MORE,
        between="; ",
        comma=", ",
    ),
    "zh": _Words(
        phrases=chinese.PHRASES,
        kinds=chinese.KINDS,
        not_run=chinese.NOT_RUN,
        in_blocks=chinese.IN_BLOCKS,
        lack=chinese.LACK,
        lack_of_more=chinese.LACK_OF_MORE,
        between="\N{FULLWIDTH SEMICOLON}",
        comma="\N{FULLWIDTH COMMA}",
    ),
}


MOST_NAMED = 6
"""Knobs of a centre that are named; of more, their number."""


def text_of(reason: AnyReason, language: Language = "en") -> str:
    """Return a reason in words."""
    words = _WORDS[language]
    if isinstance(reason, Why):
        return words.between.join(text_of(part, language) for part in reason.parts)
    if isinstance(reason, Reason):
        return _filled(words.phrases[reason.code], dict(reason.facts), language)
    if isinstance(reason, Lack):
        phrase = words.lack_of_more if reason.more else words.lack
        return _filled(phrase, {"absence": reason.absence, "names": reason.names, "more": reason.more}, language)
    if reason.is_not_run:
        return words.not_run
    named = sorted((words.kinds.get(kind, kind), count) for kind, count in reason.counts)
    return words.comma.join(words.in_blocks.format(kind=kind, count=n, blocks=reason.blocks) for kind, n in named)


def optional_text(reason: AnyReason | None, language: Language = "en") -> str | None:
    """Return a reason in words, None where there is none."""
    return None if reason is None else text_of(reason, language)


def levels_text(levels: KnobLevels) -> str:
    """Return levels by knob as tables show them; empty when there is none."""
    return ", ".join(f"{knob}={level}" for knob, level in levels.items())


def stage_text(stage: str, centre: KnobLevels) -> str:
    """Return a stage with the configuration that it is around, where that is not the baseline.

    Of many knobs that are all at one level, or of too many to name, it says how many they are.
    """
    if not centre:
        return stage
    levels = set(centre.values())
    if len(centre) <= MOST_NAMED:
        return f"{stage} (around {levels_text(centre)})"
    return f"{stage} (around {len(centre)} knobs {f'at {levels.pop()}' if len(levels) == 1 else 'moved'})"


def plain_data(value: Any) -> Any:
    """Return a value as plain data, for JSON: a dict for a dataclass, the words for reasons and for levels."""
    if isinstance(value, Why | Reason | Absence | Lack):
        return text_of(value)
    if isinstance(value, KnobLevels):
        return levels_text(value)
    if is_dataclass(value):
        return {field.name: plain_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain_data(held) for key, held in value.items()}
    return [plain_data(held) for held in value] if isinstance(value, list | tuple) else value


class _Facts(Formatter):
    """Puts facts into a sentence of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Why | Absence):
            return text_of(value, self._language)
        if not isinstance(value, tuple):
            return str(super().format_field(value, format_spec))
        is_wide = self._language == "zh"
        comma = "\N{IDEOGRAPHIC COMMA}" if is_wide else ", "
        if format_spec == "()":
            return f" ({comma.join(value)})" if value else ""
        is_letter = is_wide and format_spec != "|"  # Chinese has no spaces around a word
        return (format_spec if is_letter else f" {format_spec} ").join(value) if format_spec else comma.join(value)


def _filled(phrase: str, facts: Mapping[str, Any], language: Language) -> str:
    return _Facts(language).vformat(phrase, (), facts)
