"""What a compiler's own plain use takes, it takes from us: our lowering puts nothing in its way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.testing.requests import Function, make_program, make_request
from ablatrix.trials.fork_server.child import import_compiler

X = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


def exps(x: torch.Tensor) -> torch.Tensor:
    """Eight calls, one within another, of which none grows."""
    for _ in range(8):
        x = torch.exp(-x)
    return x


def powers(x: torch.Tensor) -> torch.Tensor:
    """Written out, 2^30 products."""
    for _ in range(30):
        x = x * x + 0.25
    return x


class ChannelsLast(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.conv(x))


class Norm(nn.Module):  # type: ignore[misc]
    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8, eps=1e-2, **arguments)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x) * 2


def quantised(x: torch.Tensor) -> torch.Tensor:
    return torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)


def one_wide(x: torch.Tensor) -> torch.Tensor:
    return (x[:, None].expand(4, 1, 8).transpose(0, 1) + 1).sum(0, keepdim=True).transpose(0, 1)


INTEGERS = torch.tensor([[7, -7, 2_000_000_011, -5]], dtype=torch.int32)
DIVISORS = torch.tensor([[2, 2, 3, -3]], dtype=torch.int32)
IMAGE = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))


def ran(compiler: str, module: nn.Module, inputs: tuple[torch.Tensor, ...], directory: Path, **knobs: Any) -> None:
    """Compile a module as the compiler ships, run it, and compare it with eager."""
    entry = SHIPPED[compiler]
    if not entry.installed:
        pytest.skip(f"{compiler} is not installed")
    made = import_compiler(entry)
    made.set_threads(1)
    levels = {knob.name: knob.as_shipped for knob in entry.knobs} | knobs
    levels = {name: level for name, level in levels.items() if name not in {"partition", "reuse", "cache_tag"}}
    program = make_program(module, inputs)
    bound = made.compile(make_request(program, directory, levels, entry=entry)).bind(list(inputs))
    bound.run()
    wanted = program.exported.module(check_guards=False)(*inputs)
    for one, other in zip(bound.outputs(), [wanted] if torch.is_tensor(wanted) else wanted, strict=True):
        # Eager sums in 16 bits in a transposed convolution, we in 32.
        near = {"rtol": 2e-2, "atol": 4e-3} if one.dtype.itemsize == 2 else {"rtol": 1e-4, "atol": 1e-5}
        torch.testing.assert_close(one, other, **near)


@pytest.mark.parametrize("function", [exps, powers])
def test_tvm_compiles_long_chain_of_costly_operations(function: Callable[..., Any], tmp_path: Path) -> None:
    ran("tvm", Function(function), (X,), tmp_path, schedule="vectorised")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.cumsum(1),
        lambda x: x.cumprod(0),
        lambda x: torch.topk(x, 3)[0],
        lambda x: x.sort(dim=1)[0],
        lambda x: x.argsort(dim=1),
    ],
    ids=["cumsum", "cumprod", "topk", "sort", "argsort"],
)
def test_tvm_compiles_scans_and_sorts(function: Callable[..., Any], tmp_path: Path) -> None:
    ran("tvm", Function(function), (X,), tmp_path)


@pytest.mark.parametrize("arguments", [{"elementwise_affine": False}, {"bias": False}])
def test_tvm_compiles_layer_norm_without_weight_or_bias(arguments: dict[str, bool], tmp_path: Path) -> None:
    ran("tvm", Norm(**arguments), (X,), tmp_path)


def test_onnx_runtime_divides_integers_exactly(tmp_path: Path) -> None:
    ran("onnxruntime", Function(lambda a, b: a // b), (INTEGERS, DIVISORS), tmp_path)


@pytest.mark.parametrize("compiler", ["xla", "onnxruntime"])
def test_argsort_gives_places_of_sorted_values(compiler: str, tmp_path: Path) -> None:
    ran(compiler, Function(lambda x: x.argsort(dim=1)), (X,), tmp_path)


@pytest.mark.parametrize("compiler", ["onnxruntime", "openvino"])
def test_fake_quantisation_is_taken(compiler: str, tmp_path: Path) -> None:
    ran(compiler, Function(quantised), (X,), tmp_path)


@pytest.mark.parametrize("weights", ["input", "constant"])
def test_xla_takes_weights_and_inputs_in_channels_last(weights: str, tmp_path: Path) -> None:
    ran("xla", ChannelsLast(), (IMAGE,), tmp_path, weights=weights)


def test_xla_takes_any_stride_of_an_axis_of_size_one(tmp_path: Path) -> None:
    strange = torch.randn(4, 8).as_strided((4, 1, 8), (8, 3, 1))
    ran("xla", Function(one_wide), (strange[:, 0],), tmp_path)
    ran("xla", Function(lambda x: x + 1), (strange,), tmp_path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
def test_tvm_compiles_convolution_with_bias_in_16_bits(
    dtype: torch.dtype, kind: type[nn.Module], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    ran("tvm", kind(4, 8, 3).to(dtype), (IMAGE.to(dtype),), tmp_path)


PLACES = torch.tensor([[0, 3, 3, 1, 0, 0, 2, 3]]).expand(4, 8)
ROWS = torch.tensor([1, 1, 3, 0])


def scattered(kind: str, include_self: bool = True) -> Callable[..., Any]:
    return lambda x, places: torch.ones_like(x).scatter_reduce(1, places, x, kind, include_self=include_self)


@pytest.mark.parametrize("kind", ["sum", "mean", "amax", "amin", "prod"])
@pytest.mark.parametrize("include_self", [True, False])
def test_tvm_compiles_scatter_reduce(kind: str, include_self: bool, tmp_path: Path) -> None:
    ran("tvm", Function(scattered(kind, include_self)), (X, PLACES), tmp_path)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, rows: torch.zeros_like(x).index_add(0, rows, x),
        lambda x, rows: torch.zeros_like(x).index_add(1, rows, x[:, :4]),
        lambda x, rows: torch.zeros_like(x).scatter_add(0, rows[:2, None].expand(2, 5), x),
        lambda x, rows: torch.topk(x + rows[:, None], 3, sorted=False)[0].sum(1),
    ],
    ids=["rows", "columns", "part", "unsorted"],
)
def test_tvm_compiles_sums_by_index_and_unsorted_topk(function: Callable[..., Any], tmp_path: Path) -> None:
    ran("tvm", Function(function), (X, ROWS), tmp_path)


@pytest.mark.parametrize(
    "function",
    [
        scattered("amax"),
        lambda x, places: torch.fft.fftn(x, dim=(0, 1)).real + places,
        lambda x, places: torch.zeros_like(x).index_add(0, places[0, :4], scattered("mean", False)(x, places)),
    ],
    ids=["scatter", "fourier", "rows"],
)
def test_openvino_converts_from_a_trace_what_it_cannot_otherwise(function: Callable[..., Any], tmp_path: Path) -> None:
    ran("openvino", Function(function), (X, PLACES), tmp_path)
