"""Runs of a program with other roundings: what moves, by how much, and what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ablatrix.workloads.allowance import allow
from ablatrix.workloads.capture.precision import default_dtype
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.rounding import Rounding
from tests.trials.judging import judge, prepared
from tests.workloads.toys import TOYS

ULP = 2.0**-24


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def moved(function: Callable[..., torch.Tensor], *inputs: torch.Tensor, seed: int = 1) -> torch.Tensor:
    with torch.no_grad(), Rounding(seed):
        return function(*inputs)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.flip(0).transpose(0, 1).clone(),
        lambda x: torch.cat((x, -x)).relu().amax(-1),
        lambda x: x.sort(-1).values,
        lambda x: torch.where(x > 0, x, 1.5),
        lambda x: torch.arange(8.0) * 3 + 1,
        lambda x: torch.ones(40, 5).sum(0),
        lambda x: (x > 0).float().mean() * x.numel(),
    ],
    ids=["views", "choices", "sorted", "chosen", "whole numbers", "counts", "count of a mean"],
)
def test_rounding_leaves_what_is_exact(function: Callable[..., torch.Tensor]) -> None:
    x = drawn(4, 8)
    assert torch.equal(moved(function, x), function(x))


def test_rounding_moves_product_by_its_roundoff() -> None:
    x = drawn(100, 100)
    errors = (moved(lambda x: x * x, x) - x * x) / (x * x)
    assert 0.5 * ULP < float(errors.square().mean().sqrt()) < 2 * ULP


def test_rounding_of_opposite_sign_moves_to_other_side() -> None:
    x = drawn(100, 100).double()
    with torch.no_grad():
        with Rounding(3, 1.0):
            up = x * x - 0.5 * x
        with Rounding(3, -1.0):
            down = x * x - 0.5 * x
    exact = x * x - 0.5 * x
    torch.testing.assert_close(up - exact, exact - down, rtol=1e-2, atol=1e-18)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rounding_of_sum_is_that_of_its_type(dtype: torch.dtype) -> None:
    x = (drawn(64, 128) + 1).to(dtype)
    errors = (moved(lambda x: x.sum(-1), x) - x.sum(-1)).float() / x.sum(-1).float()
    unit = torch.finfo(dtype).eps / 2
    assert unit < float(errors.square().mean().sqrt()) < 20 * unit


def test_rounding_is_same_for_a_seed() -> None:
    x = drawn(8, 8)
    assert torch.equal(moved(torch.exp, x, seed=5), moved(torch.exp, x, seed=5))
    assert not torch.equal(moved(torch.exp, x, seed=5), moved(torch.exp, x, seed=6))


def test_allowance_of_runs_with_one_rounding_is_of_its_size() -> None:
    expected = drawn(64).double() / 3
    moved = [drawn(64).double() * expected * sign * 2.0**-25 for _ in range(2) for sign in (1, -1)]
    made = allow(expected, [expected.float(), *((expected + one).float() for one in moved)])
    assert made.eager_rms < made.unit_rms < 10 * made.eager_rms
    assert float(made.limit(expected).max()) < 1e-5


def test_allowances_are_kept_with_a_program(tmp_path: Path) -> None:
    program = prepare("mlp", TOYS["mlp"], input_sets=2)
    save_program(program, tmp_path)
    loaded = load_program(tmp_path)
    for before, after in zip(program.input_sets, loaded.input_sets, strict=True):
        for one, other, expected in zip(before.allowances, after.allowances, before.expected, strict=True):
            assert torch.equal(one.limit(expected.reshape(-1)), other.limit(expected.reshape(-1)))
            assert (one.eager_rms, one.unit_rms, one.ties) == (other.eager_rms, other.unit_rms, other.ties)


def test_oracle_leaves_default_type_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), default_dtype(torch.float64):
        assert torch.zeros(1 // 0).dtype == torch.float64
    assert torch.get_default_dtype() == torch.float32


def test_output_without_elements_passes() -> None:
    made = prepared(lambda x: x[:0], drawn(3, 4))
    assert judge(torch.empty(0, 4), made).passed
