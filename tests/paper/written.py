"""Papers of text alone from synthetic records: what the tests of sentences and numbers read."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.analysis.claims.check import check_claims, load_claims
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.paper.make import make_paper
from ablatrix.records.model import Record
from tests.synthetic import PRIMARY, make_records, write_records

TEMPLATE = "version: 1\ntext: [setup, fairness, benefit, correctness, claims]\n"
ALL_ON = {knob: levels[1] for knob, levels in PRIMARY.items()}
CLAIMS = """version: 1
claims:
  - {id: right, correct: all}
  - {id: planned, cache_misses: as_planned}
  - {id: fused, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.5}
  - {id: parted, workload: attention, compiler: tvm, metric: compile_first_run_ms, knob: partition, at_least: 2}
  - id: small
    workload: encoder
    compiler: tvm
    metric: planned_bytes
    knob: reuse
    levels: [keep, release]
    at_most: 2
  - id: everything
    workload: encoder
    compiler: tvm
    metric: run_ms_p50
    configuration: {partition: regions, reuse: release, memory_plan: on, fusion: on}
    at_least: 1.5
  - id: kept
    workload: attention
    compiler: tvm
    metric: run_ms_paired
    configuration: {fusion: on}
    against: {fusion: on, partition: regions}
    within: 0.02
"""


@dataclass(frozen=True)
class Paper:
    """A paper that lies in a directory, with its records beside it."""

    results: tuple[Path, ...]
    directory: Path

    @property
    def provenance(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.directory / "provenance.json").read_text(encoding="utf-8"))
        return found

    @property
    def sentences(self) -> Mapping[str, str]:
        """The text of each sentence by ``paragraph: name``."""
        return {f"{one['paragraph']}: {one['name']}": one["text"] for one in self.provenance["sentences"]}

    @property
    def left_out(self) -> Mapping[str, str]:
        """The reason for each sentence that is left out, by ``paragraph: name``."""
        return {f"{one['paragraph']}: {one['sentence']}": one["reason"] for one in self.provenance["left_out"]}


def write_paper(directory: Path, *runs: Iterable[Record], language: str = "en", claims: bool | str = True) -> Paper:
    """Write the records of runs and their text; ``claims`` is the file of claims where it is another one."""
    directory.mkdir(parents=True, exist_ok=True)
    results = [write_records(directory / f"{number}.jsonl", records) for number, records in enumerate(runs)]
    template, claimed = directory / "template.yaml", directory / "claims.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    claimed.write_text(claims if isinstance(claims, str) else CLAIMS, encoding="utf-8")
    out = directory / "paper"
    findings = Findings(tidy(results))
    checked = check_claims(findings, load_claims(claimed)) if claims else None
    make_paper(findings, template, out, claims=checked, language=language)
    return Paper(tuple(results), out)


def study(**changed: Any) -> list[Record]:
    """The records that all changes start from."""
    return make_records(workloads=["attention", "encoder"], blocks=3, **changed)


def each(records: Iterable[Record], change: Callable[[Record], Record | None]) -> list[Record]:
    """Return the records with each one changed, or left out where the change gives none."""
    return [made for record in records if (made := change(record)) is not None]
