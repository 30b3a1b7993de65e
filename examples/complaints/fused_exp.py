"""A cheap chain of exp on a column, added to a matrix; and a pooling with an addition behind it."""

import torch


class Chain(torch.nn.Module):
    """``depth`` times exp on [rows, 1], then a broadcast over [rows, columns]."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth

    def forward(self, x: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return [rows, columns]."""
        z = x
        for _ in range(self.depth):
            z = torch.exp(x - 0.5 * z)
        return b + z


class Pool(torch.nn.Module):
    """A 2 x 2 maximum, and an addition."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return half as many rows and columns."""
        return torch.nn.functional.max_pool2d(x, 2) + 1.0


def chain(rows: int = 512, columns: int = 512, depth: int = 8) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the chain with a column and a matrix."""
    return Chain(depth), (torch.rand(rows, 1) / 2 - 0.25, torch.randn(rows, columns))


def pool(channels: int = 64, size: int = 64) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the pooling with an image."""
    return Pool(), (torch.randn(1, channels, size, size),)
