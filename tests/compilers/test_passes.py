"""Reading times by pass: what each compiler writes of its passes, in its own words."""

from __future__ import annotations

import pytest

from ablatrix.compilers.onnxruntime import passes as onnxruntime
from ablatrix.compilers.openvino import passes as openvino
from ablatrix.compilers.passes import PassRun, total_ms
from ablatrix.compilers.xla.passes import Event, runs_of
from ablatrix.errors import CompilerError

OPTIMISERS = """\
2026-11-25 23:59:59.999900000 [V:onnxruntime:, manager.cc:55 ApplyTransformers] Applying graph transformer A on step 1.
a line of something else
2026-11-26 00:00:00.000100000 [I:onnxruntime:, graph.cc:15 Apply] GraphTransformer A modified: 1 with status: OK
2026-11-26 00:00:00.500000000 [V:onnxruntime:, manager.cc:55 ApplyTransformers] Applying graph transformer B on step 1.
2026-11-26 00:00:00.500030000 [I:onnxruntime:, graph.cc:15 Apply] GraphTransformer B modified: 0 with status: OK
2026-11-26 00:00:00.600000000 [V:onnxruntime:, manager.cc:55 ApplyTransformers] Applying graph transformer A on step 2.
2026-11-26 00:00:00.600050000 [I:onnxruntime:, graph.cc:15 Apply] GraphTransformer A modified: 0 with status: OK
2026-11-26 00:00:00.700000000 [I:onnxruntime:, graph.cc:15 Apply] GraphTransformer C modified: 0 with status: OK
"""
MANAGERS = """\
PassManager started:     Outer
t;First;Outer;1000000;0
PassManager started:     Inner
t;First;Inner;200000;1
m;Inner;250000;1
m_start;Inner;5
m_end;Inner;6
t;Second;Outer;3000000;1
t;Third;Outer;10000;0
m;Outer;4500000;1
PassManager started:     Next
t;Third;Next;500000;0
m;Next;600000;0
"""


def test_optimiser_time_is_between_its_lines_and_needs_first_line() -> None:
    assert total_ms(onnxruntime.read_runs(OPTIMISERS)) == pytest.approx({"A": 0.25, "B": 0.03})


def test_optimiser_that_never_runs_has_no_time_and_bad_log_is_refused() -> None:
    assert onnxruntime.read_runs("No graph transformers registered for level 1.\n") == []
    with pytest.raises(CompilerError, match="names no optimiser"):
        onnxruntime.read_runs("Optimising.\n")


def test_clock_set_back_gives_no_negative_time() -> None:
    with pytest.raises(CompilerError, match="clock was set back"):
        onnxruntime.read_runs(OPTIMISERS.replace("00.600050000", "00.500000000"))


def test_pass_that_runs_manager_counts_exclusive_time() -> None:
    assert total_ms(openvino.read_runs(MANAGERS)) == pytest.approx({"First": 1.2, "Second": 2.75, "Third": 0.51})


@pytest.mark.parametrize("cut", ["PassManager started:     Outer\n", "m;Outer;4500000;1\n", MANAGERS])
def test_manager_log_that_is_incomplete_is_refused(cut: str) -> None:
    with pytest.raises(CompilerError, match="not as expected"):
        openvino.read_runs(MANAGERS.replace(cut, ""))


def test_thread_events_count_exclusive_time_without_outer_functions() -> None:
    before = PassRun(name="cse", milliseconds=1.0)
    events = [
        Event("fusion", 3e6, 5e6),
        Event("Compiler::Run", 0.0, 20e6),
        Event("simplification", 1e6, 10e6),
        Event("cse", 5e6, 6e6),
        Event("cse", 12e6, 13e6),
    ]
    assert total_ms([before, *runs_of(events)]) == pytest.approx({"simplification": 6.0, "fusion": 2.0, "cse": 3.0})
