"""Knobs are tried as the last from all moved, but for those without which nothing compiles."""

from collections.abc import Callable

import pytest

from ablatrix.records.model import Record
from ablatrix.records.status import Status
from ablatrix.study.activity import Moved
from ablatrix.study.far_end import MOST_NEEDED, FarEnd, find_far_end
from tests.study.test_activity import built

KNOBS = tuple("abcdefgh")


def search(compiles: Callable[[Moved], bool], knobs: tuple[str, ...] = KNOBS) -> tuple[FarEnd, int]:
    """Compile what is wanted until the end is known; return it with the compiles beside the first ones."""
    every = Moved(knobs)
    sets = [Moved(), *(Moved(one) for one in knobs), every, *(every - {one} for one in knobs)]
    records: dict[Moved, Record] = {}
    first = len(sets)
    while sets:
        assert not records.keys() & set(sets)
        records |= {one: built("0", Status.OK if compiles(one) else Status.CRASHED) for one in sets}
        found = find_far_end(knobs, records)
        sets = list(found.wanted)
    return found, len(records) - first


@pytest.mark.parametrize(
    ("breaking", "needed", "more"),
    [
        ([], "", 0),
        (["c"], "c", 7),  # all but c is known; each of seven is tried as the last there
        (["c", "f"], "cf", 1 + 6),  # both fail by themselves
        (["cf"], "c", 7),  # either does
        (["cf", "de"], "ef", 3 + 2 + 1 + 6),  # no single one does: two are found by halving
    ],
)
def test_needed_knobs_stay_until_rest_compiles(breaking: list[str], needed: str, more: int) -> None:
    found, compiles = search(lambda moved: not any(Moved(one) <= moved for one in breaking))
    assert (found.needed, found.compiles) == (tuple(needed), True)
    assert compiles == more


def test_nothing_is_searched_where_baseline_fails() -> None:
    found, compiles = search(bool)
    assert (found, compiles) == (FarEnd((), compiles=False), 0)


def test_search_ends_where_too_much_is_needed() -> None:
    found, compiles = search(lambda moved: len(moved) < 2, tuple("abcdefghijkl"))
    assert found == FarEnd((), compiles=False)
    assert compiles < 12 * MOST_NEEDED
