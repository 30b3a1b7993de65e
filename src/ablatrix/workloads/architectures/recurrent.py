"""Recurrent networks of torch on a sequence of token ids."""

from __future__ import annotations

import torch
from torch import nn

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Tagger(nn.Module):  # type: ignore[misc]
    """Embedding, recurrent layers, and a score for each token and tag."""

    def __init__(self, kind: str, layers: int, hidden: int, vocabulary: int, both_ways: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.layers = KINDS[kind](hidden, hidden, layers, batch_first=True, bidirectional=both_ways)
        self.head = nn.Linear(hidden * (1 + both_ways), 8)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens] ids to [batch, tokens, 8] scores."""
        return self.head(self.layers(self.embedding(ids))[0])


def tagger(
    kind: str = "lstm",
    layers: int = 1,
    hidden: int = 16,
    vocabulary: int = 64,
    tokens: int = 6,
    both_ways: bool = False,
) -> tuple[nn.Module, torch.Tensor]:
    """Return a tagger with its token ids."""
    ids = torch.randint(vocabulary, (1, tokens), generator=torch.Generator().manual_seed(0))
    return Tagger(kind, layers, hidden, vocabulary, both_ways).eval(), ids
