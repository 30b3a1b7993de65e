"""Tables of the page: columns that say one thing only are told once."""

from ablatrix.page.table import EMPTY, Heading, Row, Shown, Table


def table(*rows: tuple[str, str, str], foot: tuple[Row, ...] = ()) -> Table:
    headings = [Heading("workload"), Heading("compiler"), Heading("stage")]
    return Table("held", "Times", headings, [Row([Shown(text) for text in row]) for row in rows], foot=foot)


def test_folded_moves_constant_column_into_caption() -> None:
    held = table(("a", "tvm", "one"), ("b", "tvm", "two")).folded("compiler", "stage")
    assert [heading.text for heading in held.headings] == ["workload", "stage"]
    assert [[cell.text for cell in row.cells] for row in held.rows] == [["a", "one"], ["b", "two"]]
    assert held.caption == "Times. All rows: compiler tvm"


def test_folded_keeps_first_column_and_those_not_named() -> None:
    held = table(("a", "tvm", "one"))
    assert held.folded("workload") is held
    assert [heading.text for heading in held.folded("stage").headings] == ["workload", "compiler"]


def test_folded_counts_foot_as_row() -> None:
    foot = (Row([Shown("mean"), Shown("xla"), EMPTY]),)
    held = table(("a", "tvm", "one"), foot=foot)
    assert held.folded("compiler") is held
    same = table(("a", "tvm", "one"), foot=(Row([Shown("mean"), Shown("tvm"), EMPTY]),)).folded("compiler")
    assert [[cell.text for cell in row.cells] for row in same.foot] == [["mean", EMPTY.text]]


def test_row_lists_several_values_of_a_facet() -> None:
    row = Row([], facets={"workload": "encoder", "outcome": ["ok", "crashed"]})
    assert row.listed == "encoder\nok\tcrashed"
