"""Torch's kernels inside a TVM program: nothing to generate is left, results land in the destination."""

from typing import Any

import pytest
import torch
import tvm
import tvm_ffi
from torch import nn
from tvm import relax
from tvm.relax.frontend.torch import from_exported_program

from ablatrix.compilers.tvm.library import PREFIX, offload_to_torch, register_library

RX = relax.transform


class Net(nn.Module):  # type: ignore[misc]
    """Convolutions with and without bias, linear layers of rank 2 and 3, a batched product."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.second = nn.Conv2d(8, 8, 3, groups=2, dilation=2, bias=False)
        self.linear = nn.Linear(25, 12)
        self.plain = nn.Linear(12, 5, bias=False)

    def forward(self, x: Any) -> Any:
        y = torch.relu(self.second(self.first(x))).flatten(2)
        y = torch.tanh(self.linear(y))
        return self.plain(y @ y.transpose(1, 2) @ y)


def offloaded(module: Any, inputs: Any, dynamic: Any = None, *, decompose: Any = True) -> Any:
    program = torch.export.export(module.eval(), inputs, dynamic_shapes=dynamic)
    program = program.run_decompositions() if decompose else program
    mod, params = relax.frontend.detach_params(from_exported_program(program, keep_params_as_input=True))
    passes = [RX.DecomposeOpsForInference(), *offload_to_torch()]
    return tvm.transform.Sequential(passes)(mod), list(params["main"])


def calls(mod: Any) -> Any:
    names: list[str] = []

    def visit(expression: Any) -> None:
        if isinstance(expression, relax.Call) and isinstance(expression.op, tvm.ir.Op):
            name = expression.op.name
            first = expression.args[0] if name == "relax.call_dps_packed" else None
            names.append(first.global_symbol.removeprefix(PREFIX) if first is not None else name)

    relax.analysis.post_order_visit(mod["main"].body, visit)
    return names


def machine_of(mod: Any) -> Any:
    register_library()
    return relax.VirtualMachine(tvm.compile(mod, target="llvm"), tvm.cpu())


@pytest.mark.parametrize("decompose", [True, False])
def test_library_replaces_products_and_convolutions_with_eager_results(decompose: Any) -> None:
    torch.manual_seed(0)
    module, x = Net(), torch.randn(2, 3, 17, 17)
    mod, params = offloaded(module, (x,), decompose=decompose)
    names = calls(mod)
    assert not {"relax.matmul", "relax.nn.conv2d"} & set(names)
    assert names.count("conv2d_bias") == names.count("conv2d") == names.count("linear_bias") == 1
    assert names.count("matmul") == 2 and names.count("linear") == 1
    (got,) = machine_of(mod)["main"](tvm.runtime.from_dlpack(x), *params)
    torch.testing.assert_close(torch.from_dlpack(got), module(x).detach(), atol=1e-5, rtol=1e-5)


def test_library_transposed_weight_is_view_without_kernel() -> None:
    module = nn.Linear(16, 4)
    mod, _ = offloaded(module, (torch.randn(3, 16),))
    assert "relax.permute_dims" not in calls(mod)


def test_library_with_dynamic_size_runs_at_several_sizes() -> None:
    module = nn.Sequential(nn.Linear(6, 7), nn.ReLU(), nn.Linear(7, 3))
    mod, params = offloaded(module, (torch.randn(4, 6),), ({0: torch.export.Dim("rows", min=2, max=32)},))
    machine = machine_of(mod)
    for rows in (2, 5, 32):
        x = torch.randn(rows, 6)
        (got,) = machine["main"](tvm.runtime.from_dlpack(x), *params)
        torch.testing.assert_close(torch.from_dlpack(got), module(x).detach())


@pytest.mark.parametrize("name", ["matmul", "linear"])
def test_library_writes_destination_in_place(name: Any) -> None:
    register_library()
    register_library()
    left, right, out = torch.randn(3, 4), torch.randn(4, 4), torch.full((3, 4), torch.nan)
    arguments = [tvm.runtime.from_dlpack(tensor) for tensor in (left, right, out)]
    tvm_ffi.get_global_func(PREFIX + name)(*arguments)
    torch.testing.assert_close(out, left @ (right.t() if name == "linear" else right))


def test_library_leaves_integer_product_to_tvm() -> None:
    class Product(nn.Module):  # type: ignore[misc]
        def forward(self, x: Any, y: Any) -> Any:
            return x @ y

    x = torch.ones(2, 3, dtype=torch.int32)
    mod, _ = offloaded(Product(), (x, x.t().contiguous()))
    assert "relax.matmul" in calls(mod)


def test_library_leaves_non_vector_bias_to_tvm() -> None:
    class Shifted(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 4))

        def forward(self, x: Any, shift: Any) -> Any:
            return x @ self.weight.t() + shift

    inputs = (torch.randn(4, 4), torch.randn(4, 1))
    mod, params = offloaded(Shifted(), inputs)
    assert calls(mod).count("linear") == 1 and "relax.add" in calls(mod)
    (got,) = machine_of(mod)["main"](*(tvm.runtime.from_dlpack(x) for x in inputs), *params)
    torch.testing.assert_close(torch.from_dlpack(got), inputs[0] @ torch.from_dlpack(params[0]).t() + inputs[1])
