"""A feed-forward block with a scaled activation: what the passes beside it rewrite."""

import torch


class Block(torch.nn.Module):
    """Two linear layers, a division and GELU between them."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.leave = torch.nn.Linear(64, 128), torch.nn.Linear(128, 64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a tensor of the input's shape, (rows, 64)."""
        y: torch.Tensor = self.leave(torch.nn.functional.gelu(self.enter(x) / 3.0))
        return y


def block() -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the block and an input for it."""
    return Block(), (torch.randn(16, 64),)
