"""What follows from tokens in the table of trials, and the line of a token's time over contexts."""

from collections.abc import Sequence

import polars as pl
import pytest

from ablatrix.analysis.effects import context_line_frame, context_line_text, context_lines
from ablatrix.records.tokens import MemorySpeed
from tests.synthetic import make_records, tidied
from tests.with_tokens import of_context, over_contexts


def trials_of(contexts: Sequence[int], named: bool = False) -> pl.DataFrame:
    return tidied(over_contexts(contexts, named)).trials


def test_tokens_give_time_rate_and_share_of_floor() -> None:
    row = trials_of([64]).row(0, named=True)
    time = row["run_ms_p50"]
    assert row["ms_per_token"] == pytest.approx(time / 4)
    assert row["tokens_per_s"] == pytest.approx(4000 / time)
    assert row["floor_share"] == pytest.approx((8 << 20) / 8e9 * 1e3 / time)


def test_floor_is_none_where_last_cache_holds_all_that_is_read() -> None:
    records = [
        one.model_copy(
            update={
                "meta": one.meta.model_copy(
                    update={
                        "machine": one.meta.machine.model_copy(
                            update={"memory_speed": MemorySpeed(bytes_per_s=8e9, last_cache_bytes=16 << 20)}
                        )
                    }
                )
            }
        )
        for one in of_context(64, 1.0)
    ]
    trials = tidied(records).trials
    assert trials["floor_share"].null_count() == trials.height
    assert trials["tokens_per_s"].null_count() < trials.height


def test_trials_without_tokens_have_no_rates() -> None:
    trials = tidied(make_records(workloads=["encoder"], blocks=1)).trials
    for name in ("ms_per_token", "tokens_per_s", "floor_share"):
        assert trials[name].null_count() == trials.height
    assert context_lines(trials) == []


def test_context_line_is_of_baseline_and_eager_over_all_contexts() -> None:
    lines = context_lines(trials_of([64, 256, 1024]))
    assert [(one.model, one.compiler, one.phase, one.batch) for one in lines] == [
        ("decoder", "eager", "decode", 4),
        ("decoder", "tvm", "decode", 4),
    ]
    for one in lines:
        base = one.points[0][1] / (1 + 64 / 512)
        assert [context for context, _ in one.points] == [64, 256, 1024]
        assert one.line.slope.value == pytest.approx(base / 512)
        assert one.line.start.value == pytest.approx(base)
        assert one.line.r_squared == pytest.approx(1.0)


def test_workloads_that_differ_in_context_alone_are_one_line() -> None:
    lines = context_lines(trials_of([64, 256, 1024], named=True))
    assert {one.model for one in lines} == {"hf:llama"}
    assert len(lines) == 2


def test_two_contexts_make_no_line() -> None:
    assert context_lines(trials_of([64, 256])) == []


def test_context_line_reads_as_start_slope_and_fit() -> None:
    [eager, _] = context_lines(trials_of([64, 256, 1024]))
    text = context_line_text(eager)
    assert text.endswith("a token of context, R2 = 1.0000 (3 contexts, 64 to 1024)")
    row = context_line_frame([eager]).row(0, named=True)
    assert (row["model"], row["contexts"], row["shortest"], row["longest"]) == ("decoder", 3, 64, 1024)
    assert row["slope_ms"] == pytest.approx(eager.line.slope.value)
