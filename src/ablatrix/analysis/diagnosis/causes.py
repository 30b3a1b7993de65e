"""Which knob levels are the cause when configurations fail, are wrong, or are slower than the baseline."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from ablatrix.analysis.diagnosis.configurations import Conditions, Setting, Settings, Unit, ratios_of, units
from ablatrix.analysis.diagnosis.explanation import Explanation, explain, has
from ablatrix.analysis.diagnosis.next_study import NextStudy, Seen, propose
from ablatrix.analysis.groups import Instrument
from ablatrix.records.metrics import HOT_METRIC
from ablatrix.records.status import FAILURES, NOT_RUN, Status
from ablatrix.statistics.multiplicity import ALPHA, holm
from ablatrix.statistics.ratio import Ratio

SLOWER = "slower than the baseline"
MARGIN = 0.02  # the default of a study's `cell_width`: a cell that is this close to the baseline is not slower
CHECKED = (Status.WRONG_OUTPUT.value, Status.MISSING_CHECK.value)  # of trials that were built and ran to their end

State = Literal["bad", "flaky", "fine", "undecided", "not run", "unsupported", "failed otherwise"]


@dataclass(frozen=True)
class CounterExample:
    """Why an explanation needs one of its conditions.

    Attributes:
        settings: A set of the explanation without one of its conditions.
        fine: Configurations that have it and are fine.
    """

    settings: Conditions
    fine: tuple[Settings, ...]


@dataclass(frozen=True)
class Flaky:
    """A configuration that is bad in some of its trials and ok in others, in the same mode."""

    settings: Settings
    bad: int
    ok: int


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One smallest explanation.

    Attributes:
        sets: Every bad configuration has one of these sets of levels, and no fine one has any.
        support: Bad configurations that have each set.
        flaky: Flaky configurations that have any of the sets.
        counter_examples: For each condition of each set, the fine configurations that meet all others.
    """

    sets: Explanation
    support: tuple[int, ...]
    flaky: int
    counter_examples: tuple[CounterExample, ...]

    @property
    def is_elsewhere(self) -> bool:
        """Whether every configuration is bad: the cause is not among those that this study can switch."""
        return self.sets == ((),)


@dataclass(frozen=True, kw_only=True)
class Causes:
    """What explains one trouble of one workload on one compiler in one mode.

    Attributes:
        trouble: A status, or ``slower than the baseline``.
        states: How many configurations are in which state; ``not run`` are combinations of the
            levels seen that have no trial, or whose trials never began.
        bad: The bad configurations. When none is bad in all of its trials, the flaky ones.
        flaky: Those that are bad in some trials only. They are neither explained nor counter-examples.
        causes: All smallest explanations. Empty: there is none of few sets (see `explanation.MAX_SETS`).
        cleared: Knobs that no explanation names and of which each level seen is in a bad configuration: no level of
            theirs alone is the cause.
        settled: Whether what was run leaves one explanation.
        next_study: What would distinguish the remaining explanations; None when it is settled, or nothing would.
    """

    workload: str
    compiler: str
    mode: str
    trouble: str
    states: Mapping[State, int]
    bad: tuple[Settings, ...]
    flaky: tuple[Flaky, ...]
    causes: tuple[Cause, ...]
    cleared: tuple[str, ...]
    settled: bool
    next_study: NextStudy | None


@dataclass(frozen=True)
class _Known:
    states: Mapping[Settings, State]
    flaky: Sequence[Flaky]

    def which(self, *wanted: State) -> list[Settings]:
        return [settings for settings, state in self.states.items() if state in wanted]


def find_causes(trials: pl.DataFrame, margin: float = MARGIN, instrument: Instrument | None = None) -> list[Causes]:
    """Return the causes of each trouble that there is, by workload, compiler and mode.

    A configuration is *bad* when a trial of it has the trouble and none is ok; *fine* when a trial is ok, or, for
    a trouble before the check, came as far as the check. For ``slower than the baseline`` it is bad when its ratio is
    above 1 with a p-value of at most 5 %, adjusted over all configurations that are looked at (Holm 1979), fine when
    its interval ends below 1 + ``margin``, else undecided. What failed in another way, is unsupported or was not run is
    neither: it could have had the trouble or not.

    Args:
        trials: The table of trials.
        margin: How far above the baseline's time a configuration may be and still be fine.
        instrument: The A/A controls of the whole results; of ``trials`` by default.
    """
    instrument = instrument or Instrument(trials)
    found = [
        one
        for mode in ("cold", "hot")
        for one in _of_mode(trials.filter(pl.col("mode") == mode), mode, margin, instrument)
    ]
    return sorted(found, key=lambda one: (one.workload, one.compiler))


def _of_mode(trials: pl.DataFrame, mode: str, margin: float, instrument: Instrument) -> Iterator[Causes]:
    # Some knobs exist in one mode only, so each mode has configurations of its own.
    of_mode = units(trials)
    slower = _slower(of_mode, instrument) if mode == "hot" else []
    for number, unit in enumerate(of_mode):
        counts = {settings: Counter(unit.part(settings, "status")["status"].to_list()) for settings in unit.rows}
        for status in FAILURES:
            if any(held[status] for held in counts.values()):
                yield _causes(unit, mode, status, _by_status(counts, status))
        if mode == "hot":
            known = _by_ratio(unit, counts, margin, slower[number])
            if known.which("bad"):
                yield _causes(unit, mode, SLOWER, known)


def _by_status(counts: Mapping[Settings, Counter[str]], status: str) -> _Known:
    states: dict[Settings, State] = {}
    flaky: list[Flaky] = []
    for settings, held in counts.items():
        if held[status] and held[Status.OK]:
            states[settings] = "flaky"
            flaky.append(Flaky(settings, held[status], held[Status.OK]))
        elif held[status]:
            states[settings] = "bad"
        elif held[Status.OK] or (status not in CHECKED and any(held[name] for name in CHECKED)):
            states[settings] = "fine"
        else:
            states[settings] = _unknown(held)
    return _Known(states, flaky)


@dataclass(frozen=True)
class _Compared:
    """A configuration against the baseline, and whether it is slower among all that are compared."""

    ratio: Ratio
    is_slower: bool


def _slower(of_mode: Sequence[Unit], instrument: Instrument) -> list[Mapping[Settings, _Compared]]:
    """Return the configurations of each unit against its baseline; all of them are one family of tests."""
    ratios = ratios_of(of_mode, HOT_METRIC, "hot", instrument)
    tested = [one.p_value for held in ratios for one in held.values() if one.p_value is not None]
    adjusted = iter(holm(tested))
    return [
        {
            settings: _Compared(one, one.p_value is not None and next(adjusted) <= ALPHA and one.value > 1.0)
            for settings, one in held.items()
        }
        for held in ratios
    ]


def _by_ratio(
    unit: Unit, counts: Mapping[Settings, Counter[str]], margin: float, compared: Mapping[Settings, _Compared]
) -> _Known:
    states: dict[Settings, State] = {}
    for settings, held in counts.items():
        found = compared.get(settings)
        if settings == unit.baseline:
            states[settings] = "fine"
        elif found is None:
            states[settings] = "undecided" if held[Status.OK] else _unknown(held)
        elif found.is_slower:
            states[settings] = "bad"
        else:
            high = found.ratio.high
            states[settings] = "fine" if high is not None and high <= 1.0 + margin else "undecided"
    return _Known(states, [])


def _unknown(held: Counter[str]) -> State:
    if held[Status.UNSUPPORTED]:
        return "unsupported"
    return "not run" if held.keys() <= set(NOT_RUN) else "failed otherwise"


def _causes(unit: Unit, mode: str, trouble: str, known: _Known) -> Causes:
    bad = known.which("bad") or known.which("flaky")
    fine = known.which("fine")
    explanations = explain(bad, fine)
    causes = tuple(_cause(one, bad, fine, known.flaky) for one in explanations)
    seen = Seen(bad=bad, fine=fine, again=known.which("not run", "undecided"), every=list(known.states))
    states: Counter[State] = Counter(known.states.values())
    states["not run"] += _combinations(unit) - len(known.states)
    settled, following = propose(unit, f"{mode}-{trouble}", explanations, seen)
    return Causes(
        workload=unit.workload,
        compiler=unit.compiler,
        mode=mode,
        trouble=trouble,
        states={state: states[state] for state in get_args(State) if states[state]},
        bad=tuple(bad),
        flaky=tuple(known.flaky),
        causes=causes,
        cleared=_cleared(unit, causes, bad),
        settled=settled,
        next_study=following,
    )


def _combinations(unit: Unit) -> int:
    count = 1
    for levels in unit.levels.values():
        count *= len(levels)
    return count


def _cause(sets: Explanation, bad: Sequence[Settings], fine: Sequence[Settings], flaky: Sequence[Flaky]) -> Cause:
    examples = []
    for held, dropped in ((one, condition) for one in sets for condition in one):
        rest = tuple(condition for condition in held if condition != dropped)
        # A row of another set is bad; only fine rows speak against the set without this condition.
        examples.append(CounterExample(rest, tuple(row for row in fine if has(row, rest))))
    return Cause(
        sets=sets,
        support=tuple(sum(has(row, one) for row in bad) for one in sets),
        flaky=sum(any(has(row.settings, one) for one in sets) for row in flaky),
        counter_examples=tuple(examples),
    )


def _cleared(unit: Unit, causes: Sequence[Cause], bad: Sequence[Settings]) -> tuple[str, ...]:
    named = {condition.knob for cause in causes for one in cause.sets for condition in one}
    held = {one for row in bad for one in row}
    return tuple(
        knob
        for knob, levels in unit.levels.items()
        if knob not in named and all(Setting(knob, level) in held for level in levels)
    )
