"""``attention``: multi-head self-attention blocks (Vaswani et al. 2017), without the feed-forward part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ablatrix.workloads.built import Built, generator, seeded, spread


class Block(nn.Module):  # type: ignore[misc]
    """Layer norm, attention of every token to every token, and the residual connection around them."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.project_in = nn.Linear(hidden, 3 * hidden)
        self.project_out = nn.Linear(hidden, hidden)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens, hidden] to the same shape."""
        batch, tokens, hidden = states.shape
        mixed = self.project_in(self.norm(states)).view(batch, tokens, 3, self.heads, hidden // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return states + self.project_out(attended.transpose(1, 2).reshape(batch, tokens, hidden))


class Attention(nn.Module):  # type: ignore[misc]
    """``blocks`` attention blocks in a row."""

    def __init__(self, blocks: int, hidden: int, heads: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(hidden, heads) for _ in range(blocks))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens, hidden] to the same shape."""
        for block in self.blocks:
            states = block(states)
        return states


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    shape = (parameters["batch"], parameters["tokens"], parameters["hidden"])

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.randn(shape, generator=generator(seed)),)

    module = seeded(lambda: spread(Attention(parameters["blocks"], parameters["hidden"], parameters["heads"])))
    return Built(module, make_inputs, ("states",))
