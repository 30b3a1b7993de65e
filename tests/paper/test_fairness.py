# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Sentences on fairness hold in studies that are not the usual one: on a GPU, cut short, with shared caches."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.records.gpu import Gpu
from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import Paper, each, write_paper
from tests.synthetic import Plant, make_records

GPU = Gpu(name="NVIDIA H100", memory_bytes=80 << 30, l2_bytes=50 << 20, count=1, driver="570.1")


def written(directory: Path, records: list[Record], change: Callable[[Record], Record], language: str = "en") -> Paper:
    paper = write_paper(directory, each(records, change), language=language, claims=False)
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
    return paper


def on_gpu(record: Record) -> Record:
    if record.role == "reference":
        return record
    machine = record.meta.machine.model_copy(update={"gpu": GPU})
    return record.model_copy(update={"meta": record.meta.model_copy(update={"machine": machine})})


def with_shared_cache(record: Record) -> Record:
    if record.compile is None or record.config.knobs["fusion"] == "off":
        return record
    return record.model_copy(update={"compile": record.compile.model_copy(update={"cache_tag": "warm"})})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_text_names_gpu_that_trials_used(tmp_path: Path, language: str) -> None:
    records = make_records(workloads=["attention"], blocks=1, modes=["cold"])
    text = written(tmp_path, records, on_gpu, language).sentences["setup: machine"]
    assert "GPU NVIDIA H100" in text


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "The baseline differs from the compiler defaults in fusion (off) and schedule (vectorised instead of ",
        ),
        ("zh", "基线在以下设置上不同于编译器的默认值：fusion（设为 off），schedule"),
    ],
)
def test_text_says_where_baseline_is_not_as_shipped(tmp_path: Path, language: str, said: str) -> None:
    def departing(record: Record) -> Record:
        apart = None if record.role == "reference" else {"fusion": "on", "schedule": "default"}
        return record.model_copy(update={"config": record.config.model_copy(update={"departures": apart})})

    records = make_records(workloads=["attention"], blocks=1, modes=["cold"])
    assert "setup: departures" not in written(tmp_path / "unknown", records, lambda one: one, language).sentences
    assert written(tmp_path / "known", records, departing, language).sentences["setup: departures"].startswith(said)


def test_text_of_study_cut_short_claims_processes_only_of_what_ran(tmp_path: Path) -> None:
    plants = [
        Plant("not_run_budget", "attention", "hot", {}),
        Plant("unsupported", "attention", "cold", {"reuse": "keep"}),
    ]
    records = make_records(workloads=["attention"], blocks=1, plants=plants)
    assert written(tmp_path, records, lambda one: one).sentences["fairness: trials_and_outcomes"] == (
        "Of the 36 trials (16 cold and 16 hot trials of configurations, 2 of eager PyTorch and 2 of second copies of "
        "the baseline), 12 succeeded, 8 required features that the compiler or the machine does not support and "
        "16 did not run (time budget spent). Those that ran did so in separate processes, and only "
        "successful trials enter the statistics."
    )


def test_text_with_shared_caches_says_which_cold_times_its_scope_leaves_out(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1, modes=["cold"])
    text = written(tmp_path, records, with_shared_cache).sentences["fairness: cold_scope"]
    assert (
        "In the median over 8 cold trials, 60% of this time is spent in code generation including all passes and"
        in text
    )
    assert text.endswith(
        "The 8 trials that start from a cache filled by other trials (cache_tag) are not included in these shares."
    )


def test_text_with_one_block_promises_no_interval(tmp_path: Path) -> None:
    records = make_records(workloads=["attention"], blocks=1)
    paper = written(tmp_path, records, lambda one: one)
    assert paper.sentences["fairness: protocol"].endswith("ratios come without confidence intervals.")
    assert "steady state" not in paper.sentences["fairness: hot_scope"]
    assert paper.left_out["fairness: precision"] == (
        "no main effect has a confidence interval, which takes a knob that varies and two successful blocks"
    )
