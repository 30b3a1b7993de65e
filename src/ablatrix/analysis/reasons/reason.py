"""Why something is not reported, does not hold or is undecided: values; `ablatrix.analysis.reasons.wording` words them.

Nothing that is computed depends on the words: code that decides reads these values.
"""

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from ablatrix.analysis.reasons.absence import Absence, Lack

Code = Literal[
    # effects and their repeats
    "no_whole_pair",
    "baseline_apart",
    "one_block",
    "few_blocks",
    "not_known",
    "too_wide",
    "runs_differ",
    "of_unit",
    # claims
    "no_trial_of_unit",
    "several_sizes",
    "no_trial_in_mode",
    "no_trial",
    "does_not_vary",
    "levels_not_named",
    "levels_not_run",
    "no_pair_in_claim",
    "no_configuration",
    "same_configuration",
    "no_block_of_both",
    "factor_beyond_bound",
    "interval_holds_bound",
    "screened_idle",
    "screened_not_confirmed",
    "knob_is_no_op",
    "verdict_is_none",
    "planned_without_record",
    "mode_without_record",
    "wrong_outputs",
    "comparisons_missing",
    "ok_without_check",
    "ok_ill_conditioned",
    "other_misses",
    "misses_unknown",
    "trials_of_status",
    "excluded",
    "none_ok",
    # the matrix of the primary knobs
    "one_level",
    "no_trial_of_matrix",
    "not_whole",
    # break-even and Pareto fronts
    "no_block_with_baseline",
    "times_unclear",
    "times_equal",
    "times_scatter",
    "has_failures",
    "no_figure",
    # knob proofs
    "code_unstable",
    "only_code_differs",
    "not_read_back",
    "no_pair_built",
    "same_program",
    "same_program_alone",
    "differs_in_pairs",
    "differs_on_average",
    "alias",
    "overridden",
    "not_built",
    "no_op_claimed",
]
Fact: TypeAlias = "str | int | float | tuple[str, ...] | Why | None"


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        code: Which.
        facts: What its sentence says, by slot.
    """

    code: Code
    facts: tuple[tuple[str, Fact], ...] = ()


@dataclass(frozen=True)
class Why:
    """All reasons of one thing, in the order in which they are given; at least one."""

    parts: tuple[Reason | Absence | Lack, ...]

    @classmethod
    def of(cls, *parts: Reason | Absence | Lack) -> Self:
        """Return reasons, each once."""
        return cls(tuple(dict.fromkeys(parts)))

    @property
    def absence_kinds(self) -> frozenset[str]:
        """The statuses and causes that kept configurations from having values; see `Absence.kinds`."""
        absences = [part.absence if isinstance(part, Lack) else part for part in self.parts]
        return frozenset(kind for one in absences if isinstance(one, Absence) for kind in one.kinds)

    def has(self, *codes: Code) -> bool:
        """Whether one of its reasons is one of these."""
        return any(isinstance(part, Reason) and part.code in codes for part in self.parts)


def because(code: Code, **facts: Fact) -> Reason:
    """Return a reason with its facts."""
    return Reason(code, tuple(facts.items()))
