"""``convolution``: one stage of a residual network (He et al. 2016, basic blocks) in inference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ablatrix.workloads.built import Built, generator, seeded, spread


class Block(nn.Module):  # type: ignore[misc]
    """Two 3 x 3 convolutions with batch norm and ReLU, and the residual connection around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map [batch, channels, image, image] to the same shape."""
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(x + self.second_norm(self.second(inner)))


class Stage(nn.Module):  # type: ignore[misc]
    """``blocks`` residual blocks after a convolution that makes the channels from a colour image."""

    def __init__(self, blocks: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(blocks))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map [batch, 3, image, image] to [batch, channels, image, image]."""
        features = self.stem(image)
        for block in self.blocks:
            features = block(features)
        return features


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    shape = (parameters["batch"], 3, parameters["image"], parameters["image"])

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.randn(shape, generator=generator(seed)),)

    module = seeded(lambda: spread(Stage(parameters["blocks"], parameters["channels"])))
    return Built(module, make_inputs, ("image",))
