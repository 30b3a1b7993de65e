"""``ablatrix claims``: exit codes, a table for people, the same for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.claimed import CLAIMS
from tests.cli.conftest import Ablatrix
from tests.synthetic import Plant, make_records, write_records


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("claimed")
    write_records(place / "good" / "results.jsonl", make_records(blocks=3, noise=0.003))
    (place / "good" / "claims.yaml").write_text(CLAIMS)
    plant = Plant("wrong_output", "encoder", "hot", {"fusion": "on", "reuse": "keep"}, block=1)
    write_records(place / "wrong" / "results.jsonl", make_records(blocks=3, noise=0.003, plants=[plant]))
    return place


def test_claims_beside_records_when_all_hold_exit_with_0(here: Ablatrix, results: Path) -> None:
    done = here("claims", results / "good")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "11 of 11 claims hold" in text
    assert "fusion reduces the run time" in text
    portable = [
        one["id"] for one in json.loads(here("claims", results / "good", "--json").stdout)["claims"] if one["portable"]
    ]
    assert "correct" in portable
    assert "fusion" not in portable
    bound = f"portable, the same on any machine: {len(portable)}; bound to the machine (times, memory as measured): "
    assert f"{bound}{11 - len(portable)}\n" in text


def test_claims_when_one_fails_exit_with_1_and_show_its_rows(here: Ablatrix, results: Path) -> None:
    done = here("claims", results / "wrong", "--claims", results / "good" / "claims.yaml", "--json")
    held = json.loads(done.stdout)
    assert (done.returncode, held["holds"]) == (1, False)
    states = {one["id"]: one["state"] for one in held["claims"]}
    assert (states["correct"], states["fusion"], states["attention-fusion"]) == ("fails", "undecided", "holds")
    assert all(one["rows"] for one in held["claims"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{place}/wrong"], "there is no claims.yaml next to the records"),
        (["{place}/good", "--claims", "{place}/none.yaml"], "none.yaml: cannot be read"),
        (["{place}/good", "--lang", "fr"], "--lang fr: there are en, zh"),
    ],
)
def test_claims_with_bad_input_give_one_message_and_exit_with_2(
    here: Ablatrix, results: Path, arguments: list[str], message: str
) -> None:
    done = here("claims", *(one.format(place=results) for one in arguments))
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr
