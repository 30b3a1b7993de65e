"""A cheap chain of exp on a column, added to a matrix."""

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


def chain(rows: int = 512, columns: int = 512, depth: int = 2) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the chain with a column and a matrix."""
    return Chain(depth), (torch.rand(rows, 1) / 2 - 0.25, torch.randn(rows, columns))
