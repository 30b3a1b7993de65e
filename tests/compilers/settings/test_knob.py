"""A setting as a knob: addresses, names, types, levels and defaults, checked without any compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.catalogue import SHIPPED, KnobEntry, LevelEntry, Setting
from ablatrix.compilers.settings import Address, AddressList, add_settings, setting_knob
from ablatrix.errors import CompilerError

KNOWN = AddressList(
    (
        Address(kind="pass", name="FoldConstant", type="switch", value=True),
        Address(kind="pass", name="FuseOps", type="switch", value=True),
        Address(kind="config", name="unroll", type="whole number", value=0),
        Address(kind="config", name="simdlen", type="whole number"),
        Address(kind="config", name="rate", type="number", value=1.0),
        Address(kind="config", name="threads", type="whole number", owner="threads"),
        Address(kind="session", name="spin", type="switch", value="0", affects="run_time", off="0", on="1"),
        Address(kind="option", name="mode", type="text", value="seq", affects="run_time", choices=("seq", "par")),
        Address(kind="llvm", name="count", type="whole number", prefix="uint="),
    )
)


def knob(setting: str, **words: Any) -> KnobEntry:
    return setting_knob("mine", "it", {"setting": setting, **words}, KNOWN)


def values(found: KnobEntry) -> dict[Any, Any]:
    return dict(found.acts[0].values)


def test_pass_is_on_by_default_and_can_be_switched_off() -> None:
    found = knob("pass:FoldConstant")
    assert found.acts == (Setting("pass", "FoldConstant", (("off", False), ("on", True))),)
    assert (found.default, found.kind, found.affects) == ("on", "primary", "code")


def test_number_of_levels_has_level_in_force_as_default() -> None:
    found = knob("config:unroll", levels=[0, 16, 64])
    assert (found.default, values(found)) == (0, {0: 0, 16: 16, 64: 64})


def test_unknown_value_in_force_is_level_default() -> None:
    found = knob("config:simdlen", levels=[256, 512])
    assert found.default == "default"
    assert [level.name for level in found.levels] == ["default", 256, 512]
    assert values(found) == {"default": None, 256: 256, 512: 512}


def test_value_in_force_that_is_no_level_is_level_default() -> None:
    found = knob("config:unroll", levels=[16, 64])
    assert (found.default, list(values(found))) == ("default", ["default", 16, 64])


def test_default_of_study_holds() -> None:
    assert knob("config:unroll", levels=[0, 16], default=16).default == 16
    assert list(values(knob("config:unroll", levels=[0, 16], default="default"))) == ["default", 0, 16]


def test_fraction_is_level_of_number() -> None:
    found = knob("config:rate", levels=[0.25, 0.5, 1])
    assert (found.default, values(found)) == (1, {0.25: 0.25, 0.5: 0.5, 1: 1.0})


def test_switch_has_words_of_compiler_for_off_and_on() -> None:
    assert values(knob("session:spin")) == {"off": "0", "on": "1"}
    assert values(knob("session:spin", levels=["0", "1"])) == {"0": "0", "1": "1"}
    assert (knob("session:spin").affects, knob("session:spin", levels=["0", "1"]).default) == ("run_time", "0")


def test_prefix_of_address_comes_before_value() -> None:
    assert values(knob("llvm:count", levels=[2, 4])) == {"default": None, 2: "uint=2", 4: "uint=4"}


def test_environment_variable_needs_no_list() -> None:
    found = knob("env:OMP_WAIT_POLICY", levels=["active", "passive"])
    assert values(found) == {"default": None, "active": "active", "passive": "passive"}
    assert (found.affects, knob("env:MY_SWITCH", levels=[0, 1]).affects) == ("run_time", "both")
    assert values(knob("env:MY_SWITCH", levels=[0, 1])) == {"default": None, 0: "0", 1: "1"}


@pytest.mark.parametrize(
    ("setting", "words", "message"),
    [
        ("pass:FoldConstnt", {}, r"has no pass 'FoldConstnt' among its 2; nearest: FoldConstant"),
        ("pass:fuseops", {}, r"nearest: FuseOps$"),
        ("pas:FuseOps", {}, r"no settings of kind 'pas'; it has: pass, config, .*, env; nearest: pass"),
        ("FuseOps", {}, r"a setting is written kind:name, such as pass:NAME, and not 'FuseOps'"),
        ("config:unroll", {}, r"'config:unroll' is a whole number: say which 'levels' it is to have"),
        ("config:unroll", {"levels": [0.5]}, r"'config:unroll' has no level '0.5': it must be a whole number"),
        ("config:unroll", {"levels": ["many"]}, r"it must be a whole number"),
        ("config:rate", {"levels": ["much"]}, r"it must be a number"),
        ("pass:FuseOps", {"levels": [1]}, r"it must be off or on"),
        ("option:mode", {"levels": ["seq", "parr"]}, r"it must be one of seq, par; nearest: par"),
        ("option:mode", {}, r"'option:mode' is a text \(one of seq, par\): say which"),
        ("config:threads", {"levels": [1]}, r"'config:threads' is what the knob 'threads' sets; vary that one"),
        ("config:unroll", {"levels": [0, 1], "default": 3}, r"the default '3' is none of the levels"),
        ("config:unroll", {"levels": [1, 1]}, r"lists a level twice"),
        ("env:PATH", {"levels": ["a"]}, r"'PATH' is no environment variable that a study may set"),
        ("env:A-B", {"levels": ["a"]}, r"'A-B' is no environment variable"),
    ],
)
def test_wrong_name_or_level_is_refused_with_remedy(setting: str, words: dict[str, Any], message: str) -> None:
    with pytest.raises(CompilerError, match=message):
        knob(setting, **words)


def test_knobs_of_study_join_those_of_catalogue() -> None:
    words = {"fold": {"setting": "pass:FoldConstant"}, "fusion": {"setting": "pass:FuseOps"}}
    entry, faults = add_settings(SHIPPED["tvm"], words, KNOWN, Path())
    assert [one.name for one in entry.knobs][:2] == ["fold", "partition"]
    assert faults == {"fusion": "compiler 'tvm' has a knob 'fusion' already; give yours another name"}
    assert entry.addresses == {"fold": ["pass:FoldConstant"]}


def test_two_knobs_of_one_address_are_refused() -> None:
    words = {"one": {"setting": "pass:FuseOps"}, "other": {"setting": "pass:FuseOps"}}
    _, faults = add_settings(SHIPPED["tvm"], words, KNOWN, Path())
    assert faults == {"other": "knobs 'one' and 'other' have one setting, 'pass:FuseOps'; keep one"}


def test_digest_of_compiler_without_settings_has_no_new_part() -> None:
    knobs = (
        KnobEntry(name="a", kind="primary", summary="", levels=(LevelEntry("x", ""),), default="x", affects="code"),
    )
    entry = SHIPPED["tvm"]
    with_setting, _ = add_settings(entry, {"fold": {"setting": "pass:FoldConstant"}}, KNOWN, Path())
    assert with_setting.digest != entry.digest
    assert knobs[0].acts == ()
