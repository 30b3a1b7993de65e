"""What is printed of screenings beside their rows: what can go, what was tried, what the design cannot tell apart."""

from pathlib import Path

import pytest

from ablatrix.analysis.effects import (
    GroupSearch,
    ScreenedGroup,
    ScreenedPair,
    Screening,
    measured_text,
    screening_frame,
    search_texts,
)
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import ChosenStage
from ablatrix.analysis.table import tidy
from ablatrix.cli.screen_tables import alias_lines, design_notes, screen_blocks
from ablatrix.statistics.ratio import Ratio
from tests.screened_study import STAGES, write_screened


def screening(design: str, *crossed: ScreenedPair) -> Screening:
    chosen = ChosenStage(design=design, resolution=4, of=None, idle=(), failed={}, programs=None)
    return Screening(
        origin=(), workload="mlp", digest="d", compiler="tvm", mode="hot", metric="run_ms_paired", stage="screen",
        chosen=chosen, configurations=16, blocks=3, knobs=(), crossed=crossed, doubts=(),
    )  # fmt: skip


def pair(one: str, other: str, *aliases: str) -> ScreenedPair:
    return ScreenedPair(knobs=(one, other), ratio=Ratio(1.0, 0.9, 1.1, 3), q_value=1.0, aliases=aliases, found=False)


def group(*knobs: str, matters: bool = False, fails: bool = False) -> ScreenedGroup:
    ratio = None if fails else Ratio(1.1 if matters else 1.0, 0.99, 1.01, 3)
    return ScreenedGroup(knobs=knobs, ratio=ratio, p_value=0.01 if matters else 1.0, matters=matters, fails=fails)


def test_sums_of_design_are_counted_and_listed_where_wanted() -> None:
    one = screening("regular_fraction", pair("a", "b", "c x d"), pair("a", "c"))
    (short,) = alias_lines(one, False)
    assert short == (
        "mlp on tvm, screen: of 3 interactions of two knobs 1 are told apart, the others are 1 sums of several, which "
        "--show screen lists"
    )
    (listed,) = alias_lines(one, True)
    assert listed.endswith("1 sums of several: a x b + c x d")


def test_designs_with_partial_aliases_say_so_in_words() -> None:
    (line,) = alias_lines(screening("folded_plackett_burman"), False)
    assert line.endswith("aliased with each other in part, and with no main effect")
    assert list(alias_lines(screening("full_factorial"), True)) == []


def test_search_tells_what_was_tried_what_can_go_and_what_is_not_proven() -> None:
    tests = (group("a", "b", matters=True), group("c", "d"), group("a", matters=True), group("b"))
    search = GroupSearch(
        tests=tests, free=("b", "c", "d"), joint=(), undivided=(), together=group("b", "c", "d", "idle")
    )
    lines = list(search_texts(search, 1))
    assert lines[0] == "tried: 2 groups of up to 2 and 2 knobs by themselves, each left out of all on"
    assert lines[1] == "no effect found of 3 that can go, what each group does is known to +-1 % at most: b, c, d"
    assert lines[2].startswith(
        "all 4 at once, with the 1 that do nothing here, left out: 1.0000 [0.9900, 1.0100]; no eff"
    )
    assert lines[-1] == "taken for granted: what two knobs of one group do does not cancel out"


def test_search_names_what_fails_what_is_joint_and_what_was_not_divided() -> None:
    search = GroupSearch(
        tests=(group("a", matters=True, fails=True), group("b")), free=("b",), joint=(("c", "d"),),
        undivided=(("e", "f"), ("g", "h")), together=None,
    )  # fmt: skip
    text = "\n".join(search_texts(search, 0))
    assert "not proven: that all of them can go at once, as that was not tried" in text
    assert "cannot go, as what is left fails: a" in text
    assert "matter together while no part of them does, so not all of them can go: c, d" in text
    assert "matter as groups (2), and not proven which of their knobs do, as they were not divided: e, f; g, h" in text


def test_confirmed_ratio_goes_the_way_of_screening(tmp_path: Path) -> None:
    stages = [{"name": "screen", "screen": "all", "design": "groups"}, STAGES[1]]
    made = write_screened(tmp_path, {"k0": 0.8}, 8, 5, stages=stages)
    (evidence,) = (
        one for one in Findings(tidy([made.results / "results.jsonl"])).evidence if one.metric.name == "run_ms_paired"
    )
    (block,) = screen_blocks(evidence.screens, evidence.effects, evidence.metric)
    row = next(row for row in block.rows if str(row[0]).startswith("k0:"))
    assert row[0] == "k0: on -> off"
    assert [float(str(row[at]).split()[0]) for at in (1, -1)] == pytest.approx([1.25, 1.25], rel=0.01)


def test_neighbours_that_share_no_block_are_counted_and_said(tmp_path: Path) -> None:
    stages = [{"name": "screen", "screen": "all", "design": "factorial"}]
    more = {"protocol": {"cold": {"replicates": 1}, "hot": {"blocks": 1, "max_blocks": 1}}}
    made = write_screened(tmp_path, {"k0": 0.8}, 5, 5, live=[8], stages=stages, **more)
    (one,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    unmet, every = one.unmet
    assert every == 75  # 80 edges of 32 corners, less the five of the baseline, which is in every block
    assert 40 < unmet < 75  # one repeat in five blocks of seven corners: a block has nine edges at most
    said = [line for line in design_notes(one) if "share no block" in line]
    assert said == [
        f"mlp on mine, screen: {unmet} of 75 pairs of configurations that differ in one knob share no block; they are "
        "compared through others"
    ]
    assert screening_frame([one])["unmet"].unique().to_list() == [unmet]


def test_neighbours_all_meet_where_every_block_has_every_configuration(tmp_path: Path) -> None:
    stages = [{"name": "screen", "screen": "all", "design": "factorial"}]
    made = write_screened(tmp_path, {"k0": 0.8}, 3, 3, stages=stages)
    (one,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    assert one.unmet == (0, 0)
    assert not [line for line in design_notes(one) if "share no block" in line]


def test_ratio_without_width_is_exact() -> None:
    assert measured_text(Ratio(0.5, 0.5, 0.5 * (1 + 1e-15), 3)) == "0.5000 exactly"
    assert measured_text(Ratio(0.5, 0.49, 0.51, 3), exact=True) == "0.5000 exactly"
    assert measured_text(Ratio(0.5, None, None, 1)) == "0.5000 (one block)"
    assert measured_text(Ratio(0.5, 0.49999, 0.50001, 3)) == "0.5000 [0.5000, 0.5000]"
