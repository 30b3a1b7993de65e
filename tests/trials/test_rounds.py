"""Screenings that go on in rounds: groups of knobs that are left out and divided, and sampled orders."""

from pathlib import Path
from typing import Any

import pytest

from ablatrix.study.design import Design
from ablatrix.study.design_file import design_text, load_design
from tests.screened_study import write_screened

GROUPS: list[dict[str, Any]] = [{"name": "without", "screen": "all", "design": "groups"}]
SHAPLEY: list[dict[str, Any]] = [{"name": "shares", "screen": "all", "design": "shapley"}]
CONFIRM = {"name": "confirm", "factorial_of": {"stage": "without", "most": 2}}


def rounds_of(design: Design, stage: str) -> list[set[frozenset[str]]]:
    """Return of each three repeats, which are a round, which knobs its configurations have off."""
    cells = {cell.cell_id: cell for cell in design.cells}
    held: dict[int, set[frozenset[str]]] = {}
    for one in design.trials:
        if one.stage == stage and one.role == "measured":
            off = frozenset(knob for knob, level in cells[one.cell_id].knobs.items() if level == "off")
            held.setdefault(one.replicate // 3, set()).add(off)
    return [held[number] for number in sorted(held)]


def named(*numbers: int) -> frozenset[str]:
    return frozenset(f"k{number}" for number in numbers)


def test_groups_are_left_out_of_all_on_and_those_that_matter_divided(tmp_path: Path) -> None:
    path = write_screened(tmp_path, {"k1": 0.8, "k30": 0.9}, 40, 36, stages=GROUPS).results / "design.json"
    design = load_design(path)
    choice = design.choices[0]
    assert (choice.design, len(choice.levels), choice.levels["k0"]) == ("groups", 40, ("on", "off"))
    assert choice.why.startswith(
        "36 of 40 knobs may change something; 14 groups of up to 3 knobs are left out of all on"
    )
    first, second, *_, last = rounds_of(design, "without")  # between them a pair that noise made stand out is divided
    every = named(*range(40))  # the baseline, which is in every block, has all off
    assert first == {every, frozenset(), *(named(*range(at, at + 3)) for at in range(0, 24, 3))} | {
        named(*range(at, at + 2)) for at in range(24, 36, 2)
    }
    assert second == {every, frozenset(), named(0), named(1), named(2), named(30), named(31)}
    assert last == {every, frozenset(), every - named(1, 30)}
    assert design_text(design) == path.read_text(encoding="utf-8")


def test_search_is_over_where_nothing_matters_and_baseline_is_all_that_can_go(tmp_path: Path) -> None:
    design = load_design(write_screened(tmp_path, {}, 6, 6, stages=GROUPS).results / "design.json")
    (only,) = rounds_of(design, "without")
    assert only == {named(*range(6)), frozenset(), *(named(one) for one in range(6))}


def test_confirmation_of_search_waits_for_its_last_round(tmp_path: Path) -> None:
    stages = [*GROUPS, CONFIRM]
    design = load_design(
        write_screened(tmp_path, {"k1": 0.8, "k9": 0.9}, 20, 18, stages=stages).results / "design.json"
    )
    confirm = design.choice("confirm", "mlp", "mine")
    assert confirm is not None
    assert (confirm.knobs, confirm.of) == (("k1", "k9"), "without")
    last = max(one.position for one in design.trials if one.stage == "without")
    assert last < min(one.position for one in design.trials if one.stage == "confirm")


def test_sampled_orders_stop_when_shares_are_known_well_enough(tmp_path: Path) -> None:
    design = load_design(
        write_screened(tmp_path, {"k0": 0.8, "k3": 1.1}, 10, 9, stages=SHAPLEY).results / "design.json"
    )
    choice = design.choices[0]
    assert (choice.design, len(choice.orders), choice.configurations) == ("sampled_shapley", 2 * 7, 98)
    assert choice.orders[1] == choice.orders[0][::-1]
    (only,) = rounds_of(design, "shares")
    assert len(only) == 2 + 4 * 16  # four pairs of orders, each 2 (k - 1) configurations beside the ends


def test_sampled_orders_go_on_in_rounds_until_the_narrow_width_or_the_last(tmp_path: Path) -> None:
    narrow = {"cold": {"replicates": 2}, "hot": {"blocks": 3, "max_blocks": 4, "effect_width": 0.0001}}
    path = write_screened(tmp_path, {"k0": 0.8}, 9, 9, stages=SHAPLEY, protocol=narrow).results / "design.json"
    rounds = rounds_of(load_design(path), "shares")
    assert [len(one) for one in rounds] == [2 + 4 * 16, 2 + 2 * 16, 2 + 16]
    assert all({frozenset(), named(*range(9))} <= one for one in rounds)  # the ends are in each


@pytest.mark.parametrize(("count", "kind"), [(3, "full_factorial"), (5, "full_factorial"), (6, "sampled_shapley")])
def test_sampled_orders_of_few_knobs_are_all_combinations(tmp_path: Path, count: int, kind: str) -> None:
    design = load_design(write_screened(tmp_path, {"k0": 0.8}, count, count, stages=SHAPLEY).results / "design.json")
    assert design.choices[0].design == kind
