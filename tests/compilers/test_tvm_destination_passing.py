from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import Function, make_program, make_request

X = torch.randn(2, 6, generator=torch.Generator().manual_seed(1))


def run(function: Callable[..., Any], directory: Path, *inputs: torch.Tensor, **knobs: str) -> Any:
    program = make_program(Function(function), inputs)
    executable = TvmCompiler().compile(make_request(program, directory, knobs))
    bound = executable.bind(inputs)
    bound.run()
    return executable, bound


def agree(outputs: tuple[torch.Tensor, ...], expected: Any) -> None:
    wanted = expected if isinstance(expected, tuple) else (expected,)
    assert len(outputs) == len(wanted)
    for one, other in zip(outputs, wanted, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("plan", ["off", "on"])
@pytest.mark.parametrize("fusion", ["off", "on"])
def test_task_writes_directly_into_given_storage(tmp_path: Path, plan: str, fusion: str) -> None:
    module = Stack(1)
    x = torch.randn(1, 4, 8)
    request = make_request(make_program(module, (x,)), tmp_path, {"memory_plan": plan, "fusion": fusion})
    executable = TvmCompiler().compile(request)
    (task,) = executable._functions  # type: ignore[attr-defined]
    assert task._destinations == [0]
    bound = executable.bind((x,))
    (output,) = bound.outputs()
    output.fill_(7.0)
    bound.run()
    assert bound.outputs()[0].data_ptr() == output.data_ptr()
    assert torch.allclose(output, module(x), atol=1e-5)
    # What the function returns is the given storage itself, so nothing was copied.
    (returned,) = bound._calls[0]()  # type: ignore[attr-defined]
    assert torch.from_dlpack(returned).data_ptr() == output.data_ptr()


def test_output_behind_reshape_is_written_through_view(tmp_path: Path) -> None:
    executable, bound = run(lambda x: (x * 2).reshape(3, 4), tmp_path, X)
    assert executable._functions[0]._destinations == [0]
    agree(bound.outputs(), (X * 2).reshape(3, 4))


def test_output_also_used_inside_is_right(tmp_path: Path) -> None:
    _, bound = run(lambda x: ((y := x * 2), y + 1), tmp_path, X, memory_plan="on")
    agree(bound.outputs(), (X * 2, X * 2 + 1))


def test_value_returned_twice_is_given_twice(tmp_path: Path) -> None:
    _, bound = run(lambda x: ((y := x + 1), y), tmp_path, X)
    agree(bound.outputs(), (X + 1, X + 1))


def test_value_returned_in_two_shapes_is_written_and_copied_once(tmp_path: Path) -> None:
    executable, bound = run(lambda x: ((y := x + 1), y.reshape(3, 4)), tmp_path, X)
    agree(bound.outputs(), (X + 1, (X + 1).reshape(3, 4)))
    assert len(executable._functions[0]._destinations) == 1


def test_input_and_view_of_input_pass_through(tmp_path: Path) -> None:
    _, bound = run(lambda x: (x, x.reshape(3, 4), x * 3), tmp_path, X)
    agree(bound.outputs(), (X, X.reshape(3, 4), X * 3))


def test_program_that_returns_weight_gives_it(tmp_path: Path) -> None:
    module = torch.nn.Linear(6, 3)

    class Both(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = module

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.linear(x), self.linear.bias

    executable = TvmCompiler().compile(make_request(make_program(Both(), (X,)), tmp_path))
    bound = executable.bind((X,))
    bound.run()
    agree(bound.outputs(), (module(X), module.bias.detach()))


def test_integers_booleans_and_other_dtypes_keep_their_type(tmp_path: Path) -> None:
    ids = torch.arange(12).reshape(2, 6)
    _, bound = run(lambda x, i: (i + 1, x > 0, x.sum(), i.to(torch.float32) * x), tmp_path, X, ids)
    agree(bound.outputs(), (ids + 1, X > 0, X.sum(), ids.to(torch.float32) * X))


def test_inputs_that_are_unaligned_or_non_contiguous_are_bound(tmp_path: Path) -> None:
    program = make_program(Function(lambda x: x * 2), (X,))
    executable = TvmCompiler().compile(make_request(program, tmp_path))
    odd = torch.randn(13)[1:].view(2, 6)
    turned = torch.randn(6, 2).t()
    for given in (odd, turned):
        bound = executable.bind((given,))
        bound.run()
        agree(bound.outputs(), given * 2)
