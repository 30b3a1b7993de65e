"""A paper of results over hosts: it says how many there were, whether they differ, and every number is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paper import recompute
from tests.paper.written import Paper, write_paper
from tests.synthetic import make_records
from tests.with_hosts import Host, over_hosts

EQUAL = [Host(name) for name in "abcd"]
ODD = [*EQUAL[:3], Host("d", slow=2.0, odd={("fusion", "on"): 1.08})]
WITHIN = "every block is of one host and contains the baseline, so that configurations are compared within a host only."


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return write_paper(tmp_path_factory.mktemp("odd"), over_hosts(ODD))


def test_every_number_over_hosts_is_found_again(odd: Paper) -> None:
    over = [one for one in odd.provenance["numbers"] if one["parameters"].get("over") == "hosts"]
    statistics = {one["statistic"] for one in over}
    assert {"effect", "total", "claim", "geometric_mean"} <= statistics
    assert recompute.check(recompute.read_records(odd.results), odd.directory) == []


def test_number_over_blocks_in_place_of_hosts_is_noticed(odd: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recompute, "host_of", lambda row: "one")
    assert len(recompute.check(recompute.read_records(odd.results), odd.directory)) > 10


def test_setup_says_how_many_hosts_and_which_knobs_differ(odd: Paper) -> None:
    said = odd.sentences
    assert said["setup: hosts"] == (
        f"The trials ran on 4 hosts of one kind; {WITHIN} Between hosts, the effects of fusion differ significantly."
    )
    assert "means over hosts, each of which weighs the same" in " ".join(said.values())


@pytest.mark.parametrize(
    ("blocks_each", "outcome"),
    [
        (3, "No effect differs significantly between hosts."),
        (1, "With one block on each host, whether effects differ between hosts cannot be tested."),
    ],
)
def test_setup_says_what_is_known_of_equal_hosts(tmp_path: Path, blocks_each: int, outcome: str) -> None:
    paper = write_paper(tmp_path, over_hosts(EQUAL, blocks_each, workloads=["encoder"]), claims=False)
    assert paper.sentences["setup: hosts"] == f"The trials ran on 4 hosts of one kind; {WITHIN} {outcome}"
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []


def test_hosts_are_told_in_chinese(tmp_path: Path) -> None:
    paper = write_paper(tmp_path, over_hosts(ODD, workloads=["encoder"]), language="zh", claims=False)
    said = paper.sentences["setup: hosts"]
    assert said.startswith("试验在 4 台同类主机上进行")
    assert said.endswith("的效应在各主机间有显著差异。")


def test_paper_of_one_host_says_nothing_of_hosts(tmp_path: Path) -> None:
    paper = write_paper(tmp_path, make_records(workloads=["encoder"], blocks=3), claims=False)
    assert "setup: hosts" not in paper.sentences
    assert not any("over" in one["parameters"] for one in paper.provenance["numbers"])
