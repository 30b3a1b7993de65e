"""Failure signatures: which troubles are the same."""

import pytest

from ablatrix.errors import StudyError
from ablatrix.statistics.ratio import Ratio
from ablatrix.troubles import Trouble, check_kind, message_class

ERROR = Trouble(kind="compile_error", error="A", message="m")
CRASH = Trouble(kind="crashed", error="SIGSEGV", phase="run")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("shape [4, 8] is not [4, 16]", "shape [2, 2] is not [1, 3]"),
        ("cannot open /tmp/a/b.so: 0x7f3c", "cannot open /home/x.so: 0xffff01"),
        ("node 'add_1' has no input \"x\"", "node 'mul_22' has no input \"weight\""),
        ("failed on task 0 (66b81e3492d0266c): 1.5e-3", "failed on task 12 (0011223344556677): 2"),
        ("at buffer_3: bad\nmore", "at buffer_12: bad\nother"),
    ],
)
def test_message_class_of_other_sizes_and_names_is_equal(first: str, second: str) -> None:
    assert message_class(first) == message_class(second)


def test_message_class_of_another_sentence_differs() -> None:
    assert message_class("cannot fuse 3 nodes") != message_class("cannot read 3 nodes")


def test_message_class_of_nothing_is_empty() -> None:
    assert message_class("  \n") == ""


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (ERROR, Trouble(kind="compile_error", error="A", message="m", told="now"), True),
        (ERROR, Trouble(kind="run_error", error="A", message="m"), False),
        (ERROR, Trouble(kind="compile_error", error="A", message="n"), False),
        (CRASH, Trouble(kind="crashed", error="SIGSEGV", phase="run", message="m"), True),
        (CRASH, Trouble(kind="crashed", error="SIGABRT", phase="run"), False),
        (CRASH, Trouble(kind="crashed", error="SIGSEGV", phase="compile"), False),
        (Trouble(kind="timeout", phase="run", message="a"), Trouble(kind="timeout", phase="compile"), True),
        (Trouble(kind="wrong_output", message="values"), Trouble(kind="wrong_output", message="not finite"), False),
    ],
)
def test_troubles_are_the_same_by_kind_error_and_message(first: Trouble, second: Trouble, same: bool) -> None:
    assert first.is_same_as(second) is same


def test_text_of_a_slow_down_has_its_ratio() -> None:
    slow = Trouble(kind="slower", ratio=Ratio(1.25, 1.2, 1.3, 3))
    assert slow.text == "slower (1.250 times as long)"


def test_text_of_a_crash_has_signal_and_place() -> None:
    crash = Trouble(kind="crashed", error="SIGSEGV", phase="first_run", told="ended by SIGSEGV")
    assert crash.text == "crashed (SIGSEGV) while running first"


def test_check_kind_takes_dashes_and_refuses_others() -> None:
    assert check_kind("wrong-output") == "wrong_output"
    with pytest.raises(StudyError, match="no trouble 'sloow'"):
        check_kind("sloow")
