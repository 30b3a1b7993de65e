"""``decoder``: a Llama decoder (Touvron et al. 2023), transformers' own class with random weights.

Rotary positions, RMS norm, SwiGLU, grouped-query attention, and a dynamic number of tokens. Mask and positions are
inputs, as a serving engine gives them. With ``phase`` it is one phase of generating text
(`ablatrix.workloads.phases`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ablatrix.workloads.built import Built, generator, seeded, spread


class Decoder(nn.Module):  # type: ignore[misc]
    """Token ids, additive mask and positions in; scores of the next token out."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        self.llama = make_llama(parameters, parameters["tokens_bound"])

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Map [batch, tokens] ids to [batch, tokens, vocabulary]; the mask is [batch, 1, tokens, tokens]."""
        return self.llama(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False).logits


def make_llama(parameters: Mapping[str, Any], positions: int) -> nn.Module:
    """Return the model, for so many positions."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=parameters["vocabulary"],
        hidden_size=parameters["hidden"],
        intermediate_size=parameters["inner"],
        num_hidden_layers=parameters["layers"],
        num_attention_heads=parameters["heads"],
        num_key_value_heads=parameters["groups"],
        max_position_embeddings=positions,
        attn_implementation="sdpa",
        use_cache=False,
    )
    return LlamaForCausalLM(config)


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    if "phase" in parameters:
        from ablatrix.workloads.phases import Phase, build_phase

        phase = Phase.of(parameters)
        assert phase is not None
        return build_phase(seeded(lambda: spread(make_llama(parameters, phase.context + 1))), phase)
    batch = parameters["batch"]

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        tokens = sizes["tokens"]
        ids = torch.randint(parameters["vocabulary"], (batch, tokens), generator=generator(seed))
        hidden = torch.full((tokens, tokens), torch.finfo(torch.float32).min).triu(1)
        positions = torch.arange(tokens).expand(batch, tokens).contiguous()
        return ids, hidden.expand(batch, 1, tokens, tokens).contiguous(), positions

    return Built(
        module=seeded(lambda: spread(Decoder(parameters))),
        make_inputs=make_inputs,
        input_names=("ids", "mask", "positions"),
        dynamic={"tokens": (2, parameters["tokens_bound"])},
        timed_sizes={"tokens": parameters["tokens"]},
        input_dimensions={"ids": {1: "tokens"}, "mask": {2: "tokens", 3: "tokens"}, "positions": {1: "tokens"}},
    )
