"""Which knobs do anything is told by what is built, alone and last, and never where a knob may act without it."""

import pytest

from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry
from ablatrix.records.model import Failure, Record
from ablatrix.records.status import Status
from ablatrix.study.activity import find_activity
from tests.synthetic import make_records

Moved = frozenset[str]
COLD = next(one for one in make_records() if one.mode == "cold" and one.role == "measured" and one.compile is not None)


def built(code: str, status: Status = Status.OK) -> Record:
    assert COLD.compile is not None
    compiled = None if status is Status.CRASHED else COLD.compile.model_copy(update={"artifact_digest": code})
    error = None if status is Status.OK else Failure(type="SIGSEGV", message="it crashed", phase="compile")
    return COLD.model_copy(update={"compile": compiled, "status": status, "error": error})


def entry(**affects: str) -> CompilerEntry:
    levels = (LevelEntry("off", "Off."), LevelEntry("on", "On."))
    knobs = tuple(
        KnobEntry(name=name, kind="primary", summary="A knob.", levels=levels, default="off", affects=how)  # type: ignore[arg-type]
        for name, how in affects.items()
    )
    return CompilerEntry(name="mine", summary="Mine.", modules=(), extra="", adapter="a:B", knobs=knobs)


def records(codes: dict[str, str], **status: Status) -> dict[Moved, Record]:
    return {Moved(name): built(code, status.get(name or "none", Status.OK)) for name, code in codes.items()}


MOVED = {"a": "on", "b": "on"}


@pytest.mark.parametrize(
    ("codes", "active", "idle"),
    [
        ({"": "0", "a": "1", "b": "0", "ab": "1"}, ("a",), ["b"]),  # b changes nothing, alone or last
        ({"": "0", "a": "1", "b": "0", "ab": "2"}, ("a", "b"), []),  # b acts only beside a
        ({"": "0", "a": "0", "b": "2", "ab": "2"}, ("b",), ["a"]),
        ({"": "0", "a": "0", "b": "0", "ab": "0"}, (), ["a", "b"]),
    ],
)
def test_idle_knob_changes_nothing_alone_and_last(
    codes: dict[str, str], active: tuple[str, ...], idle: list[str]
) -> None:
    found = find_activity(entry(a="code", b="code"), MOVED, records(codes), Moved(MOVED))
    assert (found.active, list(found.idle)) == (active, idle)
    assert all(len(proof) == 2 for proof in found.idle.values())


@pytest.mark.parametrize("affects", ["run_time", "both"])
def test_knob_of_run_time_stays_although_same_is_built(affects: str) -> None:
    found = find_activity(
        entry(a=affects, b="code"), MOVED, records({"": "0", "a": "0", "b": "0", "ab": "0"}), Moved(MOVED)
    )
    assert (found.active, list(found.idle)) == (("a",), ["b"])


def test_knob_that_fails_by_itself_leaves_with_its_status() -> None:
    held = records({"": "0", "a": "1", "b": "2", "ab": "3"}, a=Status.CRASHED)
    found = find_activity(entry(a="code", b="code"), MOVED, held, Moved(MOVED))
    assert (found.active, dict(found.failed)) == (("b",), {"a": "crashed"})


def test_knob_whose_compile_was_lost_with_its_server_stays() -> None:
    held = records({"": "0", "a": "1", "b": "2", "ab": "3"}, a=Status.CRASHED)
    lost = Failure(type="TrialError", message="the fork server did not start", phase=None)
    held[Moved("a")] = held[Moved("a")].model_copy(update={"error": lost})
    found = find_activity(entry(a="code", b="code"), MOVED, held, Moved(MOVED))
    assert (found.active, found.failed) == (("a", "b"), {})


def test_nothing_leaves_where_baseline_fails() -> None:
    held = records({"": "0", "a": "0", "b": "0", "ab": "0"}, none=Status.CRASHED, a=Status.CRASHED)
    found = find_activity(entry(a="code", b="code"), MOVED, held, Moved(MOVED))
    assert (found.active, found.failed) == (("a", "b"), {})


def test_idle_knob_is_told_where_last_compile_keeps_what_is_needed() -> None:
    held = records(
        {"": "0", "a": "0", "b": "0", "c": "3", "ab": "0", "abc": "1", "ac": "1", "bc": "1"}, abc=Status.CRASHED
    )
    moved = dict.fromkeys("abc", "on")
    knobs = entry(a="code", b="code", c="code")
    assert list(find_activity(knobs, moved, held, Moved("abc")).idle) == []
    assert list(find_activity(knobs, moved, held, Moved("ab")).idle) == ["a", "b"]
