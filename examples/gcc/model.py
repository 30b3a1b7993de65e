"""What the kernel computes, as a model: the oracle runs it in float64, and eager PyTorch is the reference."""

import torch


class Product(torch.nn.Module):
    """A matrix product."""

    def forward(self, left, right):
        """Multiply."""
        return left @ right


def make(size=64):
    """Return the model and its inputs."""
    generator = torch.Generator().manual_seed(0)
    return Product(), tuple(torch.randn(size, size, generator=generator) for _ in range(2))
