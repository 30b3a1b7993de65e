"""The CPU schedule: same results, loops that are vectorised and parallel, and nothing raised."""

from typing import Any

import numpy as np
import pytest
import torch
import tvm
import tvm_ffi
from torch import nn
from tvm import relax, te, tirx, topi
from tvm.relax.frontend.torch import from_exported_program
from tvm.script import tirx as T

from ablatrix.compilers.tvm.contraction import column_width, row_count
from ablatrix.compilers.tvm.schedule import (
    is_scheduled,
    schedule_function,
    unscheduled_functions,
    vectorised_schedule,
)

RX = relax.transform


def cpu_target() -> Any:
    return tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})


def imported(module: Any, inputs: Any, dynamic: Any = None) -> Any:
    program = torch.export.export(module.eval(), inputs, dynamic_shapes=dynamic).run_decompositions()
    mod, params = relax.frontend.detach_params(from_exported_program(program, keep_params_as_input=True))
    return mod, list(params["main"])


def lowered(mod: Any, *, fusion: Any = True) -> Any:
    passes = [RX.DecomposeOpsForInference(), RX.LegalizeOps(), RX.AnnotateTIROpPattern(), RX.FoldConstant()]
    passes += [RX.FuseOps(), RX.FuseTIR()] if fusion else []
    with cpu_target():
        return tvm.transform.Sequential(passes)(mod)


def scheduled(mod: Any) -> Any:
    with cpu_target():
        return vectorised_schedule()(mod)


def run(mod: Any, params: Any, *inputs: Any) -> Any:
    executable = tvm.compile(mod, target=cpu_target())
    machine = relax.VirtualMachine(executable, tvm.cpu())
    result = machine["main"](*(tvm.runtime.from_dlpack(x.contiguous()) for x in inputs), *params)
    return [torch.from_dlpack(tensor).clone() for tensor in result]


def loop_kinds(func: Any) -> Any:
    kinds: set[int] = set()
    tvm_ffi.structural_walk(func.body, (tirx.For, lambda loop: kinds.add(int(loop.kind))))
    return {tirx.ForKind(kind) for kind in kinds}


class Residual(nn.Module):  # type: ignore[misc]
    def __init__(self, channels: Any = 20, size: Any = 7) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.down = nn.Conv2d(channels, channels, 1, stride=2)

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.norm(self.first(x)))
        y = nn.functional.max_pool2d(y + self.second(y), 3, 2, 1)
        return nn.functional.adaptive_avg_pool2d(self.down(y), 1).flatten(1)


class Block(nn.Module):  # type: ignore[misc]
    """Layer norm, attention with a softmax, a projection with gelu: one small encoder layer."""

    def __init__(self, width: Any = 64, heads: Any = 2) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        batch, tokens, width = x.shape
        y = self.project(self.norm(x)).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = y.permute(2, 0, 3, 1, 4).unbind(0)
        scores = torch.softmax(q @ k.transpose(-1, -2) / 4, -1)
        y = (scores @ v).transpose(1, 2).reshape(batch, tokens, width)
        return nn.functional.gelu(self.out(y)) + x


class Gated(nn.Module):  # type: ignore[misc]
    """RMS norm and SwiGLU over a dynamic number of tokens."""

    def __init__(self, width: Any = 48) -> None:
        super().__init__()
        self.table = nn.Embedding(50, width)
        self.gate, self.up = nn.Linear(width, 96, bias=False), nn.Linear(width, 96, bias=False)
        self.down = nn.Linear(96, width, bias=False)

    def forward(self, ids: Any) -> Any:
        x = self.table(ids)
        y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)
        y = self.down(nn.functional.silu(self.gate(y)) * self.up(y))
        return torch.softmax(y @ y.transpose(-1, -2), -1) @ y


class Interval(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(33, 17)

    def forward(self, low: Any, high: Any) -> Any:
        middle, radius = (low + high) / 2, (high - low) / 2
        middle = self.linear(middle)
        radius = radius @ self.linear.weight.abs().t()
        return torch.relu(middle - radius), torch.maximum(middle, radius)


CASES = {
    "mlp": (nn.Sequential(nn.Linear(20, 40), nn.Tanh(), nn.Linear(40, 10)), (torch.randn(3, 20),)),
    "residual": (Residual(), (torch.randn(2, 3, 15, 15),)),
    "block": (Block(), (torch.randn(2, 19, 64),)),
    "interval": (Interval(), (torch.randn(5, 33), torch.randn(5, 33))),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fusion", [True, False])
def test_scheduled_program_matches_eager(name: Any, fusion: Any) -> None:
    module, inputs = CASES[name]
    mod, params = imported(module, inputs)
    arranged = scheduled(lowered(mod, fusion=fusion))
    assert unscheduled_functions(arranged) == ()
    expected = module(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for got, wanted in zip(run(arranged, params, *inputs), expected, strict=True):
        torch.testing.assert_close(got, wanted.detach(), atol=2e-5, rtol=2e-5)


def test_scheduled_program_with_dynamic_tokens_is_right_at_all_sizes() -> None:
    torch.manual_seed(0)
    module = Gated()
    dynamic = {"ids": {1: torch.export.Dim("tokens", min=2, max=64)}}
    mod, params = imported(module, (torch.randint(0, 50, (1, 9)),), dynamic)
    arranged = scheduled(lowered(mod))
    assert unscheduled_functions(arranged) == ()
    executable = tvm.compile(arranged, target=cpu_target())
    machine = relax.VirtualMachine(executable, tvm.cpu())
    for tokens in (2, 12, 13, 64):
        ids = torch.randint(0, 50, (1, tokens))
        (got,) = machine["main"](tvm.runtime.from_dlpack(ids), *params)
        torch.testing.assert_close(torch.from_dlpack(got), module(ids).detach(), atol=2e-5, rtol=2e-5)


def test_matrix_product_is_vectorised_unrolled_and_parallel() -> None:
    left, right = te.placeholder((64, 128), "float32"), te.placeholder((128, 256), "float32")
    func = te.create_prim_func([left, right, topi.nn.matmul(left, right)])
    arranged = schedule_function(func, 16)
    assert is_scheduled(arranged) and not is_scheduled(func)
    kinds = loop_kinds(arranged)
    assert {tirx.ForKind.PARALLEL, tirx.ForKind.VECTORIZED, tirx.ForKind.UNROLLED} <= kinds
    assert tirx.ForKind.VECTORIZED not in loop_kinds(func)


def test_small_elementwise_kernel_leaves_thread_pool_asleep() -> None:
    x = te.placeholder((4, 16), "float32")
    small = schedule_function(te.create_prim_func([x, topi.nn.relu(x)]), 16)
    assert loop_kinds(small) >= {tirx.ForKind.VECTORIZED}
    assert tirx.ForKind.PARALLEL not in loop_kinds(small)


def test_schedule_of_same_module_gives_same_module() -> None:
    module, inputs = CASES["block"]
    mod, _ = imported(module, inputs)
    first, second = scheduled(lowered(mod)), scheduled(lowered(mod))
    assert first.script() == second.script()
    tvm.ir.assert_structural_equal(first, second)


def test_kernel_without_rule_is_unchanged_and_named() -> None:
    @T.prim_func(s_tir=True)  # type: ignore[untyped-decorator]
    def scan(source: T.Buffer((8,), "float32"), target: T.Buffer((8,), "float32")):  # type: ignore[no-untyped-def,valid-type]
        for i in T.serial(8):
            target[i] = source[i] + target[T.max(i - 1, 0)]

    mod = tvm.IRModule({"scan": scan})
    arranged = scheduled(mod)
    assert unscheduled_functions(arranged) == ("scan",)
    tvm.ir.assert_structural_equal(arranged["scan"], mod["scan"])


@pytest.mark.parametrize("ours", [te.exp, te.erf, te.tanh, te.sigmoid])
def test_elementary_function_agrees_with_libm_and_keeps_nan(ours: Any) -> None:
    values = np.concatenate([np.linspace(-100, 100, 2042), [0.0, -0.0, np.nan, np.inf, -np.inf, 88.6]])
    values = values.astype("float32")
    x = te.placeholder(values.shape, "float32")
    func = te.create_prim_func([x, te.compute(x.shape, lambda *i: ours(x(*i)))])
    arranged = schedule_function(func, 16)
    assert arranged is not None
    arranged = arranged.with_attr("global_symbol", "main")
    result = tvm.runtime.tensor(np.zeros_like(values))
    tvm.compile(tvm.IRModule({"main": arranged}), target=cpu_target())["main"](tvm.runtime.tensor(values), result)
    got, wanted = torch.from_numpy(result.numpy()), getattr(torch, ours.__name__)(torch.from_numpy(values))
    torch.testing.assert_close(got, wanted, atol=3e-7, rtol=3e-7, equal_nan=True)


@pytest.mark.parametrize(("columns", "lanes", "width"), [(1024, 16, 32), (16, 16, 16), (49, 16, 32), (10, 16, 10)])
def test_tiles_are_whole_vectors_unless_columns_are_fewer(columns: Any, lanes: Any, width: Any) -> None:
    assert column_width(columns, lanes) == width


@pytest.mark.parametrize("rows", [1, 7, 64, 197, 512])
def test_accumulators_fit_registers(rows: Any) -> None:
    for lanes, registers in ((16, 32), (8, 16)):
        for columns in (8, 16, 49, 64, 784, 1000):
            width = column_width(columns, lanes)
            assert row_count(rows, width, lanes) * -(-width // lanes) < registers
