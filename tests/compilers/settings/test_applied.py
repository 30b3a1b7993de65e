"""What a configuration sets, and what of it belongs to keys of caches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablatrix.compilers.cache import Scope
from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry, KnobEntry, LevelEntry, Setting
from ablatrix.compilers.settings import Address, AddressList, Applied, add_settings, environment_of

KINDS = ("pass", "config", "target", "llvm", "flag", "optimizer", "lowering")
KNOWN = AddressList(
    (
        *(Address(kind=kind, name="it", type="switch", value=True) for kind in KINDS),
        Address(kind="session", name="spin", type="switch", value="0", affects="run_time", off="0", on="1"),
        Address(kind="property", name="group", type="whole number", affects="both"),
    )
)


def entry(**settings: Any) -> CompilerEntry:
    words = {name: {"setting": setting, **more} for name, (setting, more) in settings.items()}
    found, faults = add_settings(SHIPPED["eager"], words, KNOWN, Path())
    assert not faults
    return found


def scope(of: CompilerEntry, **levels: Any) -> dict[str, Any]:
    applied = Applied.of(of, levels)
    return applied.by_address()


def test_level_default_sets_nothing() -> None:
    of = entry(group=("property:group", {"levels": [32, 64]}))
    assert Applied.of(of, {}).building("property") == {}
    assert Applied.of(of, {"group": 64}).building("property") == {"group": 64}
    assert Applied.of(of, {}).reported("property") == ["group"]


@pytest.mark.parametrize("kind", KINDS)
def test_setting_that_may_change_code_is_in_key(kind: str) -> None:
    of = entry(it=(f"{kind}:it", {}))
    assert scope(of, it="off") == {f"{kind}:it": False}
    assert scope(of, it="on") == {f"{kind}:it": True}
    assert Applied.of(of, {"it": "off"}).switched_off(kind) == ["it"]


def test_setting_of_run_time_is_not_in_key() -> None:
    of = entry(spin=("session:spin", {}), wait=("env:OMP_WAIT_POLICY", {"levels": ["active"]}))
    levels = {"spin": "on", "wait": "active"}
    assert scope(of, **levels) == {}
    assert Applied.of(of, levels).running("session") == {"spin": "1"}
    assert environment_of(of, levels) == {"OMP_WAIT_POLICY": "active"}


def test_study_may_say_what_variable_affects() -> None:
    unknown = entry(it=("env:MY", {"levels": ["1"]}))
    assert scope(unknown, it="1") == {"env:MY": "1"}
    assert scope(entry(it=("env:MY", {"levels": ["1"], "affects": "run_time"})), it="1") == {}


def test_scope_has_settings_by_address_and_not_by_knob() -> None:
    class Compiler:
        def versions(self) -> dict[str, str]:
            return {}

    one, other = (entry(**{name: ("pass:it", {})}) for name in ("one", "other"))
    first = Scope.of(one, Compiler(), {"one": "off", "library": "on"})  # type: ignore[arg-type]
    second = Scope.of(other, Compiler(), {"other": "off", "library": "on"})  # type: ignore[arg-type]
    assert first == second
    assert (first.knobs, first.settings) == ({"library": "on"}, {"pass:it": False})


def with_built_in(**settings: Any) -> CompilerEntry:
    """Return an entry that has, of every configuration, a pass and an option, besides a study's settings."""
    levels = (LevelEntry("off", ""), LevelEntry("on", ""))
    plain = KnobEntry(name="", kind="primary", summary="", levels=levels, default="off", affects="code", built_in=True)
    of_pass = replace(plain, name="passing", acts=(Setting("pass", "it", (("off", False), ("on", None))),))
    of_flag = replace(plain, name="flagged", acts=(Setting("flag", "it", (("off", False), ("on", True))),))
    found = entry(**settings)
    return replace(found, knobs=(*found.knobs, of_pass, of_flag))


def test_built_in_knob_acts_by_its_level_and_is_no_setting_of_study() -> None:
    of = with_built_in()
    assert scope(of) == {"pass:it": False, "flag:it": False}
    assert scope(of, passing="on", flagged="on") == {"flag:it": True}
    assert (Applied.of(of, {}).kinds, of.addresses) == (frozenset(), {})


def test_setting_of_study_holds_over_built_in_knob_unless_it_is_default() -> None:
    of = with_built_in(mine=("flag:it", {"default": "default"}))
    assert scope(of, flagged="off", mine="on")["flag:it"] is True
    assert scope(of, flagged="on", mine="off")["flag:it"] is False
    assert scope(of, flagged="on", mine="default")["flag:it"] is True
    assert (Applied.of(of, {}).kinds, of.addresses) == (frozenset({"flag"}), {"mine": ["flag:it"]})


def test_pass_runs_where_no_knob_switches_it_off() -> None:
    of = with_built_in(mine=("pass:it", {}))
    off = [
        (passing, mine)
        for passing in ("off", "on")
        for mine in ("off", "on")
        if Applied.of(of, {"passing": passing, "mine": mine}).switched_off("pass")
    ]
    assert off == [("off", "off"), ("off", "on"), ("on", "off")]


def test_free_level_is_its_own_value() -> None:
    (streams,) = (one for one in SHIPPED["openvino"].offers if one.name == "streams")
    assert (streams.acts[0].value(1), streams.acts[0].value(6)) == (1, 6)
    assert (streams.has(6), streams.has("many"), streams.has(0)) == (True, False, False)


def test_kinds_are_those_of_study_whatever_level_is_set() -> None:
    of = entry(it=("flag:it", {"default": "default"}))
    assert Applied.of(of, {}).kinds == {"flag"}
