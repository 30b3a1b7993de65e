"""Tables and paragraphs at any width: no word is cut, no line is too long, and what is omitted is named."""

from __future__ import annotations

import io
import sys

import pytest
from rich.cells import cell_len

from ablatrix.cli.tables import Block, Column, next_steps, print_blocks, print_table, say, width_of, wrapped

COLUMNS = [
    Column("knob"),
    Column("ratio [95 % interval]", whole=True),
    Column("blocks", rank=2, shared=True),
    Column("p (Holm)", rank=1, whole=True),
    Column("verdict"),
]
ROWS = [
    ["partition: whole -> regions", "1.0494 [1.0420, 1.0568]", "5 of 5", "< 0.001", "slower"],
    ["reuse: keep -> release", "0.9934 [0.9850, 1.0019]", "5 of 5", "0.135", "not distinguishable (+-1.3 %)"],
]
BLOCKS = [Block("encoder on tvm", ROWS), Block("mlp on tvm", [[*ROWS[0][:2], "4 of 5", *ROWS[0][3:]]])]


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 200])
def test_table_at_any_width_has_whole_words_and_fits(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    print_blocks("Main effects", COLUMNS, BLOCKS)
    words = set(" ".join(shown(capsys)).split()) | {
        "(omitted",
        "for",
        "want",
        "of",
        "width:",
        "--wide",
        "shows",
        "all)",
    }
    monkeypatch.setenv("COLUMNS", str(columns))
    print_blocks("Main effects", COLUMNS, BLOCKS)
    lines = shown(capsys)
    assert max(map(len, lines)) <= columns
    known = words | {
        "p",
        "(Holm);",
        "blocks,",
        "blocks",
        "(Holm)",
        "(Holm),",
        "knob:",
        "verdict:",
        "interval]:",
        "(Holm):",
    }
    assert not {word for line in lines for word in line.split() if not set(word) <= {"-"}} - known


def test_table_states_what_all_rows_of_blocks_share_beside_their_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    print_blocks("Main effects", COLUMNS, BLOCKS)
    assert shown(capsys) == [
        "Main effects",
        "  knob                           ratio [95 % interval]  p (Holm)  verdict",
        "  ---------------------------  -----------------------  --------  -----------------------------",
        "encoder on tvm; blocks 5 of 5",
        "  partition: whole -> regions  1.0494 [1.0420, 1.0568]   < 0.001  slower",
        "  reuse: keep -> release       0.9934 [0.9850, 1.0019]     0.135  not distinguishable (+-1.3 %)",
        "mlp on tvm; blocks 4 of 5",
        "  partition: whole -> regions  1.0494 [1.0420, 1.0568]   < 0.001  slower",
        "",
    ]


def test_table_too_narrow_omits_least_important_column_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "76")
    print_blocks("Main effects", COLUMNS, BLOCKS)
    lines = shown(capsys)
    assert lines[1].split() == ["knob", "ratio", "[95", "%", "interval]", "verdict"]
    assert lines[-2] == "(omitted for want of width: p (Holm); --wide shows all)"
    print_blocks("Main effects", COLUMNS, BLOCKS, wide=True)
    assert [line for line in shown(capsys) if "p (Holm)" in line and "blocks" in line]


def test_table_that_fits_nowhere_lists_each_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = "a_name_of_forty_characters_without_space"
    print_table("Two names", ["one", "other", "why"], [[long, long[::-1], "because it is so, and no other way"]])
    assert shown(capsys) == [
        "Two names",
        f"  {long}",
        "    other:",
        f"      {long[::-1]}",
        "    why: because it is so, and no",
        "      other way",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("  an indented line", 12, ["  an", "indented", "line"]),
        ("sha256:0123456789 is long", 8, ["sha256:0123456789", "is long"]),
        ("融合使运行时间缩短", 8, ["融合使运", "行时间缩", "短"]),
        ("kept\nas it is", None, ["kept", "as it is"]),
        ("", 5, [""]),
    ],
)
def test_wrapped_text_breaks_between_words_only(text: str, width: int | None, lines: list[str]) -> None:
    found = wrapped(text, width)
    assert found == lines or [line.strip() for line in found] == [line.strip() for line in lines]
    assert width is None or all(cell_len(line) <= width or " " not in line.strip() for line in found)


def test_say_wraps_only_where_width_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    text = "word " * 40
    say(text.strip())
    assert shown(capsys) == [text.strip()]
    monkeypatch.setenv("COLUMNS", "44")
    say(text.strip(), indent=2, hanging=2)
    lines = shown(capsys)
    assert lines[0].startswith("  word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert max(map(len, lines)) <= 44


def test_width_of_memory_is_unknown_unless_columns_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(io.StringIO()) is None
    monkeypatch.setenv("COLUMNS", "100")
    assert width_of(io.StringIO()) == 100
    monkeypatch.setenv("COLUMNS", "7")
    assert width_of(io.StringIO()) == 40
    monkeypatch.setenv("COLUMNS", "wide")
    assert width_of(io.StringIO()) is None


def test_next_steps_are_named_at_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    next_steps(("run it", "ablatrix run study.yaml"))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    next_steps(("run it", "ablatrix run study.yaml"), ("or not", "true"))
    assert capsys.readouterr() == ("", "next:\n  run it  ablatrix run study.yaml\n  or not  true\n")
