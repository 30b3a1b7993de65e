"""The text of a pull request in the documentation is what the product makes of these records."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from ablatrix.analysis.builds import compare_builds
from ablatrix.analysis.findings import Findings
from ablatrix.pull_request import DEFAULT_POLICY, hold_against, markdown_text
from ablatrix.records.model import Record
from tests.synthetic import make_records, tidied
from tests.with_builds import Knobs, only_memory_and_fusion, with_builds

PAGE = Path(__file__).parents[2] / "docs" / "pull-requests.md"


def planted(workload: str, mode: str, knobs: Knobs) -> float:
    if mode == "cold":
        return 1.0
    if workload == "encoder":
        return 0.9 if knobs["fusion"] == "on" else 1.0
    return 1.03 if workload == "resnet" else 1.0


def ends(record: Record) -> str:
    knobs = record.config.knobs
    both_on = knobs["memory_plan"] == knobs["fusion"] == "on"
    return "wrong_output" if record.workload.name == "attention" and both_on else "ok"


def test_documented_text_is_what_is_made_of_the_records() -> None:
    made = make_records(workloads=["attention", "encoder", "resnet"], blocks=6, noise=0.006)
    records = with_builds(only_memory_and_fusion(made), planted, ends=ends, noise=0.008, names=("main", "fast-fusion"))
    text = markdown_text(hold_against(compare_builds(Findings(tidied(records))), DEFAULT_POLICY))
    shown = re.search(r"(?:    .*\n|\n)*    ### ablatrix: (?:.*\n)(?:    .*\n|\n)*", PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    block = textwrap.dedent(shown[0]).strip()
    assert block == text.partition("\n\n<details>")[0]
