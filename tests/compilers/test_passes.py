"""Passes as compilers report them: what each writes of them in its own words, their times, and what they changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.compilers.onnxruntime import passes as onnxruntime
from ablatrix.compilers.openvino import passes as openvino
from ablatrix.compilers.passes import (
    PassRun,
    PassSummary,
    PassWatch,
    not_run,
    summarise_passes,
    total_ms,
    with_times,
)
from ablatrix.compilers.settings.address import AddressList, switches
from ablatrix.compilers.xla.passes import Event, read_dumps, runs_of
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


def test_optimiser_changed_model_where_log_says_modified() -> None:
    found = [(one.name, one.kind, one.changed) for one in onnxruntime.read_runs(OPTIMISERS)]
    assert found == [("A", "optimizer", True), ("B", "optimizer", False), ("A", "optimizer", False)]


def test_manager_log_says_which_pass_changed_model_and_where_it_ran() -> None:
    found = [(one.name, one.within, one.changed) for one in openvino.read_runs(MANAGERS)]
    assert found == [
        ("First", "Outer", False),
        ("First", "Inner", True),
        ("Second", "Outer", True),
        ("Third", "Outer", False),
        ("Third", "Next", False),
    ]


def test_thread_event_is_listed_by_beginning_with_what_it_is_within() -> None:
    events = [Event("fusion", 3e6, 5e6), Event("simplification", 1e6, 10e6), Event("dce", 12e6, 13e6)]
    found = [(one.name, one.within) for one in runs_of(events)]
    assert found == [("simplification", ""), ("fusion", "simplification"), ("dce", "")]


def test_module_that_differs_behind_pass_was_changed_by_it(tmp_path: Path) -> None:
    for step, text in [
        ("0001.outer.after_pipeline-start.before_inner", "a = add(), metadata={op_name=1}"),
        ("0002.inner.after_pipeline-start.before_dce", "a = add(), metadata={op_name=1}"),
        ("0003.inner.after_dce.before_cse", "a = add(), metadata={op_name=2}"),
        ("0010.inner.after_cse.before_pipeline-end", "b = mul()"),
        ("0011.outer.after_inner.before_dce", "b = mul()"),
        ("0012.outer.after_dce.before_pipeline-end", "c = sub()"),
    ]:
        (tmp_path / f"module_0001.jit_run.{step}.txt").write_text(text)
    (tmp_path / "module_0001.jit_run.cpu_after_optimizations.txt").write_text("c = sub()")
    runs = read_dumps(tmp_path)
    found = [(one.name, one.within, one.changed) for one in runs]
    assert found == [
        ("dce", "inner", False),
        ("cse", "inner", True),
        ("inner", "outer", True),
        ("dce", "outer", True),
    ]
    assert runs[1].before == runs[2].before != runs[2].after == runs[3].before


def test_compilation_that_wrote_no_module_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match="wrote no module behind its passes"):
        read_dumps(tmp_path)


def test_watch_keeps_passes_by_beginning_with_what_changed_meanwhile() -> None:
    watch = PassWatch(str)
    watch.enter("outer", 1, within="post_grad")
    watch.enter("inner", 1)
    watch.leave(2)
    watch.leave(2)
    watch.enter("idle", 2)
    watch.leave(2)
    found = [(one.name, one.within, one.changed, one.before, one.after) for one in watch.runs]
    assert found == [
        ("outer", "post_grad", True, "1", "2"),
        ("inner", "outer", True, "1", "2"),
        ("idle", "", False, "2", "2"),
    ]
    assert min(one.milliseconds or 0.0 for one in watch.runs) >= 0


def test_watch_without_digest_knows_no_change() -> None:
    watch = PassWatch()
    watch.enter("one", 1)
    watch.leave(2)
    assert [(one.changed, one.before) for one in watch.runs] == [(None, "")]


def test_summary_has_line_for_each_pass_with_its_address() -> None:
    runs = [
        PassRun(name="dce", milliseconds=1.0, changed=True),
        PassRun(name="simplification", changed=None),
        PassRun(name="dce", milliseconds=2.0, changed=False),
        PassRun(name="dce", kind="lowering", changed=True),
        PassRun(name="cse", switchable=False, changed=False),
    ]
    known = AddressList((*switches("pass", ["cse", "dce", "sink"]), *switches("flag", ["fast"])))
    assert summarise_passes(runs, known) == (
        PassSummary(name="dce", address="pass:dce", runs=2, changed=1, milliseconds=3.0),
        PassSummary(name="simplification", address="", runs=1, changed=None, milliseconds=None),
        PassSummary(name="dce", address="", runs=1, changed=1, milliseconds=None),
        PassSummary(name="cse", address="", runs=1, changed=0, milliseconds=None),
    )
    assert not_run(runs, known) == ("pass:sink",)


def test_times_of_other_compile_are_given_run_by_run() -> None:
    runs = [PassRun(name="a"), PassRun(name="b"), PassRun(name="a"), PassRun(name="a")]
    timed = [PassRun(name="a", milliseconds=1.0), PassRun(name="a", milliseconds=2.0)]
    assert [one.milliseconds for one in with_times(runs, timed)] == [1.0, None, 2.0, None]
