"""Of many rows the largest changes are listed, all that are different among them, and the others are one row."""

from ablatrix.cli.largest_rows import RatedRow, largest_rows
from ablatrix.statistics.ratio import Ratio


def rated(number: int, ratio: float | None, verdict: str = "no effect") -> RatedRow:
    held = None if ratio is None else Ratio(ratio, None, None, 1)
    return RatedRow("unit", [f"k{number}", str(ratio), "", verdict], held, verdict == "faster", verdict)


def test_few_rows_stay_in_their_order() -> None:
    rows = [rated(number, 1.0 + number / 100) for number in range(24)]
    assert largest_rows(rows) == [("unit", one.row) for one in rows]


def test_many_rows_are_different_ones_and_largest_then_one_for_others() -> None:
    rows = [rated(number, 1.0 + number / 1000) for number in range(29)]
    found = largest_rows([*rows, rated(29, 0.999, "faster"), rated(30, None, "no-op")])
    assert [row[0] for _, row in found[:3]] == ["k29", "k28", "k27"]
    assert len(found) == 17
    assert found[-1] == ("unit", ["15 others", "1.0000 to 1.0130", "", "14 no effect, 1 no-op"])


def test_all_different_ones_are_listed_however_many() -> None:
    found = largest_rows([rated(number, 0.9, "faster") for number in range(40)])
    assert len(found) == 40
