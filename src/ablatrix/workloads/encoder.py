"""``encoder``: a BERT encoder (Devlin et al. 2019), transformers' own class with random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ablatrix.workloads.built import Built, generator, seeded, spread


class Encoder(nn.Module):  # type: ignore[misc]
    """Token ids in, last hidden state out. Every token is attended to, so there is no mask."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        from transformers import BertConfig, BertModel

        hidden = parameters["hidden"]
        config = BertConfig(
            vocab_size=parameters["vocabulary"],
            hidden_size=hidden,
            num_hidden_layers=parameters["layers"],
            num_attention_heads=parameters["heads"],
            intermediate_size=4 * hidden,
            max_position_embeddings=parameters["tokens"],
            attn_implementation="sdpa",
        )
        self.bert = BertModel(config, add_pooling_layer=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens] ids to [batch, tokens, hidden]."""
        return self.bert.encoder(self.bert.embeddings(input_ids=ids)).last_hidden_state


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    shape = (parameters["batch"], parameters["tokens"])

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.randint(parameters["vocabulary"], shape, generator=generator(seed)),)

    return Built(seeded(lambda: spread(Encoder(parameters))), make_inputs, ("ids",))
