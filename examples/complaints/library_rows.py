"""Two reductions that XLA hands to its library of kernels on the CPU."""

import torch


class Rows(torch.nn.Module):
    """The squared length of each column of a product."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.eye(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [rows, 3] to [rows]."""
        y = self.matrix @ x.T
        return (y * y).sum(dim=0)


class RankSeven(torch.nn.Module):
    """A product of seven axes, one of them of size 1, summed over one axis."""

    def forward(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return the sum over axis 3."""
        return (u * v).sum(dim=3)


def rows(number: int = 32769) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the first reduction: one row more than 32,768."""
    return Rows(), (torch.randn(number, 3),)


def rank_seven() -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the second."""
    shape = (3, 1, 2, 2, 8, 8, 8)
    return RankSeven(), (torch.randn(shape), torch.randn(shape))
