"""``mlp``: a small multi-layer perceptron. Enough to try the pipeline, too small to learn much from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ablatrix.workloads.built import Built, generator, seeded


class Perceptron(nn.Module):  # type: ignore[misc]
    """``layers`` times linear and ReLU, then a linear head."""

    def __init__(self, layers: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU()) for _ in range(layers))
        self.head = nn.Linear(hidden, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map [batch, hidden] to [batch, classes]."""
        for layer in self.layers:
            features = layer(features)
        return self.head(features)


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    batch, hidden = parameters["batch"], parameters["hidden"]
    module = seeded(lambda: Perceptron(parameters["layers"], hidden, parameters["classes"]))

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return (torch.randn(batch, hidden, generator=generator(seed)),)

    return Built(module, make_inputs, ("features",))
