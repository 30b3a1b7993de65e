"""A pipeline of the author's and the order of two passes as knobs: checked, and applied, without any compiler."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry, KnobEntry, Level, Setting
from ablatrix.compilers.settings import AddressList, Applied, add_settings

CODE = "def a(module): ...\ndef b(module): ...\ndef whole(passes): ...\n"


def added(directory: Path, compiler: str = "tvm", /, **knobs: dict[str, Any]) -> tuple[CompilerEntry, dict[str, str]]:
    (directory / "mine.py").write_text(CODE)
    return add_settings(SHIPPED[compiler], knobs, AddressList(()), directory)


def two(after: str = "FuseOps", other: str = "FuseOps") -> dict[str, dict[str, Any]]:
    return {"a": {"pass": "mine.py:a", "after": after}, "b": {"pass": "mine.py:b", "after": other}}


def knob_of(entry: CompilerEntry, name: str) -> KnobEntry:
    found = entry.knob(name)
    assert found is not None
    return found


def names(entry: CompilerEntry, **levels: Level) -> list[str]:
    return [one.name for one in Applied.of(entry, levels).inserted]


def test_order_of_compilers_passes_is_knob_with_their_own_order(tmp_path: Path) -> None:
    entry, faults = added(tmp_path, swap={"order": ["FoldConstant", "LegalizeOps"]})
    knob = knob_of(entry, "swap")
    assert faults == {}
    assert ([level.name for level in knob.levels], knob.default, knob.affects) == (["kept", "swapped"], "kept", "code")
    assert knob.acts == (Setting("order", "LegalizeOps,FoldConstant", (("kept", None), ("swapped", True))),)
    assert knob.levels[0].summary == "LegalizeOps runs before FoldConstant."


def test_order_in_force_is_in_keys_and_given_to_adapter(tmp_path: Path) -> None:
    entry, _ = added(tmp_path, swap={"order": ["FuseOps", "FuseTIR"]}, fold={"order": ["LegalizeOps", "FoldConstant"]})
    assert Applied.of(entry, {}).by_address() == {}
    both = Applied.of(entry, {"swap": "swapped", "fold": "swapped"})
    assert both.swapped == [("FuseOps", "FuseTIR"), ("LegalizeOps", "FoldConstant")]
    assert both.by_address() == {"order:FuseOps,FuseTIR": True, "order:LegalizeOps,FoldConstant": True}
    assert entry.addresses == {"swap": ["order:FuseOps,FuseTIR"], "fold": ["order:LegalizeOps,FoldConstant"]}


def test_order_of_own_passes_may_stand_before_them(tmp_path: Path) -> None:
    entry, faults = added(tmp_path, turn={"order": ["b", "a"]}, **two())
    assert faults == {}
    assert [knob.name for knob in entry.knobs][:3] == ["turn", "a", "b"]
    assert knob_of(entry, "turn").acts[0].address == "order:a,b"
    assert names(entry, a="on", b="on") == ["mine.py:a", "mine.py:b"]
    assert names(entry, a="on", b="on", turn="swapped") == ["mine.py:b", "mine.py:a"]


def test_order_of_own_passes_is_in_keys_where_both_run_alone(tmp_path: Path) -> None:
    entry, _ = added(tmp_path, turn={"order": ["a", "b"]}, **two())

    def key(**levels: Level) -> dict[str, Any]:
        return Applied.of(entry, levels).by_address()

    assert key(a="on", b="on") != key(a="on", b="on", turn="swapped")
    assert key(a="on") == key(a="on", turn="swapped")
    assert key(turn="swapped") == {}
    assert Applied.of(entry, {"a": "on", "b": "on", "turn": "swapped"}).swapped == []


def test_pipeline_is_knob_whose_function_is_given_to_adapter(tmp_path: Path) -> None:
    entry, faults = added(tmp_path, own={"pipeline": "mine.py:whole"})
    assert faults == {}
    assert entry.addresses == {"own": ["pipeline:mine.py:whole"]}
    assert [level.name for level in knob_of(entry, "own").levels] == ["off", "on"]
    assert [one.name for one in Applied.of(entry, {"own": "on"}).pipelines] == ["mine.py:whole"]
    assert Applied.of(entry, {"own": "on"}).by_address() != Applied.of(entry, {}).by_address() == {}


ORDER: dict[str, Any] = {"order": ["FuseOps", "FuseTIR"]}


@pytest.mark.parametrize(
    ("compiler", "knobs", "message"),
    [
        ("tvm", {"k": {"order": ["FuseOp", "FuseTIR"]}}, "no pass 'FuseOp' that could change places.*nearest: FuseOps"),
        ("tvm", {"k": {"order": ["FuseOps", "FuseOps"]}}, r"of two passes, \[one, other\], and not \[FuseOps, FuseOps"),
        ("tvm", {"k": {"order": ["FuseOps"]}}, r"of two passes, \[one, other\], and not \[FuseOps\]"),
        ("tvm", {"k": {"order": ["a", "FuseOps"]}, **two()}, "'a' is a pass of the study and the other one of"),
        ("tvm", {"k": {"order": ["a", "c"]}, **two()}, "no pass 'c' that could change places, nor has the study"),
        ("tvm", {"k": {"order": ["a", "b"]}, **two(other="FuseTIR")}, "'a' runs after FuseOps; 'b' runs after FuseTIR"),
        ("tvm", {"k": ORDER | {"levels": ["on"]}}, "level 'on' of order 'FuseOps, FuseTIR' must be kept or swapped"),
        ("tvm", {"k": ORDER | {"default": "on"}}, "level 'on' of order 'FuseOps, FuseTIR' must be kept or swapped"),
        ("tvm", {"j": ORDER, "k": {"order": ["FuseTIR", "FuseOps"]}}, "'j' and 'k' have one setting, 'order:FuseOps,F"),
        ("tvm", {"k": {"order": ["a", "b"]}, **two(after="Fuse")}, "is of the knob 'a', which has a fault itself"),
        ("inductor", {"k": {"order": ["pre_grad", "post_grad"]}}, "passes of compiler 'inductor' cannot change places"),
        ("xla", {"k": {"order": ["algsimp", "dce"]}}, "'algsimp' is no knob with a 'pass'.*its adapter has no list"),
        ("inductor", {"k": {"pipeline": "mine.py:whole"}}, "no pipeline of a study: torch calls them one by one"),
        ("openvino", {"k": {"pipeline": "mine.py:whole"}}, "no pipeline of a study: its adapter has no list of them"),
        ("tvm", {"k": {"pipeline": "mine.py:hole"}}, "pipeline 'mine.py:hole': .*has no 'hole'; nearest: whole"),
        ("tvm", {"k": {"pipeline": "mine:whole"}}, "a pipeline is written file.py:name"),
    ],
)
def test_wrong_order_or_pipeline_is_one_message_with_remedy(
    compiler: str, knobs: dict[str, Any], message: str, tmp_path: Path
) -> None:
    _, faults = added(tmp_path, compiler, **knobs)
    assert re.search(message, faults["k"]), faults["k"]
    assert "\n" not in faults["k"]
