"""When a diagnosis is settled, and what would settle it: knobs of several levels, and knobs moved one at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.analysis.diagnosis.configurations import Setting, Settings, Unit, described, one_step
from ablatrix.analysis.diagnosis.explanation import explain
from ablatrix.analysis.diagnosis.hypotheses import hypotheses, says_bad
from ablatrix.analysis.diagnosis.next_study import NextStudy, Seen, propose

Truth = Callable[[Settings], bool]
KNOBS = {
    "level": ("all", "extended", "basic"),
    "fusion": ("on", "off"),
    "layout": ("on", "off"),
    "arena": ("on", "off"),
}


def unit_of(knobs: Mapping[str, Sequence[str]]) -> Unit:
    """Knobs with their levels, the baseline's first."""
    baseline = tuple(Setting(knob, levels[0]) for knob, levels in knobs.items())
    levels = {knob: tuple(levels) for knob, levels in knobs.items()}
    return Unit(workload="net", digest="d", compiler="c", levels=levels, baseline=baseline)


def one_at_a_time(unit: Unit) -> list[Settings]:
    moved = [one_step(unit.baseline, Setting(knob, level)) for knob, levels in unit.levels.items() for level in levels]
    return list(dict.fromkeys((unit.baseline, *moved)))


def row(text: str) -> Settings:
    return tuple(Setting(*word.split("=")) for word in text.split())


def needs(*texts: str) -> Truth:
    """Bad is what has all levels of one of these."""
    return lambda held: any(set(row(text)) <= set(held) for text in texts)


def proposed(unit: Unit, rows: Sequence[Settings], truth: Truth) -> tuple[list[list[str]], bool, NextStudy | None]:
    bad, fine = [one for one in rows if truth(one)], [one for one in rows if not truth(one)]
    found = explain(bad, fine)
    settled, following = propose(unit, "cold-wrong_output", found, Seen(bad=bad, fine=fine, again=(), every=rows))
    return [[described(one) for one in sets] for sets in found], settled, following


def followed(unit: Unit, rows: Sequence[Settings], truth: Truth) -> tuple[list[Settings], int]:
    """Run what is proposed until it is settled; return all that was run, and how many times more."""
    rows = list(rows)
    for number in range(30):
        _, settled, following = proposed(unit, rows, truth)
        if settled or following is None or not following.configurations:
            return rows, number
        rows += following.configurations
    raise AssertionError("it never ends")


def test_diagnosis_of_two_knobs_moved_one_at_a_time_is_open() -> None:
    """The fault needs fusion at "extended" or above. That "extended" alone were the cause is not excluded."""
    unit = unit_of(KNOBS)
    truth = needs("level=all fusion=on", "level=extended fusion=on")
    found, settled, following = proposed(unit, one_at_a_time(unit), truth)
    assert found == [["level!=basic, fusion=on"]]
    assert not settled
    assert following is not None
    assert row("level=extended fusion=off layout=on arena=on") in following.configurations
    assert following.stages is not None
    rows, _ = followed(unit, one_at_a_time(unit), truth)
    assert proposed(unit, rows, truth) == ([["level!=basic, fusion=on"]], True, None)


def test_diagnosis_of_two_knobs_that_each_suffice_is_open() -> None:
    """Either knob alone makes the fault, so no single move removes it, and "every configuration" would be wrong."""
    unit = unit_of(KNOBS)
    truth = needs("fusion=on", "layout=on")
    found, settled, following = proposed(unit, one_at_a_time(unit), truth)
    assert (found, settled) == ([["every configuration"]], False)
    assert following is not None
    assert following.configurations == (row("level=basic fusion=off layout=off arena=off"),)
    rows, times = followed(unit, one_at_a_time(unit), truth)
    assert times <= 4
    assert proposed(unit, rows, truth)[:2] == ([["fusion=on", "layout=on"]], True)


def test_diagnosis_of_passes_left_out_accuses_no_innocent_pass() -> None:
    """Two passes together make the fault: it is gone without either, and there with every other one left out."""
    passes = ("none", "CastElimination", "DivMulFusion", "GeluFusion", "MatMulAddFusion", "ReshapeFusion")
    unit = unit_of({"without": passes})
    guilty = ("CastElimination", "DivMulFusion")
    found, settled, following = proposed(unit, one_at_a_time(unit), lambda held: held[0].level not in guilty)
    assert found == [["without!=CastElimination|DivMulFusion"]]
    assert (settled, following) == (True, None)


def test_diagnosis_of_unknown_level_asks_for_it() -> None:
    unit = unit_of({"threads": ("1", "2", "4")})
    rows = [row("threads=1"), row("threads=4")]
    found, settled, following = proposed(unit, rows, needs("threads=4"))
    assert (found, settled) == ([["threads=4"]], False)
    assert following is not None
    assert following.configurations == (row("threads=2"),)


def test_diagnosis_of_two_sets_asks_what_else_each_needs() -> None:
    """The second set rests on one configuration, so that any of its other levels may be needed too."""
    unit = unit_of({"a": "01", "b": "01", "c": "01"})
    rows = [row(text) for text in ("a=0 b=0 c=0", "a=1 b=0 c=0", "a=1 b=1 c=0", "a=1 b=0 c=1", "a=0 b=1 c=0")]
    found, settled, following = proposed(unit, rows, needs("a=1", "b=1"))
    assert (found, settled) == ([["a=1", "b=1"]], False)
    assert following is not None
    assert row("a=0 b=1 c=1") in following.configurations


@pytest.mark.parametrize("truth", [needs("a=1"), needs("a=1 b=1"), needs("a=1", "b=1 c=1"), needs("")])
def test_diagnosis_of_all_combinations_is_settled(truth: Truth) -> None:
    unit = unit_of({"a": "01", "b": "01", "c": "012"})
    grid = [row(f"a={a} b={b} c={c}") for a, b, c in itertools.product("01", "01", "012")]
    _, settled, following = proposed(unit, grid, truth)
    assert (settled, following) == (True, None)


def test_diagnosis_where_pair_cannot_be_run_is_settled() -> None:
    """Both moved together is unsupported: nothing is left that could tell more."""
    unit = unit_of({"a": "01", "b": "01"})
    rows = one_at_a_time(unit)
    seen = Seen(bad=rows, fine=[], again=(), every=[*rows, row("a=1 b=1")])
    assert propose(unit, "cold-timeout", explain(rows, []), seen) == (True, None)


@st.composite
def studies(draw: st.DrawFn) -> tuple[Unit, Truth]:
    knobs = {name: "012"[: draw(st.integers(2, 3))] for name in "abcd"[: draw(st.integers(2, 4))]}
    unit = unit_of(knobs)
    names = draw(st.lists(st.sampled_from(sorted(knobs)), min_size=1, max_size=2, unique=True))
    # The baseline has the fault: each condition allows its level.
    allowed = {name: {"0", *draw(st.sets(st.sampled_from(knobs[name]), max_size=1))} for name in names}
    return unit, lambda held: all(one.level in allowed.get(one.knob, {one.level}) for one in held)


@settings(max_examples=150, deadline=None)
@given(studies())
def test_diagnosis_that_follows_proposals_ends_at_cause(study: tuple[Unit, Truth]) -> None:
    unit, truth = study
    rows, _ = followed(unit, one_at_a_time(unit), truth)
    bad = [one for one in rows if truth(one)]
    found = explain(bad, [one for one in rows if not truth(one)])
    (left,) = hypotheses(unit, found, bad)
    for levels in itertools.product(*unit.levels.values()):
        every = tuple(Setting(knob, level) for knob, level in zip(unit.levels, levels, strict=True))
        assert says_bad(left, every) == truth(every)
