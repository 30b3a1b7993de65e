"""The markers that rooms and files of tests have, by which ``--fast`` chooses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import FAST, MARKERS, marker_of

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("file", "marker"),
    [
        ("trials/test_faults.py", "slow"),
        ("trials/test_run_log.py", None),
        ("trials/test_cuda.py", "gpu"),
        ("compilers/test_contract.py", "compiler"),
        ("plan/test_planner.py", None),
        ("../examples/compiler/test_in_place.py", "compiler"),
    ],
)
def test_marker_of_file_selects_its_rooms(file: str, marker: str | None) -> None:
    assert marker_of(TESTS / file) == marker


def test_marker_names_existing_room_or_file() -> None:
    assert [name for name in MARKERS if not ((TESTS / name).is_dir() or (TESTS / f"{name}.py").is_file())] == []


def test_fast_selection_omits_every_marker(pytestconfig: pytest.Config) -> None:
    registered = {line.partition(":")[0] for line in pytestconfig.getini("markers")}
    assert {marker for marker in MARKERS.values() if marker} == {"compiler", "gpu", "slow"} <= registered
    assert {word for word in FAST.split() if word not in {"not", "and"}} == {"compiler", "gpu", "slow"}
