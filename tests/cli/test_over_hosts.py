"""Commands over results of several hosts: each says on how many, and that hosts are what repeats."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Ablatrix
from tests.synthetic import make_records, write_records
from tests.with_hosts import Host, host_id, over_hosts

SAID = "note: Results of 4 hosts: an effect is measured within each of them, and hosts are what repeats"
CLAIMS = """version: 1
claims:
  - {id: fusion, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.2}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hosts")
    equal = [Host(name) for name in "abcd"]
    odd = [*equal[:3], Host("d", slow=2.0, odd={("fusion", "on"): 1.08})]
    for name, records in (("odd", over_hosts(odd)), ("equal", over_hosts(equal)), ("one", make_records(blocks=3))):
        write_records(place / name / "results.jsonl", records)
        (place / name / "claims.yaml").write_text(CLAIMS)
    return place


def words(text: bytes) -> str:
    return " ".join(text.decode().split())


@pytest.mark.parametrize("command", ["claims", "diagnose", "verdict"])
@pytest.mark.usefixtures("no_images")
def test_command_says_that_hosts_are_what_repeats(here: Ablatrix, results: Path, command: str) -> None:
    assert SAID in words(here(command, results / "odd").stdout)
    assert "hosts" not in words(here(command, results / "one").stdout)


def test_effects_say_hosts_and_name_those_that_differ(here: Ablatrix, results: Path) -> None:
    done = here("effects", results / "odd", "--metric", "run_ms_paired", "--wide")
    assert SAID in words(done.stderr)
    text = words(done.stdout)
    assert "on 4 hosts, tau up to" in text
    assert "effects differ between hosts" in text
    assert host_id("d")[:6] in text
    assert "16 on 4 hosts" in text


def test_comparison_over_hosts_compares_ratios_and_no_times(here: Ablatrix, results: Path) -> None:
    text = words(here("compare", results / "equal", results / "odd").stdout)
    assert "note: A: Results of 4 hosts" in text
    assert "note: B: Results of 4 hosts" in text
    assert "times are not compared, as hosts differ in them" in text
