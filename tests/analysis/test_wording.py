"""Reasons are values; their words are made in one place, and every code has its sentence."""

import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

from ablatrix.analysis.reasons import chinese
from ablatrix.analysis.reasons.absence import NOT_RUN, Absence, Cause, Lack
from ablatrix.analysis.reasons.knob_levels import KnobLevels
from ablatrix.analysis.reasons.reason import Code, Why, because
from ablatrix.analysis.reasons.wording import CAUSES, PHRASES, optional_text, plain_data, text_of
from ablatrix.records.status import STATUSES

SOURCE = Path(__file__).parents[2] / "src/ablatrix"


def test_every_code_has_phrase_and_is_used() -> None:
    assert set(PHRASES) == set(get_args(Code))
    assert set(CAUSES) == set(Cause)
    written = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert set(re.findall(r'because\(\s*"(\w+)"', written)) == set(PHRASES)


@pytest.mark.parametrize(
    ("counts", "only", "text"),
    [
        ({"unsupported": 3}, True, "unsupported in 3 of 4 blocks"),
        ({"unsupported": 1, "wrong_output": 2}, False, "unsupported in 1 of 4 blocks, wrong_output in 2 of 4 blocks"),
        ({Cause.NO_RECORD: 1, "crashed": 1}, False, "crashed in 1 of 4 blocks, no record in 1 of 4 blocks"),
        ({Cause.NO_VALUE: 4, "timeout": 0}, False, "ok, but without a positive value in 4 of 4 blocks"),
        ({Cause.NO_BASELINE: 2}, False, "the baseline of its part of the block is not ok in 2 of 4 blocks"),
    ],
)
def test_absence_counts_blocks_by_cause(counts: dict[str, int], only: bool, text: str) -> None:
    absence = Absence.of(counts, 4)
    assert absence == Absence.of(dict(reversed(counts.items())), 4)
    assert absence.kinds == {kind for kind, count in counts.items() if count}
    assert (absence.only_unsupported, absence.is_not_run) == (only, False)
    assert text_of(absence) == text


def test_absence_in_every_block_without_run_is_not_run() -> None:
    assert (NOT_RUN.is_not_run, NOT_RUN.only_unsupported, NOT_RUN.kinds) == (True, False, frozenset())
    assert text_of(Lack(NOT_RUN, ("fusion=on",))) == "not run: fusion=on"


def test_absence_of_many_names_three_and_counts_rest() -> None:
    lack = Lack.of(Absence.of({"crashed": 2}, 2), ["a=1", "a=2", "a=3", "a=4", "a=5"])
    assert (lack.names, lack.more) == (("a=1", "a=2", "a=3"), 2)
    assert text_of(lack) == "crashed in 2 of 2 blocks: a=1 | a=2 | a=3 | 2 more"


def test_reasons_when_repeated_are_given_once_in_order() -> None:
    lack = Lack(Absence.of({"unsupported": 1}, 2), ("fusion=on",))
    why = Why.of(because("one_block"), lack, because("one_block"))
    assert why == Why((because("one_block"), lack))
    assert text_of(why) == "a single block has no interval; unsupported in 1 of 2 blocks: fusion=on"
    assert (why.has("one_block"), why.has("no_trial")) == (True, False)
    assert why.absence_kinds == {"unsupported"}
    assert (optional_text(why), optional_text(None)) == (text_of(why), None)


def test_facts_are_filled_into_their_sentence() -> None:
    reason = because("no_trial_in_mode", modes=("hot", "cold"), metric="planned_bytes")
    assert text_of(reason) == "no trial in mode hot or cold, which would report planned_bytes"
    whole = because("not_whole", name="fusion=on", ok=2, repeats=3, others=())
    assert text_of(whole) == "fusion=on: ok in 2 of 3 blocks"
    part = because("not_whole", name="fusion=on", ok=1, repeats=3, others=("1 crashed", "1 timeout"))
    assert text_of(part) == "fusion=on: ok in 1 of 3 blocks (1 crashed, 1 timeout)"
    nested = because("not_known", kind="cell", name="fusion=on", why=Why.of(Absence.of({"crashed": 1}, 1)))
    assert text_of(nested) == "cell fusion=on: crashed in 1 of 1 blocks"


def test_plain_data_words_reasons_and_levels() -> None:
    centre = KnobLevels({"fusion": "on", "reuse": "keep"})
    assert plain_data({"why": Why.of(because("none_ok")), "centre": centre, "n": (1, None)}) == {
        "why": "no trial is ok",
        "centre": "fusion=on, reuse=keep",
        "n": [1, None],
    }
    assert plain_data(Lack(NOT_RUN, ("a=1",))) == "not run: a=1"


def test_levels_with_equal_content_are_equal_and_hash_alike() -> None:
    levels = KnobLevels({"fusion": "on"})
    assert levels == KnobLevels({"fusion": "on"}) == {"fusion": "on"}
    assert len({levels, KnobLevels({"fusion": "on"}), KnobLevels()}) == 2
    assert {**levels} == {"fusion": "on"}


def slots(phrase: str) -> list[tuple[str | None, bool]]:
    return sorted((slot, form == "()") for _, slot, form, _ in Formatter().parse(phrase) if slot)


def test_every_code_has_chinese_phrase_of_the_same_facts() -> None:
    assert set(chinese.PHRASES) == set(PHRASES)
    for code, phrase in PHRASES.items():
        assert slots(chinese.PHRASES[code]) == slots(phrase), code
    assert set(chinese.KINDS) == {*Cause, *STATUSES}


def test_reasons_in_chinese_count_blocks_and_name_configurations() -> None:
    lack = Lack.of(Absence.of({"unsupported": 1, "wrong_output": 2}, 4), ["a=1", "a=2", "a=3", "a=4"])
    why = Why.of(because("one_block"), lack)
    assert text_of(why, "zh") == (
        "只有一个区组\N{FULLWIDTH COMMA}没有区间\N{FULLWIDTH SEMICOLON}"
        "4 个区组中有 1 个不支持\N{FULLWIDTH COMMA}4 个区组中有 2 个输出错误"
        "\N{FULLWIDTH COLON}a=1 | a=2 | a=3 | 另有 1 个"
    )
    assert text_of(Lack(NOT_RUN, ("fusion=on",)), "zh") == "未运行\N{FULLWIDTH COLON}fusion=on"
