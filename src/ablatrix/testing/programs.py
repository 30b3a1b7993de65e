"""Small programs that the contract compiles: equal blocks, an attention, a convolution with two outputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch

from ablatrix.workloads.built import seeded, spread
from ablatrix.workloads.oracle import ask
from ablatrix.workloads.program import InputSet

BLOCKS = 3
GATES = "gates"
MakeProgram = Callable[[], tuple[torch.nn.Module, torch.Tensor]]


class Gate(torch.nn.Module):  # type: ignore[misc]
    """A matrix product and some pointwise operators, which a compiler may fuse."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the gated input, of its shape."""
        return torch.relu(self.linear(x)) * torch.sigmoid(x)


class Gates(torch.nn.Module):  # type: ignore[misc]
    """Equal blocks, so that regions repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Gate() for _ in range(BLOCKS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last block makes, of the input's shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class Block(torch.nn.Module):  # type: ignore[misc]
    """One small attention block with a feed-forward part."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (torch.nn.Linear(width, width) for _ in range(3))
        self.norm = torch.nn.LayerNorm(width)
        self.inner = torch.nn.Linear(width, 2 * width)
        self.outer = torch.nn.Linear(2 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's sum with its input, of the input's shape."""
        scores = torch.softmax(self.query(x) @ self.key(x).transpose(-1, -2), -1)
        x = self.norm(x + scores @ self.value(x))
        return x + self.outer(torch.nn.functional.gelu(self.inner(x)))


class Stack(torch.nn.Module):  # type: ignore[misc]
    """Equal attention blocks, so that regions repeat."""

    def __init__(self, blocks: int = 3, width: int = 8) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Block(width) for _ in range(blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last block makes, of the input's shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class Filters(torch.nn.Module):  # type: ignore[misc]
    """A convolution with batch norm, which returns its features and their means: two outputs of unlike shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(16, 16, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(16)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features of shape (batch, 16, height, width), and (batch, 16)."""
        features = torch.relu(self.norm(self.convolution(x)))
        return features, features.mean((2, 3))


def make_gates() -> tuple[torch.nn.Module, torch.Tensor]:
    """Return three blocks of a product and pointwise operators, and an input of shape (4, 8)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Gates().requires_grad_(False), torch.randn(4, 8)


def make_attention() -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a stack of two attention blocks, and an input of shape (1, 4, 8)."""
    return seeded(lambda: spread(Stack(2))), _input(1, 4, 8)


def make_filters() -> tuple[torch.nn.Module, torch.Tensor]:
    """Return a convolution with two outputs, and an input of shape (1, 16, 6, 6)."""
    return seeded(lambda: spread(Filters())), _input(1, 16, 6, 6)


SMALL_PROGRAMS: Mapping[str, MakeProgram] = {
    GATES: make_gates,
    "attention": make_attention,
    "filters": make_filters,
}
"""Name -> function that returns the module and its input, the same in every process."""


def answer(module: torch.nn.Module, x: torch.Tensor) -> InputSet:
    """Return what the module should answer to an input, computed in float64."""
    answered = ask(copy.deepcopy(module).double(), module, (x,))
    return InputSet(seed=0, sizes={}, inputs=(x,), expected=answered.expected, allowances=answered.allowances)


def _input(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))
