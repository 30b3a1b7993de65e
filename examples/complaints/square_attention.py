"""Attention whose heads come last but one in its output: product, softmax, product, transposition."""

import torch


class Attention(torch.nn.Module):
    """Plain attention of [batch, heads, tokens, width]."""

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Return [batch, tokens, heads, width]."""
        return (torch.softmax(q @ k.transpose(-2, -1), -1) @ v).permute(0, 2, 1, 3).contiguous()


def attention(heads: int = 8, tokens: int = 8, width: int = 16) -> tuple[torch.nn.Module, tuple[torch.Tensor, ...]]:
    """Return the attention with queries, keys and values."""
    shape = (1, heads, tokens, width)
    return Attention(), (torch.randn(shape), torch.randn(shape), torch.randn(shape))
