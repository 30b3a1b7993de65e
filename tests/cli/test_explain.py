"""The command ``explain``: what it prints adds up, what it draws, and what is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ablatrix.cli.explain import _show
from ablatrix.plotting.bars import bars_of
from ablatrix.records.explanation import (
    ExplainedGroup,
    ExplainedSide,
    Explanation,
    SpreadMs,
    read_explanation,
    write_explanation,
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

B less A: -1.5 ms (-1.6 to -1.4); the twin of A differs from A by 0.02 ms
residual: 6.7% of the difference, by which trials and profiling processes differ
the profiler makes a run of A 5% longer
the profiler makes a run of B 5% longer
tvm: a clock.
no hardware counters: 'perf' is not installed.
"""


def test_explain_rows_add_up_to_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    _show(FOUND, everything=False, wide=True)
    assert capsys.readouterr().out == TEXT


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


def test_explain_finding_is_read_back_as_written(tmp_path: Path) -> None:
    write_explanation(tmp_path / "explanation.json", FOUND)
    assert read_explanation(tmp_path / "explanation.json") == FOUND


def test_explain_finding_is_a_table_of_the_page(tmp_path: Path) -> None:
    from ablatrix.page.explained import explained_tables

    write_explanation(tmp_path / "explanation.json", FOUND)
    (table,) = explained_tables((), [tmp_path / "results.jsonl"])
    assert [row.cells[0].text for row in table.rows] == [
        "2 x matmul + add",
        "(computes no node)",
        "overhead",
        "residual",
        "total",
    ]


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


def test_explain_results_without_their_study_are_refused(here: Ablatrix, tmp_path: Path) -> None:
    done = here("explain", str(tmp_path), "1f3c", "9ab0")
    assert done.returncode == 2
    assert b"name the study with --study" in done.stderr


@pytest.mark.long
def test_explain_fusion_of_onnxruntime_maps_every_kernel(here: Ablatrix) -> None:
    done = here("explain", "mlp", "onnxruntime:fusion=off", "onnxruntime:fusion=on", "--blocks", "1", "--json", "-q")
    found = Explanation.model_validate(json.loads(done.stdout))
    parts = sum(one.difference.ms for one in found.groups) + found.overhead_difference.ms + found.residual.ms
    assert parts == pytest.approx(found.difference.ms)
    assert found.a.calls > found.b.calls
    assert all(one.nodes for one in found.groups)
