from io import BytesIO

import pytest

from ablatrix.artifact.checks.difference import CHUNK, describe_difference


def difference(name: str, found: bytes, made: bytes, tolerance: float = 0.0) -> str | None:
    return describe_difference(name, BytesIO(found), BytesIO(made), tolerance)


def test_difference_of_equal_files_is_none() -> None:
    assert difference("a.csv", b"a\n1\n", b"a\n1\n") is None


@pytest.mark.parametrize(
    ("found", "made", "expected"),
    [
        ("a,b\n1,2\n", "a,b\n1,3\n", "row 1, column 'b': '2', but the records give '3'"),
        ("a,b\n1,2\n", "a,b\n", "row 1 does not follow from any record"),
        ("a,b\n", "a,b\n1,2\n", "row 1 is missing"),
        ("a,c\n", "a,b\n", "the header has columns ['c'] that the records do not give and lacks columns ['b']"),
        ("b,a\n", "a,b\n", "the columns are in another order than the records give"),
        ("", "a,b\n", "the header lacks columns ['a', 'b']"),
        ("a,b\n1,2,3\n", "a,b\n1,2\n", "row 1, column '3 (beyond the header)': '3', but the records give None"),
        ("a\r\n1\r\n", "a\n1\n", "same cells, but other quotes or line ends than the records give"),
    ],
)
def test_difference_names_cells_by_row_and_column(found: str, made: str, expected: str) -> None:
    assert difference("tables/t.csv", found.encode(), made.encode()) == expected


def test_difference_in_many_cells_is_cut_and_counted() -> None:
    found = "a\n" + "1\n" * 20
    made = "a\n" + "2\n" * 20
    told = difference("t.csv", found.encode(), made.encode())
    assert told is not None
    assert told.endswith("and 15 more cells")


def test_difference_within_tolerance_passes_only_for_numbers() -> None:
    assert difference("t.csv", b"a\n1.0000000000001\n", b"a\n1.0\n", 1e-9) is None
    assert difference("t.csv", b"a\n1.0001\n", b"a\n1.0\n", 1e-9) is not None
    assert difference("t.csv", b"a\n\n0.0\n", b"a\n\n\n", 1e-9) is not None
    assert difference("t.csv", b"a\nx\n", b"a\ny\n", 1e-9) is not None


@pytest.mark.parametrize("spelt", ["1_0.0", " 10.0", "10.0\n", "\uff11\uff10.0", "+10.0"])
def test_difference_of_number_spelt_as_no_table_does_is_told(spelt: str) -> None:
    told = difference("t.csv", f'time\n"{spelt}"\n'.encode(), b"time\n10.0\n", tolerance=1e-9)
    assert told is not None
    assert "the records give '10.0'" in told


def test_difference_names_line_of_text_and_digest_of_bytes() -> None:
    assert difference("t.tex", b"a\nb\n", b"a\nc\n") == "line 2: 'b', but the records give 'c'"
    assert difference("t.tex", b"a", b"a\n") == "line 2: the end, but the records give ''"
    told = difference("f.png", b"\xff1", b"\xff2")
    assert told is not None
    assert told.startswith("has digest ")


def test_difference_behind_much_that_is_equal_is_named() -> None:
    rows = b"1\n" * CHUNK
    assert difference("t.csv", b"a\n" + rows, b"a\n" + rows) is None
    told = difference("t.csv", b"a\n" + rows + b"2\n", b"a\n" + rows + b"3\n")
    assert told == f"row {CHUNK + 1}, column 'a': '2', but the records give '3'"


def test_difference_of_signs_across_two_pieces_is_read_whole() -> None:
    held = b"a" * (CHUNK - 1) + "\u00e9\n".encode()
    assert difference("t.tex", held + b"b\n", held + b"c\n") == "line 2: 'b', but the records give 'c'"


def test_difference_of_endless_line_takes_a_bounded_part() -> None:
    told = difference("t.tex", b"x" * (5 * CHUNK), b"x\n")
    assert told == f"line 1: '{'x' * 97}...', but the records give 'x'"
    assert difference("t.csv", b"x" * (5 * CHUNK), b"x\n") is not None
