"""The paragraph on claims: those that hold share sentences, by metric; every other one stands by itself."""

from pathlib import Path

from tests.paper import recompute
from tests.paper.written import Paper, study, write_paper

HOLDING = """version: 1
claims:
  - {id: right, correct: all}
  - {id: encoder, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.5}
  - {id: attention, workload: attention, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 1.25}
  - id: whole
    workload: encoder
    compiler: tvm
    metric: run_ms_paired
    configuration: {partition: regions, reuse: release, memory_plan: on, fusion: on}
    at_least: 1.5
  - {id: slower, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: partition, within: 0.1}
  - {id: quicker, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, within: 0.1}
  - {id: grows, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: partition, at_most: 0.99}
"""
FAILING = """version: 1
claims:
  - {id: right, correct: all}
  - {id: factor, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: fusion, at_least: 4}
  - {id: share, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: partition, within: 0.01}
"""


def written(directory: Path, claims: str, language: str = "en") -> dict[str, str]:
    paper = write_paper(directory, study(), claims=claims, language=language)
    return claims_of(paper)


def claims_of(paper: Paper) -> dict[str, str]:
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
    return {
        name.removeprefix("claims: "): text for name, text in paper.sentences.items() if name.startswith("claims: ")
    }


def test_claims_that_hold_share_a_sentence_by_metric(tmp_path: Path) -> None:
    found = written(tmp_path, HOLDING)
    assert list(found) == ["all claims", "right", "encoder+attention", "whole", "slower", "quicker", "grows"]
    assert found["all claims"] == "All 7 claims of the study hold."
    assert found["right"] == "All outputs are correct, and no check is missing (216 trials)."
    print(found)


def test_claims_that_do_not_hold_stand_by_themselves(tmp_path: Path) -> None:
    found = written(tmp_path, FAILING)
    print(found)


def test_claims_in_chinese_share_the_same_sentences(tmp_path: Path) -> None:
    found = written(tmp_path, HOLDING, "zh")
    assert found["all claims"] == "本研究的 7 项主张全部成立。"
    print(found)
