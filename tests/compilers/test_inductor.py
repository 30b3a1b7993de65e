"""What is Inductor's alone: destinations, reading its wrapper, its alias, its passes, what it assumes of sizes."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter, sleep

import pytest
import torch
from torch._dynamo import utils
from torch._inductor.lowering import lowerings
from torch.fx.passes.graph_transform_observer import GraphTransformObserver

from ablatrix.compilers.catalogue import INDUCTOR
from ablatrix.compilers.catalogue.inductor import NO_FUSION
from ablatrix.compilers.inductor.build import key_facts
from ablatrix.compilers.inductor.compiler import InductorCompiler, InductorTask
from ablatrix.compilers.inductor.destination_passing import pass_destinations
from ablatrix.compilers.inductor.left_out import decomposition_table, left_out
from ablatrix.compilers.inductor.options import Options
from ablatrix.compilers.inductor.passes import watch_passes
from ablatrix.compilers.inductor.wrapper import allocated_bytes, canonical_source, kernel_names, kernel_sources
from ablatrix.compilers.settings.applied import NO_SETTINGS, Applied
from ablatrix.errors import CompilerError
from ablatrix.testing.programs import make_gates
from ablatrix.testing.requests import Function, make_program, make_request

WRAPPER = '''
# AOT ID: ['7_inference']
from torch._inductor.async_compile import AsyncCompile
async_compile = AsyncCompile()
cpp_fused_relu_0 = async_compile.cpp_pybinding(['float*'], """// code""")
async_compile.wait(globals())
del async_compile
def call(args):
    buf0 = empty_strided_cpu((2, s27), (s27, 1), torch.float32)
    # a comment
    pool0 = empty_strided_cpu((align(100), ), (1, ), torch.uint8)
    return ()
def get_args():
    return empty_strided_cpu((1000, ), (1, ), torch.float32)
if __name__ == "__main__":
    benchmark()
'''
ITEM_SIZES = {"torch.float32": 4, "torch.uint8": 1}


def test_canonical_wrapper_has_no_comments_benchmark_or_compile_calls() -> None:
    source = canonical_source(WRAPPER)
    assert "cpp_fused_relu_0" in source
    assert "def call" in source
    for gone in ("AOT ID", "a comment", "AsyncCompile", "get_args", "__main__", "del async_compile"):
        assert gone not in source
    assert canonical_source(WRAPPER.replace("7_inference", "8_inference")) == source
    assert kernel_names(source) == ["cpp_fused_relu_0"]


def test_wrapper_kernels_are_shown_under_their_names() -> None:
    source = WRAPPER.replace("// code", "#include <x>\nint a;")
    assert kernel_sources(source) == "// cpp_fused_relu_0\n#include <x>\nint a;\n"


def test_compile_phases_count_exclusive_time_only_while_observed() -> None:
    before, since = utils.get_chromium_event_logger(), perf_counter()
    with watch_passes() as milliseconds, utils.dynamo_timed("outer"), utils.dynamo_timed("inner"):
        sleep(0.02)
    wall = (perf_counter() - since) * 1e3
    with utils.dynamo_timed("later"):
        assert utils.get_chromium_event_logger() is before
    assert list(milliseconds) == ["outer", "inner"]
    assert milliseconds["inner"] >= 20
    assert sum(milliseconds.values()) <= wall


def test_allocations_sum_at_upper_bound_and_unknown_ones_are_null() -> None:
    source = canonical_source(WRAPPER)
    assert allocated_bytes(source, {"s27": 16}, ITEM_SIZES) == 2 * 16 * 4 + 128
    assert allocated_bytes(source, {}, ITEM_SIZES) is None


def test_output_becomes_input_that_is_written(tmp_path: Path) -> None:
    program = make_program(Function(lambda x: (x.t(), x + 1)), (torch.ones(2, 3),))
    task = make_request(program, tmp_path).tasks[0]
    module, inputs = pass_destinations(task.exported)
    assert [tuple(one.shape) for one in inputs] == [(2, 3), (3, 2), (2, 3)]
    assert all(one.is_contiguous() for one in inputs)
    outputs = torch.zeros(3, 2), torch.zeros(2, 3)
    x = torch.arange(6.0).view(2, 3)
    assert module(x, *outputs) == ()
    assert torch.equal(outputs[0], x.t())
    assert torch.equal(outputs[1], x + 1)


def test_knob_switches_are_all_entries_of_configuration() -> None:
    from torch._inductor import config

    off, on = (Options(1, Applied.of(INDUCTOR, {"fusion": level, "memory_plan": level})) for level in ("off", "on"))
    assert NO_FUSION.items() <= off.switches().items()
    assert not NO_FUSION.keys() & on.switches().keys()
    known = config.get_config_copy()
    assert [name for name in off.switches() if name not in known] == []


def test_alias_of_memory_plan_is_reported(tmp_path: Path) -> None:
    module, x = make_gates()
    request = make_request(make_program(module, (x,)), tmp_path, {"memory_plan": "on"}, entry=INDUCTOR)
    assert "inplace_buffers" in InductorCompiler().compile(request).facts.reasons["reuse"]


def test_library_allocation_counts_as_planned(tmp_path: Path) -> None:
    convolution = torch.nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
    x = torch.randn(1, 3, 8, 8)
    request = make_request(make_program(convolution, (x,)), tmp_path)
    executable = InductorCompiler().compile(request)
    planned = executable.facts.compiler_planned_bytes
    assert planned is not None
    assert planned >= 4 * 8 * 8 * 4  # the result of the convolution, which the wrapper's text does not show
    bound = executable.bind((x,))
    bound.run()
    assert torch.allclose(bound.outputs()[0], convolution(x), atol=1e-5)


def test_sizes_outside_compiled_range_are_refused() -> None:
    task = InductorTask.__new__(InductorTask)
    task._call = lambda arguments: arguments.clear()
    task._locations, task._guards = {"s27": [0, 1]}, ["Eq(Mod(s27, 4), 0)", "s27 < 64"]
    task.bind([torch.ones(2, 8)], [])()
    for size in (6, 64):
        with pytest.raises(CompilerError, match=f"'s27': {size}"):
            task.bind([torch.ones(2, size)], [])


def test_thread_count_is_part_of_code() -> None:
    one, two = (Options(threads) for threads in (1, 2))
    assert one.switches()["cpp.threads"] == 1
    assert key_facts(one) != key_facts(two)


def test_left_out_lowerings_are_back_after_block() -> None:
    before = dict(lowerings)
    off = {("lowering", "aten.sigmoid"): False, ("lowering", "aten.gelu"): False, ("lowering", "aten.relu"): True}
    aten = torch.ops.aten
    with left_out(Applied(code=off)):
        assert lowerings[aten.sigmoid.default]._is_fallback_handler
        assert lowerings[aten.gelu.default]._is_fallback_handler  # decomposed by itself, and never lowered
        assert lowerings[aten.relu.default] is before[aten.relu.default]
    assert lowerings == before
    table = decomposition_table(Applied(code=off))
    assert table is not None
    assert (aten.gelu.default in table, aten.silu.default in table) == (False, True)
    assert decomposition_table(NO_SETTINGS) is None


def test_left_out_pass_is_that_of_one_point_and_name_alone() -> None:
    module = torch.fx.GraphModule(torch.nn.Module(), torch.fx.Graph())
    ran: list[str] = []
    off = {("pass", "post_grad_passes.remove_noop_ops"): False}
    with left_out(Applied(code=off)):
        for point in ("post_grad_passes", "joint_graph_passes"):
            for name in ("remove_noop_ops", "noop"):
                observer = GraphTransformObserver(module, name, point)
                observer.apply_graph_pass(lambda _graph, as_=f"{point}.{name}": ran.append(as_))
    assert ran == ["post_grad_passes.noop", "joint_graph_passes.remove_noop_ops", "joint_graph_passes.noop"]
