"""Settings of the kind ``limit``: how often a pass or a lowering is applied at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.settings import ask_addresses
from ablatrix.culprits.candidates import with_settings
from ablatrix.records.journal import final_records, read_records
from ablatrix.study.resolve import resolve_study
from ablatrix.study.without_file import make_study
from ablatrix.troubles import Configuration, Looks


def digests(compiler: str, address: str, limits: list[int], directory: Path) -> tuple[str, str, dict[int, str]]:
    """Return the digest of an mlp's code as it is, with something off, and with each limit."""
    workload = {"name": "mlp", "parameters": {"layers": 3, "hidden": 16, "batch": 2}}
    knobs = {"partition": ["whole"], "fusion": ["on"]}
    study = make_study([workload], [compiler], knobs, ["cold"], directory=directory, checks={"input_sets": 1})
    switch, limit = {address: ["on", "off"]}, {f"limit:{address}": limits}
    resolved, names = with_settings(resolve_study(study), compiler, {**switch, **limit})
    base = Configuration(resolved=resolved, workload="mlp", compiler=compiler)
    looks: dict[str, str] = {}
    with Looks(directory / "looks") as seer:
        places: dict[str, dict[str, Level]] = {"as-it-is": {}, "off": {names[address]: "off"}}
        places |= {str(one): {names[f"limit:{address}"]: one} for one in limits}
        for place, levels in places.items():
            seer.see(base.at(levels), place, "cold")
            (record,) = final_records(read_records(directory / "looks" / place / "results.jsonl"))
            assert record.compile is not None, record.error
            looks[place] = str(record.compile.artifact_digest)
    return looks["as-it-is"], looks["off"], {one: looks[str(one)] for one in limits}


@pytest.mark.long
@pytest.mark.parametrize(("compiler", "address"), [("inductor", "lowering:aten.relu"), ("tvm", "pass:FuseOps")])
def test_limit_of_none_is_off_and_of_all_is_as_it_is(compiler: str, address: str, tmp_path: Path) -> None:
    as_it_is, off, limited = digests(compiler, address, [0, 1, 9], tmp_path)
    assert as_it_is != off
    assert (limited[0], limited[9]) == (off, as_it_is)
    if compiler == "inductor":  # the first of several calls is lowered, the others are not
        assert limited[1] not in {as_it_is, off}


@pytest.mark.slow
def test_limits_are_there_for_what_is_counted_alone() -> None:
    catalogue = installed_catalogue()
    known = ask_addresses(catalogue.compiler("inductor"))
    assert "limit" in known.kinds
    assert known.find("limit", "lowering:aten.exp") is not None
    assert known.find("limit", "config:max_autotune") is None
    assert "limit" not in ask_addresses(catalogue.compiler("onnxruntime")).kinds
