"""Ids of hosts: stable, telling hosts apart, and naming nobody."""

from pathlib import Path

from ablatrix.records.place import read_host_id, short_host_ids


def with_machine_id(root: Path, text: str) -> Path:
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "machine-id").write_text(text)
    return root


def test_host_id_same_machine_is_stable(tmp_path: Path) -> None:
    root = with_machine_id(tmp_path, "0123456789abcdef0123456789abcdef\n")
    assert read_host_id(root, "node-7") == read_host_id(root, "node-7") == "3bfa7b9ece33ee93"


def test_host_id_other_machine_or_name_differs(tmp_path: Path) -> None:
    first = with_machine_id(tmp_path / "a", "0123456789abcdef0123456789abcdef\n")
    second = with_machine_id(tmp_path / "b", "fedcba9876543210fedcba9876543210\n")
    ids = {read_host_id(root, name) for root in (first, second) for name in ("node-7", "node-8")}
    assert len(ids) == 4


def test_host_id_without_machine_id_is_of_the_name(tmp_path: Path) -> None:
    assert read_host_id(tmp_path, "node-7") != read_host_id(tmp_path, "node-8")


def test_short_ids_are_as_long_as_needed() -> None:
    ids = ["0123456789abcdef", "0123457789abcdef", "0123457fffffffff", "bench-1"]
    assert list(short_host_ids(ids).values()) == ["01234567", "01234577", "0123457f", "bench-1"]
    assert short_host_ids(ids[:2]) == {"0123456789abcdef": "0123456", "0123457789abcdef": "0123457"}
    assert short_host_ids(ids[:1]) == {"0123456789abcdef": "012345"}
