"""``resnet``: a residual network with bottleneck blocks (He et al. 2016), transformers' own class, random weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ablatrix.workloads.built import Built, generator, seeded, spread

# Blocks in each stage by number of layers: three convolutions a block, one before, one linear behind.
DEPTHS = {14: [1, 1, 1, 1], 26: [2, 2, 2, 2], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}


class ResidualNetwork(nn.Module):  # type: ignore[misc]
    """Colour image in, class scores out."""

    def __init__(self, layers: int, channels: int, classes: int) -> None:
        super().__init__()
        from transformers import ResNetConfig, ResNetForImageClassification

        config = ResNetConfig(
            embedding_size=channels,
            hidden_sizes=[4 * channels, 8 * channels, 16 * channels, 32 * channels],
            depths=DEPTHS[layers],
            layer_type="bottleneck",
            num_labels=classes,
        )
        self.resnet = ResNetForImageClassification(config)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map [batch, 3, image, image] to [batch, classes]."""
        return self.resnet(pixel_values=image).logits


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    shape = (parameters["batch"], 3, parameters["image"], parameters["image"])

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.randn(shape, generator=generator(seed)),)

    module = seeded(
        lambda: spread(ResidualNetwork(parameters["layers"], parameters["channels"], parameters["classes"]))
    )
    return Built(module, make_inputs, ("image",))
