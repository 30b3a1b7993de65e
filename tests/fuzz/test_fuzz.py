"""Short form; the long one is ``scripts/fuzz.py``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.documents.load import parse_yaml, plain_value
from ablatrix.errors import AblatrixError, StudyError
from tests.fuzz.fuzz import Reading, document, read_all
from tests.fuzz.kept import Kept, Stretch, totals
from tests.fuzz.targets import targets
from tests.fuzz.values import as_yaml, values_for_yaml

COUNTS = {
    "table": 3,
    "commands": 1,
    "plan": 100,
    "study": 300,
    "study_text": 120,
    "template_text": 150,
    "claims_text": 150,
}
READERS = [name for name in targets() if name != "commands"]
MOST_SEEDS = {"table": 3}
OF_YAML = [name for name, target in targets().items() if target.form == "values"]


def test_same_number_gives_same_document() -> None:
    assert document("claims", 3)[1] == document("claims", 3)[1] != document("claims", 4)[1]


@pytest.mark.parametrize("name", READERS)
def test_seed_is_read_or_refused(name: str) -> None:
    with Reading(name) as reading:
        endings = [reading.end(0, seed) for seed in targets()[name].seeds[: MOST_SEEDS.get(name)]]
    assert [ending.fault.what for ending in endings if ending.fault] == []


@pytest.mark.parametrize("name", READERS)
def test_changed_document_is_read_or_refused(name: str) -> None:
    endings = list(read_all(name, range(COUNTS.get(name, 500))))
    assert [ending.fault.what for ending in endings if ending.fault] == []


@pytest.mark.slow
def test_commands_end_with_a_code_on_strange_records() -> None:
    endings = list(read_all("commands", range(1)))
    assert [ending.fault.what for ending in endings if ending.fault] == []


@pytest.mark.parametrize("name", OF_YAML)
def test_document_of_values_is_what_yaml_gives(name: str, tmp_path: Path) -> None:
    file, same = tmp_path / "x.yaml", 0
    for number in range(40):
        content = document(name, number)[1]
        file.write_bytes(content)
        with values_for_yaml():
            given = parsed(file)
        file.write_bytes(as_yaml(content))
        found = parsed(file)
        # Characters that YAML has none of, and numbers and texts that are too long, are refused by its parser alone.
        assert repr(found) == repr(given) or found is None, content
        same += found is not None
    assert same > 30


def parsed(file: Path) -> object:
    try:
        return plain_value(parse_yaml(file, StudyError))
    except AblatrixError:
        return None


def test_reader_that_raises_is_a_fault_with_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(file: Path) -> None:
        if file.stat().st_size % 2:
            raise KeyError("odd")

    monkeypatch.setitem(targets(), "policy", replace(targets()["policy"], read=read, form="text"))
    odd = [number for number in range(20) if len(document("policy", number)[1]) % 2]
    faults = {ending.fault.number: ending.fault.what for ending in read_all("policy", range(20)) if ending.fault}
    assert list(faults) == odd != []
    assert {what.splitlines()[-1] for what in faults.values()} == {"KeyError: 'odd'"}


def test_kept_stretches_are_read_again_and_added_up(tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    kept = Kept(file)
    assert kept.next_number("study") == 0
    what = 'Traceback:\n  File "x.py", line 3\nValueError: no\n'
    first = Stretch(
        reader="study", first=0, documents=5, read=1, faults={3: what}, slowest_s=0.5, s=2.0, cpu_s=1.5, code="a"
    )
    kept.add(first)
    kept.add(replace(first, first=5, documents=7, read=2, faults={6: what}, slowest_s=0.25, s=1.0, cpu_s=0.5, code="b"))
    again = Kept(file)
    assert again.stretches[0] == first
    assert (again.next_number("study"), again.next_number("claims")) == (12, 0)
    total = totals(again.stretches)["study"]
    assert (total.documents, total.read, total.faults, total.kinds, total.mended) == (12, 3, 2, 1, 0)
    assert totals(again.stretches, {("study", 3), ("claims", 6)})["study"] == replace(total, faults=1, mended=1)
    assert (total.slowest_s, total.s, total.cpu_s) == (0.5, 3.0, 2.0)
