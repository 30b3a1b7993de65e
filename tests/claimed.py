"""Claims that the made-up records bear, and how they come out of others."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ablatrix.analysis.claims.check import check_claims, load_claims
from ablatrix.analysis.claims.checked import CheckedClaim
from ablatrix.analysis.claims.model import Claims
from ablatrix.analysis.findings import Findings
from ablatrix.records.model import Record
from tests.synthetic import tidied

CLAIMS = """\
version: 1
claims:
  - {id: fusion, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.5}
  - {id: attention-fusion, workload: attention, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.5}
  - {id: partition-cold, workload: encoder, compiler: tvm, metric: compile_first_run_ms, knob: partition, at_least: 2}
  - {id: memory, workload: encoder, compiler: tvm, metric: planned_bytes, knob: memory_plan, at_least: 1.5}
  - {id: reuse, workload: encoder, compiler: tvm, metric: physical_bytes_est, knob: reuse, at_least: 1.1}
  - {id: partition-hot, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: partition, within: 0.2}
  - id: all-on
    workload: encoder
    compiler: tvm
    metric: run_ms_paired
    configuration: {partition: regions, reuse: release, memory_plan: on, fusion: on}
    at_least: 1.5
  - id: fusion-alone
    workload: encoder
    compiler: tvm
    metric: run_ms_paired
    configuration: {fusion: on}
    against: {memory_plan: on}
    at_least: 1.3
  - {id: correct, correct: all}
  - {id: attention-correct, workload: attention, correct: all}
  - {id: cache, cache_misses: as_planned}
"""


def claims_of(text: str = CLAIMS) -> Claims:
    with TemporaryDirectory() as directory:
        path = Path(directory, "claims.yaml")
        path.write_text(text, encoding="utf-8")
        return load_claims(path)


def check(records: Sequence[Record], text: str = CLAIMS) -> Mapping[str, CheckedClaim]:
    return by_id(check_claims(Findings(tidied(records)), claims_of(text)))


def by_id(checked: Sequence[CheckedClaim]) -> Mapping[str, CheckedClaim]:
    return {one.claim.id: one for one in checked}


def changed_states(checked: Mapping[str, CheckedClaim]) -> dict[str, str]:
    """What does not hold, by claim."""
    return {name: one.state for name, one in checked.items() if one.state != "holds"}
