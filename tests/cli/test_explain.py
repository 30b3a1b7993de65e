"""The command ``explain``: what it prints adds up, what it draws, and what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablatrix.cli.explain_text import explanation_lines, show_explanation
from ablatrix.plotting.bars import bars_of
from ablatrix.records.explanation import (
    ExplainedBlock,
    ExplainedGroup,
    ExplainedSide,
    Explanation,
    SpreadMs,
)
from tests.cli.conftest import Ablatrix


def ms(value: float) -> SpreadMs:
    return SpreadMs(ms=value, low=value - 0.1, high=value + 0.1)


def side(fusion: str, total: float, kernels: float, overhead: float) -> ExplainedSide:
    return ExplainedSide(
        compiler="tvm",
        knobs={"partition": "whole", "fusion": fusion},
        total=ms(total),
        plain=ms(kernels + overhead),
        profiled=ms(1.05 * (kernels + overhead)),
        kernels=ms(kernels),
        overhead=ms(overhead),
        inside=ms(0.002),
        calls=3,
        source="a clock",
    )


def group(label: str, nodes: list[int], a: float, b: float) -> ExplainedGroup:
    return ExplainedGroup(
        nodes=nodes,
        label=label,
        a=ms(a),
        b=ms(b),
        difference=ms(b - a),
        a_kernels=["k", "l"],
        b_kernels=["kl"],
        flops=2000,
        bytes=100,
    )


FOUND = Explanation(
    workload="mlp",
    parameters={},
    threads=2,
    blocks=3,
    a=side("off", 8.0, 7.0, 0.9),
    b=side("on", 6.5, 5.7, 0.6),
    difference=ms(-1.5),
    noise=ms(0.02),
    kernels_difference=ms(-1.3),
    overhead_difference=ms(-0.3),
    residual=ms(0.1),
    groups=[
        group("matmul + add", [0, 1], 3.0, 2.2),
        group("matmul + add", [2, 3], 3.0, 2.5),
        group("(computes no node)", [], 1.0, 1.0),
    ],
    counters="no hardware counters: 'perf' is not installed",
)
TEXT = """\
mlp, ms a run: A is tvm fusion=off, B is tvm fusion=on
                                                                       % of  % of
                      calls  calls                                     peak  peak
  operations              A      B    A    B  B - A  share  flop/byte     A     B
  ------------------  -----  -----  ---  ---  -----  -----  ---------  ----  ----
  2 x matmul + add        4      2    6  4.7   -1.3    87%         20
  (computes no node)      2      1    1    1      0     0%         20
  overhead                          0.9  0.6   -0.3    20%
  residual                                      0.1    -7%
  total                               8  6.5   -1.5   100%

B less A: -1.5 ms (-1.6 to -1.4), in 3 blocks; the twin of A differs from A by 0.02 ms
residual: 0.1 ms (0 to 0.2), 6.7% of the difference: by so much runs before and after the profiler is loaded differ
the profiler makes a run of A 5% longer; 2 us of that is taken out of each kernel
the profiler makes a run of B 5% longer; 2 us of that is taken out of each kernel
tvm: a clock.
no hardware counters: 'perf' is not installed.
"""


def test_explain_rows_add_up_to_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    show_explanation(FOUND, everything=False, wide=True)
    assert capsys.readouterr().out == TEXT


def test_explain_pair_that_may_not_differ_has_no_causes(capsys: pytest.CaptureFixture[str]) -> None:
    same = FOUND.model_copy(update={"difference": SpreadMs(ms=-0.02, low=-0.08, high=0.04)})
    show_explanation(same, everything=False, wide=True)
    assert capsys.readouterr().out == (
        "mlp: A is tvm fusion=off, B is tvm fusion=on: they do not differ by more than 1.0%, so that there is nothing "
        "to explain\nB less A: -0.02 ms (-0.08 to 0.04) of 8 ms, in 3 blocks; the twin of A differs from A by 0.02 "
        "ms\n"
    )


def test_explain_times_that_are_in_no_sum_are_counted() -> None:
    times = {"a": 8, "twin": 8, "b": 6.5, "a_plain": 8, "twin_plain": 8, "b_plain": 6.5}
    block = ExplainedBlock(**times, a_profiled=9, twin_profiled=9, b_profiled=7)
    blocks = [block, block.model_copy(update={"left_out": ["b", "twin_plain"]}), block]
    first = explanation_lines(FOUND.model_copy(update={"of_blocks": blocks}))[0]
    assert "in 3 blocks (2 of 18 times left out, unlike others of their configuration); the twin" in first


def test_explain_difference_below_one_percent_counts_as_none() -> None:
    small = FOUND.model_copy(update={"difference": SpreadMs(ms=-0.07, low=-0.09, high=-0.05)})
    assert not small.is_established
    assert "they do not differ by more than 1.1%" in explanation_lines(small)[0]


def test_explain_bars_add_up_to_the_total() -> None:
    bars, total, unit = bars_of(FOUND, most=1)
    assert [label for label, _ in bars] == [
        "2 x matmul + add",
        "(1 further)",
        "(overhead: what is no kernel)",
        "(residual)",
    ]
    assert sum(value for _, value in bars) == pytest.approx(total)
    assert (total, unit) == (-1.5, "ms")


def test_explain_chart_is_written_in_three_formats(tmp_path: Path) -> None:
    from ablatrix.cli.explain import _draw

    _draw(FOUND, tmp_path / "why.pdf")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["why.pdf", "why.png", "why.svg"]
    assert all(one.stat().st_size for one in tmp_path.iterdir())


def test_explain_keep_is_a_finding_beside_the_results(tmp_path: Path) -> None:
    from ablatrix.cli.explain import _keep
    from ablatrix.records.kept_findings import kept_findings

    _keep(FOUND, tmp_path, "ablatrix explain a b")
    _keep(FOUND, tmp_path, "ablatrix explain a b")
    (kept,) = kept_findings([tmp_path / "results.jsonl"])
    assert (kept.kind, kept.explanation) == ("explanation", FOUND)
    assert kept.title == "mlp: A is tvm fusion=off, B is tvm fusion=on"
    assert kept.lines[0].startswith("B less A: -1.5 ms (-1.6 to -1.4)")


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("tvm:fusion=on", "tvm:fusion=on", "A and B are the same configuration"),
        ("eager", "tvm", "compiler 'eager' compiles nothing"),
        ("tvm:fusion", "tvm", "'fusion' must be of the form knob=level"),
        ("tvm:fusion=maybe", "tvm", "has no level 'maybe'"),
        ("tvm:speed=high", "tvm", "speed"),
        ("gcc", "tvm", "gcc"),
    ],
)
def test_explain_wrong_use_is_one_sentence(here: Ablatrix, a: str, b: str, said: str) -> None:
    done = here("explain", "mlp", a, b)
    assert done.returncode == 2
    assert said.encode() in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("option", "place", "said"),
    [
        ("--keep", "nowhere", "--keep nowhere: is no directory of results"),
        ("--code", ".", "--code .: must be a new or empty directory"),
    ],
)
def test_explain_places_are_refused_before_measuring(
    here: Ablatrix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, place: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("")
    done = here("explain", "mlp", "tvm:fusion=off", "tvm:fusion=on", option, place)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in " ".join(done.stderr.decode().split())


def test_explain_results_without_their_study_are_refused(here: Ablatrix, tmp_path: Path) -> None:
    done = here("explain", str(tmp_path), "1f3c", "9ab0")
    assert done.returncode == 2
    assert b"name the study with --study" in done.stderr


@pytest.mark.long
def test_explain_fusion_of_onnxruntime_maps_every_kernel(here: Ablatrix) -> None:
    done = here(
        "explain", "mlp", "onnxruntime:fusion=off", "onnxruntime:fusion=on", "--most-blocks", "3", "--json", "-q"
    )
    found = Explanation.model_validate(json.loads(done.stdout))
    parts = sum(one.difference.ms for one in found.groups) + found.overhead_difference.ms + found.residual.ms
    assert parts == pytest.approx(found.difference.ms)
    assert found.a.calls > found.b.calls
    assert all(one.nodes for one in found.groups)


STUDY = """\
name: sides
workloads: [{name: mlp, parameters: {layers: 2, hidden: 64, batch: 8}}]
compilers:
  - {name: onnxruntime, fixed: {partition: whole}}
  - {name: xla, fixed: {partition: whole}}
modes: [hot]
baseline: {fusion: off}
stages: [{name: primary, factorial: {fusion: [off, on]}}]
protocol: {hot: {rounds: 5, warm_up_ms: 20}}
"""


@pytest.mark.long
def test_explain_two_compilers_of_a_study_kept_with_their_code(here: Ablatrix, tmp_path: Path) -> None:
    from ablatrix.records.kept_findings import kept_findings

    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "results").mkdir()
    sides = ("onnxruntime:fusion=on", "xla:fusion=on")
    places = ("--keep", str(tmp_path / "results"), "--code", str(tmp_path / "code"))
    done = here("explain", str(tmp_path / "study.yaml"), *sides, *places, "--most-blocks", "3", "-q")
    assert done.returncode == 0, done.stderr
    (kept,) = kept_findings([tmp_path / "results" / "results.jsonl"])
    found = kept.explanation
    assert found is not None
    assert (found.a.compiler, found.b.compiler) == ("onnxruntime", "xla")
    assert {one.outcome for one in found.interventions} <= {"cannot be switched"}
    parts = sum(one.difference.ms for one in found.groups) + found.overhead_difference.ms + found.residual.ms
    assert parts == pytest.approx(found.difference.ms)
    assert (tmp_path / "code" / "difference.patch").read_text()
    assert {one.name for one in (tmp_path / "code").iterdir()} >= {"a", "b"}
