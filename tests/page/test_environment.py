"""The page tells of a GPU where the records do, and only there; a comparison names one that changed."""

from __future__ import annotations

from ablatrix.analysis.runs.differences import Change, find_changes
from ablatrix.page.environment import environment_table
from ablatrix.records.gpu import Gpu
from ablatrix.records.model import Record
from tests.synthetic import make_records, tidied


def on_gpu(record: Record, name: str) -> Record:
    gpu = Gpu(name=name, memory_bytes=80 * 2**30, l2_bytes=50 * 2**20, count=1, driver="570.86.10")
    machine = record.meta.machine.model_copy(update={"gpu": gpu})
    return record.model_copy(update={"meta": record.meta.model_copy(update={"machine": machine})})


def test_page_shows_gpu_where_record_has_one() -> None:
    records = make_records(workloads=["attention"], blocks=1, modes=["cold"])
    tables = [environment_table(tidied(found)) for found in (records, [on_gpu(one, "One") for one in records])]
    without, with_one = ({row.cells[0].text: row.cells[1].text for row in table.rows} for table in tables)
    assert with_one.keys() - without.keys() == {"gpu name", "gpu driver", "gpu memory bytes", "gpu count"}
    assert (with_one["gpu name"], with_one["gpu memory bytes"]) == ("One", "80.0 GiB")


def test_page_with_other_gpu_reports_change() -> None:
    records = make_records(workloads=["attention"], blocks=1, modes=["cold"])
    a, b = (tidied([on_gpu(one, name) for one in records]).trials for name in ("One", "Other"))
    assert find_changes(a, b) == (Change("gpu_name", ("One",), ("Other",)),)
