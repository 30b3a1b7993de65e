"""The files of ``tabulate``: the same bytes for the same records, and nothing that is not in them."""

import csv
from pathlib import Path

import pytest

from ablatrix.analysis.table.delimited import csv_text
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.errors import AnalysisError
from ablatrix.plotting.tabulate import PRIMER, tabulate
from ablatrix.records.model import Record
from tests.synthetic import Plant, make_records, write_records

FILES = [
    "ablation.csv",
    "tables/ablation_summary.csv",
    "tables/exclusions.csv",
    "figures/cache_miss_vs_compile.pdf",
    "figures/cache_miss_vs_compile.png",
    "figures/cache_miss_vs_compile.svg",
]
PLANTS = [
    Plant("crashed", "encoder", "cold", {"fusion": "on", "partition": "whole"}, block=0),
    Plant("wrong_output", "encoder", "hot", {"fusion": "on", "partition": "whole"}),
]


def contents(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


def test_tabulate_in_other_order_gives_same_bytes(tmp_path: Path) -> None:
    """In another process, too: tests/artifact/test_remake.py."""
    a = write_records(tmp_path / "a.jsonl", make_records(plants=PLANTS, primers=1, superseded=2))
    b = write_records(tmp_path / "b.jsonl", make_records(workloads=["resnet"]))
    written = tabulate(tidy([a, b]), tmp_path / "one", allow_mixed=True)
    assert sorted(path.relative_to(tmp_path / "one").as_posix() for path in written) == sorted(FILES)
    tabulate(tidy([b, a]), tmp_path / "two", allow_mixed=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize(
    "records",
    [
        make_records(workloads=["attention"], blocks=1, modes=["hot"]),
        make_records(workloads=["attention"], blocks=1, plants=[Plant("unsupported", "attention", "cold", {})]),
    ],
    ids=["no cold trial", "none is supported"],
)
def test_tabulate_without_cold_trials_writes_tables_and_no_figure(records: list[Record], tmp_path: Path) -> None:
    written = tabulate(tidy([write_records(tmp_path / "r.jsonl", records)]), tmp_path / "out")
    assert [path.relative_to(tmp_path / "out").as_posix() for path in written] == FILES[:3]
    assert not (tmp_path / "out" / "figures").exists()


def test_tabulate_writes_every_trial_and_counts_every_exclusion(tmp_path: Path) -> None:
    records = make_records(plants=PLANTS, primers=3, superseded=2)
    tabulate(tidy([write_records(tmp_path / "r.jsonl", records)]), tmp_path)
    lines = (tmp_path / "ablation.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(records) - 2
    with (tmp_path / "tables" / "exclusions.csv").open(encoding="utf-8", newline="") as file:
        counts = {row["reason"]: int(row["records"]) for row in csv.DictReader(file)}
    assert counts == {
        "attempt that a later one replaced": 2,
        PRIMER: 3,
        "status crashed": 4,
        "status wrong_output": 8,
    }
    with (tmp_path / "tables" / "ablation_summary.csv").open(encoding="utf-8", newline="") as file:
        assert sum(int(row["n_trials"]) for row in csv.DictReader(file)) == len(records) - 2 - 3


def test_tabulate_leaves_missing_cells_empty_and_numbers_unrounded(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], blocks=1, plants=PLANTS)
    tabulate(tidy([write_records(tmp_path / "r.jsonl", records)]), tmp_path)
    with (tmp_path / "ablation.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["trial_id"]: row for row in csv.DictReader(file)}
    for record in records:
        row = rows[record.trial_id]
        p50 = record.runtime.run_ms_p50 if record.runtime else None
        assert row["run_ms_p50"] == ("" if p50 is None else repr(p50))
        assert row["throttled_ms"] == ""
        assert row["correct"] == ("" if record.correctness is None else str(record.correctness.ok).lower())


def test_tabulate_of_mixed_commits_is_refused_unless_requested(tmp_path: Path) -> None:
    one = write_records(tmp_path / "a.jsonl", make_records(workloads=["encoder"], blocks=1))
    two = write_records(tmp_path / "b.jsonl", make_records(workloads=["encoder"], blocks=1, commit="d" * 40))
    with pytest.raises(AnalysisError, match=r"ablatrix_commit: c0ffee.*--allow-mixed"):
        tabulate(tidy([one, two]), tmp_path)
    assert not (tmp_path / "ablation.csv").exists()


def test_tabulate_of_several_hosts_adds_column_and_never_pools(tmp_path: Path) -> None:
    one = make_records(workloads=["encoder"], blocks=1)
    two = make_records(workloads=["encoder"], blocks=1, host="bench-2")
    paths = [write_records(tmp_path / f"{i}.jsonl", records) for i, records in enumerate([one, two])]
    tabulate(tidy(paths), tmp_path)
    with (tmp_path / "tables" / "ablation_summary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["host"] for row in rows] == ["bench-1"] * 36 + ["bench-2"] * 36
    assert {row["n_trials"] for row in rows} == {"1"}


def test_tabulate_figures_embed_true_type_without_date_or_program(tmp_path: Path) -> None:
    tabulate(tidy([write_records(tmp_path / "r.jsonl", make_records(workloads=["encoder"], blocks=1))]), tmp_path)
    pdf = (tmp_path / "figures" / "cache_miss_vs_compile.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert not [word for word in (b"CreationDate", b"ModDate", b"Producer", b"Creator") if word in pdf]
    assert b"atplotlib" not in (tmp_path / "figures" / "cache_miss_vs_compile.png").read_bytes()


def test_tabulate_when_all_cold_trials_failed_writes_tables_and_figure(tmp_path: Path) -> None:
    records = make_records(workloads=["encoder"], blocks=1, plants=[Plant("timeout", "encoder", "cold", {})])
    assert len(tabulate(tidy([write_records(tmp_path / "r.jsonl", records)]), tmp_path)) == len(FILES)


def test_tabulate_text_with_commas_quotes_and_newlines_is_one_line() -> None:
    import polars as pl

    frame = pl.DataFrame({"a": ['x, "y"\nz', None], "b": [0.1, 1e-12], "c": [True, None], "d": [2**53 + 1, 0]})
    assert csv_text(frame) == 'a,b,c,d\n"x, ""y"" z",0.1,true,9007199254740993\n,1e-12,,0\n'
