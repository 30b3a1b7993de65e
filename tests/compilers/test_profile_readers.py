"""What compilers write of a run is read to times by kernel."""

import pytest

pytest.importorskip("torch")


def test_xla_thunks_beside_each_other_share_their_time() -> None:
    from ablatrix.compilers.xla.profiling import exclusive_ms

    shares = exclusive_ms([(0.0, 4e6, "dot"), (2e6, 6e6, "add")])
    assert shares == {"dot": pytest.approx(3.0), "add": pytest.approx(3.0)}


def test_xla_instructions_have_the_marks_of_what_they_call() -> None:
    from ablatrix.compilers.xla.profiling import entry_instructions

    text = """HloModule m
%inner (p: f32[2]) -> f32[2] {
  %p = f32[2]{0} parameter(0)
  ROOT %add.1 = f32[2]{0} add(%p, %p), metadata={op_name="jit(run)/ablatrix_node_n1_/add"}
}
ENTRY %main (x: f32[2]) -> f32[2] {
  %x = f32[2]{0} parameter(0)
  %fused = f32[2]{0} fusion(%x), kind=kLoop, calls=%inner, metadata={op_name="jit(run)/ablatrix_node_n2_/mul"}
  ROOT %copy = f32[2]{0} copy(%fused)
}
"""
    found = entry_instructions(text)
    assert [(one.name, one.nodes) for one in found] == [("fused", (1, 2)), ("copy", ())]


def test_inductor_statements_that_call_kernels_get_clocks() -> None:
    from ablatrix.compilers.inductor.profiling import with_clocks

    source = """
cpp_fused_add_0 = async_compile.cpp_pybinding(['float*'], '''text''')

class Runner:
    def call(self, args):
        arg0_1, = args
        buf0 = empty_strided_cpu((2, ), (1, ), torch.float32)
        cpp_fused_add_0(arg0_1, buf0)
        extern_kernels.mm(buf0, arg0_1, out=buf0)
        return ()
"""
    timed, statements = with_clocks(source)
    assert [(one.name, sorted(one.values)) for one in statements] == [
        ("cpp_fused_add_0", ["arg0_1", "buf0"]),
        ("extern_kernels.mm", ["arg0_1", "buf0"]),
    ]
    assert timed.count("_ablatrix_keep(") == 2


def test_onnxruntime_events_are_split_by_run() -> None:
    pytest.importorskip("onnx")
    from ablatrix.compilers.onnxruntime.profiling import _runs

    def node(ts: int, dur: int, index: int) -> dict[str, object]:
        return {
            "cat": "Node",
            "name": f"n{index}_kernel_time",
            "ts": ts,
            "dur": dur,
            "args": {"node_index": str(index)},
        }

    def run(ts: int, dur: int) -> dict[str, object]:
        return {"cat": "Session", "name": "model_run", "ts": ts, "dur": dur}

    events = [node(1, 4, 0), node(6, 2, 1), run(0, 10), node(21, 5, 0), node(27, 1, 1), run(20, 10)]
    assert _runs(events) == [{(0, "n0"): 0.004, (1, "n1"): 0.002}, {(0, "n0"): 0.005, (1, "n1"): 0.001}]


def test_means_behind_first_runs_of_openvino_are_taken_out() -> None:
    openvino = pytest.importorskip("ablatrix.compilers.openvino.profiling")
    found = openvino.means_behind([0.010, 0.002], [0.100, 0.002], 40)  # the first four took 0.4 of 0.4 ms
    assert found == pytest.approx([0.0, 0.002])
    assert openvino.means_behind([0.010], [0.100], 3) == [0.010]
