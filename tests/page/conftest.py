"""One page, made once, and one browser: what all tests of the page look at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from ablatrix.analysis.claims.check import check_claims, load_claims
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.page.write import write_page
from ablatrix.records.model import Record
from ablatrix.records.part import Level
from tests.synthetic import Plant, make_records, write_records

HOSTILE = "<script>window.broken = 1</script>\"'&</title>"
WRONG = {"partition": "whole", "reuse": "keep", "memory_plan": "on", "fusion": "on"}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Made:
    """A page with the records that it was made of."""

    page: Path
    results: Path
    records: list[Record]

    @property
    def text(self) -> str:
        return self.page.read_text(encoding="utf-8")


def without_memory_plan(knobs: dict[str, Level]) -> dict[str, Level]:
    return {**knobs, "memory_plan": "off"}


def planted_records() -> list[Record]:
    """Two workloads with a no-op, wrong outputs, a crash with a traceback and hostile texts, a replaced attempt."""
    plants = [Plant("wrong_output", "encoder", "hot", WRONG), Plant("crashed", "attention", "cold", WRONG, 1)]
    records = make_records(blocks=3, plants=plants, superseded=1, built_as=without_memory_plan)
    return [
        record.model_copy(
            update={
                "error": record.error.model_copy(
                    update={"message": HOSTILE, "traceback": f"Traceback: {HOSTILE}", "output_tail": "last words"}
                )
            }
        )
        if record.status == "crashed" and record.error
        else record
        for record in records
    ]


CLAIMS = """
version: 1
claims:
  - {id: fusion, workload: encoder, compiler: tvm, metric: compile_first_run_ms, knob: fusion, at_least: 1.05}
  - {id: memory, workload: encoder, compiler: tvm, metric: compile_first_run_ms, knob: memory_plan, at_least: 1.1}
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    directory = tmp_path_factory.mktemp("page")
    records = planted_records()
    results = write_records(directory / "results.jsonl", records)
    (directory / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    findings = Findings(tidy([results]))
    checked = check_claims(findings, load_claims(directory / "claims.yaml"))
    page = write_page(findings, checked, directory / "report.html", records=[results])
    return Made(page, results, records)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium; apt-get install chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()
