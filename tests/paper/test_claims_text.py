# ruff: noqa: RUF001 - Chinese punctuation is meant
"""The paragraph on claims: those that hold share sentences, by metric; every other one stands by itself."""

from pathlib import Path

import pytest

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
NOT_SIGNIFICANT = """version: 1
claims:
  - {id: same, workload: encoder, compiler: tvm, metric: run_ms_paired, knob: reuse, within: 0.1}
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
    assert list(found) == [
        "all claims", "averaging", "right", "encoder+attention", "whole", "slower", "quicker", "grows",
    ]  # fmt: skip
    assert found["all claims"] == "All 7 claims of the study hold."
    assert found["right"] == "All outputs were checked and are correct (216 trials)."
    assert found["encoder+attention"] == (
        "With fusion, the run time falls by a factor of 1.660 (95% CI 1.638\N{EN DASH}1.682) on encoder and 1.666 (CI "
        "1.644\N{EN DASH}1.688) on attention (claimed: at least 1.5 and 1.25, "
        "respectively)."
    )
    assert found["whole"] == (
        "With the full configuration, the run time falls by a factor of 1.79 (CI 1.71\N{EN DASH}1.86) on encoder "
        "(claimed: at least 1.5)."
    )
    assert found["slower"] == (
        "With partition, the run time rises by 4.4% (CI 3.1\N{EN DASH}5.8%) on encoder (claimed: at most 10%)."
    )
    assert found["quicker"].endswith("on encoder (claimed: an increase of at most 10%).")
    assert found["grows"].endswith("1.044 (CI 1.031\N{EN DASH}1.058) on encoder (claimed: at least 1.01).")


def test_claims_on_effects_that_are_not_significant_say_so(tmp_path: Path) -> None:
    """Within its bound, and yet neither a rise nor a fall: the change is printed with its sign."""
    found = written(tmp_path, NOT_SIGNIFICANT)
    assert found["same"] == (
        "With reuse, the run time changes by -1.2% (95% CI -3.1% to 0.8%) on encoder, which is not significant "
        "after Holm correction (claimed: "
        "an increase of at most 10%)."
    )


@pytest.mark.slow
def test_claims_on_single_knobs_say_that_others_are_averaged(tmp_path: Path) -> None:
    assert written(tmp_path, HOLDING)["averaging"] == (
        "Claims about a single knob refer to the geometric mean of its effect over all settings of the other knobs."
    )
    whole = (
        "version: 1\nclaims:\n"
        + HOLDING.partition("  - id: whole")[1]
        + HOLDING.partition("  - id: whole")[2].partition("  - {id: slower")[0]
    )
    assert "averaging" not in written(tmp_path, whole)


def test_claims_that_do_not_hold_stand_by_themselves(tmp_path: Path) -> None:
    found = written(tmp_path, FAILING)
    assert found["all claims"] == "Of the 3 claims of the study, 1 holds."
    assert found["factor"] == (
        "The claim that fusion reduces the run time on encoder by a factor of at least 4 does not hold (measured: a "
        "reduction by a factor of 1.660, 95% CI 1.638\N{EN DASH}1.682)."
    )
    assert found["share"] == (
        "The claim that partition increases the run time on encoder by at most 1% does not hold (measured: an increase "
        "by 4.4%, CI 3.1\N{EN DASH}5.8%)."
    )


def test_claims_in_chinese_share_the_same_sentences(tmp_path: Path) -> None:
    found = written(tmp_path, HOLDING, "zh")
    assert found["all claims"] == "本研究的 7 项论断全部成立（缩减比与加速比均指改动前后之比）。"
    assert found["whole"] == (
        "完整配置使运行时间缩短，加速比在 encoder 上为 1.79（CI 1.71\N{EN DASH}1.86），符合论断（至少为 1.5）。"
    )
