"""Did a knob change anything at all? Answered by what was built and read back, not by times."""

import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ablatrix.analysis.diagnosis.configurations import (
    Setting,
    Settings,
    Unit,
    by_blocks,
    described,
    one_step,
    units,
)
from ablatrix.analysis.diagnosis.explanation import Explanation, explain
from ablatrix.analysis.groups import numbered, step_of
from ablatrix.analysis.reasons import Reason, Why, because, text_of
from ablatrix.statistics.ratio import Allowance, Ratio, paired_ratio

Verdict = Literal["effective", "aliased", "no_op", "unproven"]
Facts = Mapping[str, frozenset[Any]]

CODE = "artifact_digest"
PLAN_FIGURES = (
    "tasks",
    "distinct_tasks",
    "edges",
    "logical_buffers",
    "physical_buffers",
    "logical_bytes",
    "physical_bytes_est",
    "peak_live_bytes",
)
MEMORY_FIGURES = ("compiler_planned_bytes", "planned_bytes")
MEASURED_MEMORY = "peak_rss_delta_bytes"
RUN_TIME = "run_time_knobs"
SETTINGS = "settings"
IN_FORCE = "in_force_"
BUILD, BUILD_DIGEST = "build", "build_digest"
HITS = "compile_cache_hit_disk_delta_first_run"
# What must differ before a knob counts as applied. The plan's digest also covers the options that the planner was
# asked for, so it differs at another level of its own knobs whether or not the plan does: there figures take its place.
DIFFERENCES: Mapping[str, tuple[str, ...]] = {
    "partition": (CODE, *PLAN_FIGURES),
    "reuse": ("physical_buffers", "physical_bytes_est", *MEMORY_FIGURES),
}
DIFFERENCES_OF_OTHERS = (CODE, "plan_digest", *MEMORY_FIGURES)
# Knobs that may act without any change of code, and the columns in which they are read back. Others that a compiler
# only runs with are named in the records (``run_time_knobs``).
READ_BACK: Mapping[str, tuple[str, ...]] = {
    "threads": ("threads_",),
    "arena": ("threads_",),
    "library": ("threads_",),
    "cache_tag": (HITS,),
    "pass_timing": ("pass_ms",),
}
# What records say of the process that ran a program: the libraries that it loaded, its environment, its threads, the
# settings in force. Where it differs the knob did something, whatever was built.
SURROUNDINGS = ("version_", "threads_", "environment", IN_FORCE)


@dataclass(frozen=True)
class Alias:
    """Two configurations that differ in one knob and are the same program."""

    one: Settings
    other: Settings


@dataclass(frozen=True, kw_only=True)
class KnobProof:
    """Whether moving one knob from one level to another changes what is built or read back.

    Attributes:
        digest: Of the workload: the same name can have several sizes.
        pairs: Pairs of configurations that differ in this knob alone and that both report what was built.
        differing: Pairs that differ in what this knob should change.
        equal: Pairs that are the same program. The rest of the pairs decides nothing.
        pairs_missing: Pairs of which one side was never built, or does not report it.
        evidence: Columns that differ, over all differing pairs.
        aliases: The equal pairs of a knob that is effective elsewhere.
        overridden_by: The smallest sets of other knobs' levels that all equal pairs have and no differing pair:
            what overrides the knob. Several, when the pairs cannot distinguish them.
        reason: Why it is unproven.
    """

    workload: str
    digest: str
    compiler: str
    knob: str
    base_level: str
    level: str
    verdict: Verdict
    pairs: int
    differing: int
    equal: int
    pairs_missing: int
    evidence: tuple[str, ...]
    aliases: tuple[Alias, ...]
    overridden_by: tuple[Explanation, ...]
    reason: Why | None

    @property
    def between(self) -> frozenset[str]:
        """The two levels: what they show does not depend on which of them an effect begins at."""
        return frozenset((self.base_level, self.level))


@dataclass(frozen=True, kw_only=True)
class _Pair:
    one: Settings
    other: Settings
    others: Settings
    state: Literal["differs", "equal", "undecided"]
    columns: tuple[str, ...] = ()
    reason: Reason | None = None


def prove_knobs(trials: pl.DataFrame, several: Sequence[Unit] | None = None) -> list[KnobProof]:
    """Return the proof of each workload, compiler, knob and pair of its levels.

    effective: every pair that decides differs in what the knob should change. no_op: all are equal. aliased: some
    differ, and some are equal because another knob overrides this one. unproven: nothing is shown, such as for
    ``reuse`` when only the code differs (its kill instructions alone free nothing), for a knob of the run time
    that was not read back, or when a configuration's code is not the same in all of its own trials.
    Digests of all trials that were built count, also of those with wrong output.

    Args:
        trials: The table of trials.
        several: Their configurations, where they are known already.
    """
    several = units(trials) if several is None else several
    return [
        proof for unit, facts in zip(several, _facts_of(several, trials), strict=True) for proof in _proofs(unit, facts)
    ]


def claimed_fault(proof: KnobProof, ratio: Ratio, metric: str) -> Reason | None:
    """Return what is wrong with an effect that is claimed for a no-op; None when nothing is.

    What was built is the same, and yet the metric differs: either the knob acts on something that no record reads back,
    or the order of trials does. An effect is claimed when the ratio's interval does not hold 1, on either side.

    Args:
        proof: Of the same workload, compiler, knob and levels as the effect.
        ratio: The effect on ``metric``.
        metric: Name of what is compared.
    """
    if proof.verdict != "no_op" or not ratio.side:
        return None
    return because(
        "no_op_claimed",
        workload=proof.workload,
        compiler=proof.compiler,
        knob=proof.knob,
        base_level=proof.base_level,
        level=proof.level,
        equal=proof.equal,
        pairs=proof.pairs,
        metric=metric,
        ratio=ratio.value,
        low=ratio.low,
        high=ratio.high,
    )


def _proofs(unit: Unit, facts: Mapping[Settings, Facts]) -> Iterator[KnobProof]:
    for knob, levels in unit.levels.items():
        for base_level, level in itertools.combinations(levels, 2):
            yield _prove(unit, facts, Setting(knob, base_level), Setting(knob, level))


def _facts_of(several: Sequence[Unit], trials: pl.DataFrame) -> list[Mapping[Settings, Facts]]:
    """Return the values that the trials of each configuration have in each column that can prove something.

    Each column is looked at once for all configurations: most have one value in all trials of each.
    """
    parts = [rows for unit in several for rows in unit.rows.values()]
    if not parts:
        return [{} for _ in several]
    rows = np.concatenate(parts)
    starts = np.cumsum([0, *(part.size for part in parts[:-1])])
    back = [name for name in trials.columns if name.startswith(SURROUNDINGS)]
    names = [CODE, "plan_digest", *PLAN_FIGURES, *MEMORY_FIGURES, *back, BUILD_DIGEST]
    columns = {name: trials[name] for name in dict.fromkeys((*names, RUN_TIME, SETTINGS))}
    # Only cold trials say these; times by pass differ each time: whether there are any is the fact.
    cold = pl.col("mode") == "cold"
    has_times = pl.when(cold & pl.col(CODE).is_not_null()).then(pl.col("pass_ms").is_not_null()).alias("pass_ms")
    columns |= trials.lazy().select(pl.when(cold).then(pl.col(HITS)).alias(HITS), has_times).collect().to_dict()
    values = {name: _distinct(column, rows, starts) for name, column in columns.items()}
    found: list[Mapping[Settings, Facts]] = []
    number = 0
    for unit in several:
        of_unit: dict[Settings, Facts] = {}
        for settings in unit.rows:
            facts = {name: values[name][number] for name in (*names, HITS, "pass_ms")}
            facts[RUN_TIME] = frozenset(knob for text in values[RUN_TIME][number] for knob in json.loads(text))
            pairs = (pair for text in values[SETTINGS][number] for pair in json.loads(text).items())
            of_unit[settings] = facts | {SETTINGS: frozenset(pairs)}
            number += 1
        found.append(of_unit)
    return found


def _distinct(column: pl.Series, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> list[frozenset[Any]]:
    """Return the distinct values of stretches of rows without null.

    Args:
        column: The values.
        rows: Places in the column, stretch after stretch.
        starts: Where each stretch begins in ``rows``.
    """
    found = numbered(column.to_frame(), [column.name])
    values = column.gather(found.first).to_list()
    if found.count == 1:
        return [frozenset(one for one in values if one is not None)] * starts.size
    numbers = found.numbers[rows]
    least, most = (pick.reduceat(numbers, starts).tolist() for pick in (np.minimum, np.maximum))
    ends = [*starts[1:].tolist(), rows.size]
    return [
        frozenset(
            values[one]
            for one in ([low] if low == high else np.unique(numbers[start:end]).tolist())
            if values[one] is not None
        )
        for low, high, start, end in zip(least, most, starts.tolist(), ends, strict=True)
    ]


def _prove(unit: Unit, facts: Mapping[Settings, Facts], base: Setting, moved: Setting) -> KnobProof:
    pairs: list[_Pair] = []
    missing = 0
    for settings in facts:
        other = one_step(settings, moved)
        if base not in settings or other not in facts:
            continue
        if facts[settings][CODE] and facts[other][CODE]:
            pairs.append(_compare(base.knob, settings, other, facts[settings], facts[other]))
        else:
            missing += 1
    equal = [pair for pair in pairs if pair.state == "equal"]
    differing = [pair for pair in pairs if pair.state == "differs"]
    evidence = tuple(dict.fromkeys(column for pair in differing for column in pair.columns))
    if not differing and base.knob == "reuse" and _memory_moved(unit, pairs):
        verdict: Verdict = "effective"
        evidence = (MEASURED_MEMORY,)
    elif differing:
        verdict = "aliased" if equal else "effective"
    else:
        verdict = "no_op" if equal and len(equal) == len(pairs) else "unproven"
    aliased = verdict == "aliased"
    reasons = [pair.reason for pair in pairs if pair.reason is not None] or [because("no_pair_built")]
    return KnobProof(
        workload=unit.workload,
        digest=unit.digest,
        compiler=unit.compiler,
        knob=base.knob,
        base_level=base.level,
        level=moved.level,
        verdict=verdict,
        pairs=len(pairs),
        differing=len(differing),
        equal=len(equal),
        pairs_missing=missing,
        evidence=evidence,
        aliases=tuple(Alias(pair.one, pair.other) for pair in equal) if aliased else (),
        overridden_by=_overriding(equal, differing) if aliased else (),
        reason=Why.of(*reasons) if verdict == "unproven" else None,
    )


def _compare(knob: str, one: Settings, other: Settings, here: Facts, there: Facts) -> _Pair:
    columns = [*DIFFERENCES.get(knob, DIFFERENCES_OF_OTHERS), *_read_back(knob, here)]
    differing = tuple(name for name in columns if _differs(here[name], there[name]))
    others = tuple(held for held in one if held.knob != knob)
    if differing:
        return _Pair(one=one, other=other, others=others, state="differs", columns=differing)
    reason: Reason | None = None
    if len(here[CODE]) > 1 or len(there[CODE]) > 1:
        reason = because("code_unstable")
    elif here[CODE] != there[CODE]:
        reason = because("only_code_differs")
    elif knob in READ_BACK or (knob in here[RUN_TIME] and not _same_in_force(knob, here, there)):
        reason = because("not_read_back")
    return _Pair(one=one, other=other, others=others, state="undecided" if reason else "equal", reason=reason)


def _read_back(knob: str, facts: Facts) -> list[str]:
    wanted = (*SURROUNDINGS, *READ_BACK.get(knob, ()))
    return sorted(name for name in facts if name.startswith(wanted))


def _same_in_force(knob: str, here: Facts, there: Facts) -> bool:
    """Whether what a knob sets was read back in two configurations, and has one value in both; of builds the digest."""
    columns = [IN_FORCE + address for of, address in here[SETTINGS] if of == knob]
    columns += [BUILD_DIGEST] if knob == BUILD else []
    return bool(columns) and all(len(here.get(name, ())) == 1 and here[name] == there.get(name) for name in columns)


def _differs(here: frozenset[Any], there: frozenset[Any]) -> bool:
    """Whether two configurations differ in a column that is constant within each of them."""
    return len(here) == len(there) == 1 and here != there


def _memory_moved(unit: Unit, pairs: Sequence[_Pair]) -> bool:
    """Whether the measured peak moves with a knob on average over the pairs, by the interval in either mode."""
    if not pairs:
        return False
    columns = {settings: column for column, settings in enumerate(unit.rows)}
    for mode in ("cold", "hot"):
        values = by_blocks(unit, MEASURED_MEMORY, mode)
        here, there = [columns[pair.one] for pair in pairs], [columns[pair.other] for pair in pairs]
        steps = [_step(values[:, column]) for column in dict.fromkeys((*here, *there))]
        ratios = values[:, there] / values[:, here]
        known = ~np.isnan(ratios)
        logs = np.full(ratios.shape, math.nan)
        logs[known] = list(map(math.log, ratios[known].tolist()))
        # A block that lacks a pair would be a mean over other pairs than the rest.
        counts = known.sum(axis=1)
        most = int(counts.max(initial=1))
        whole = logs[counts == most].tolist()
        means = [math.fsum(one for one in row if not math.isnan(one)) / most for row in whole]
        ratio = paired_ratio(means, allowance=Allowance(step=max(steps))) if means else None
        if ratio is not None and ratio.side:
            return True
    return False


def _step(values: NDArray[np.float64]) -> float:
    return step_of(MEASURED_MEMORY, *map(math.log, values[~np.isnan(values)].tolist()))


def _overriding(equal: Iterable[_Pair], differing: Iterable[_Pair]) -> tuple[Explanation, ...]:
    return tuple(explain([pair.others for pair in equal], [pair.others for pair in differing]))


def proof_grounds(proof: KnobProof) -> Why:
    """Return what a proof rests on."""
    if proof.reason is not None:
        parts = [*proof.reason.parts]
    elif proof.verdict == "no_op":
        alone = proof.pairs == 1
        parts = [because("same_program_alone") if alone else because("same_program", pairs=proof.pairs)]
    elif proof.differing:
        counts = {"differing": proof.differing, "pairs": proof.pairs}
        parts = [because("differs_in_pairs", evidence=proof.evidence, **counts)]
    else:
        parts = [because("differs_on_average", evidence=proof.evidence, pairs=proof.pairs)]
    if proof.verdict == "aliased":
        first = proof.aliases[0]
        parts.append(because("alias", one=described(first.one), other=described(first.other)))
        by = tuple(" / ".join(map(described, sets)) for sets in proof.overridden_by)
        parts += [because("overridden", by=by)] if by else []
    if proof.pairs_missing:
        parts.append(because("not_built", count=proof.pairs_missing))
    return Why.of(*parts)


def proof_text(proof: KnobProof) -> str:
    """Return in one sentence what a proof rests on."""
    return text_of(proof_grounds(proof))
