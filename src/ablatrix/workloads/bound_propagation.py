"""``bound_propagation``: interval bounds of a residual convolutional classifier (Gowal et al. 2018).

The kind of program that a verifier runs: for all images within a radius of the given one, it bounds each class
score. Lower and upper bound go through the network together. An affine operation with weight W maps
center c and radius r of an interval to Wc + b and |W| r; ReLU and addition are monotone and take the bounds as they
are. |W| is a constant, as in a verifier that checks many images of one network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from ablatrix.workloads.built import Built, generator, seeded

Bounds = tuple[torch.Tensor, torch.Tensor]


class Affine(nn.Module):  # type: ignore[misc]
    """Bounds through an affine operation. ``gain`` is the sum of |W| over what one output reads.

    Networks trained to be verified have such sums near one; with usual random weights the bounds would grow by a
    factor of twenty a layer and say nothing.
    """

    def __init__(self, shape: tuple[int, ...], gain: float) -> None:
        super().__init__()
        weight = torch.randn(shape)
        weight = weight * gain / weight.abs().flatten(1).sum(1).view(-1, *[1] * (len(shape) - 1))
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(0.1 * torch.randn(shape[0]))
        self.register_buffer("magnitude", weight.abs())

    def through(self, bounds: Bounds, apply: Callable[..., torch.Tensor]) -> Bounds:
        """Return the bounds of ``apply(x, weight, bias)`` for every x within ``bounds``."""
        lower, upper = bounds
        center = apply((upper + lower) * 0.5, self.weight, self.bias)
        radius = apply((upper - lower) * 0.5, self.magnitude, None)
        return center - radius, center + radius


class Convolution(Affine):
    """A 3 x 3 convolution."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__((channels_out, channels_in, 3, 3), gain)
        self.stride = stride

    def forward(self, bounds: Bounds) -> Bounds:
        """Map bounds of images to bounds of images."""
        return self.through(bounds, lambda x, weight, bias: functional.conv2d(x, weight, bias, self.stride, padding=1))


class Linear(Affine):
    """A linear operation."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__((classes, features), gain=1.0)

    def forward(self, bounds: Bounds) -> Bounds:
        """Map bounds of [batch, features] to bounds of [batch, classes]."""
        return self.through(bounds, functional.linear)


class Block(nn.Module):  # type: ignore[misc]
    """Two convolutions and the residual connection around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = Convolution(channels, channels, gain=0.5)

    def forward(self, bounds: Bounds) -> Bounds:
        """Map bounds to bounds of the same shape."""
        inner = self.second(_relu(self.first(bounds)))
        return _relu((bounds[0] + inner[0], bounds[1] + inner[1]))


class Stage(nn.Module):  # type: ignore[misc]
    """A convolution that sets the channels, then residual blocks."""

    def __init__(self, blocks: int, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.enter = Convolution(channels_in, channels, stride)
        self.blocks = nn.ModuleList(Block(channels) for _ in range(blocks))

    def forward(self, bounds: Bounds) -> Bounds:
        """Map bounds of images to bounds of images, smaller by ``stride``."""
        bounds = _relu(self.enter(bounds))
        for block in self.blocks:
            bounds = block(bounds)
        return bounds


class BoundPropagation(nn.Module):  # type: ignore[misc]
    """Image and radius in, lower and upper bounds of the class scores out."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        super().__init__()
        channels = [parameters["channels"] * 2**stage for stage in range(parameters["stages"])]
        sources = [3, *channels]
        self.stages = nn.ModuleList(
            Stage(parameters["blocks"], sources[stage], channels[stage], stride=1 if stage == 0 else 2)
            for stage in range(parameters["stages"])
        )
        self.head = Linear(channels[-1], parameters["classes"])

    def forward(self, image: torch.Tensor, radius: torch.Tensor) -> Bounds:
        """Map [batch, 3, image, image] and radii [batch, 1, 1, 1] to two tensors [batch, classes]."""
        bounds = (image - radius, image + radius)
        for stage in self.stages:
            bounds = stage(bounds)
        lower, upper = bounds
        scores: Bounds = self.head((lower.mean((2, 3)), upper.mean((2, 3))))
        return scores


def _relu(bounds: Bounds) -> Bounds:
    return functional.relu(bounds[0]), functional.relu(bounds[1])


def build(parameters: Mapping[str, Any]) -> Built:
    """Build the workload; see its entry for its parameters."""
    batch, size = parameters["batch"], parameters["image"]

    def make_inputs(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        source = generator(seed)
        image = torch.rand(batch, 3, size, size, generator=source)
        radius = (1 + torch.rand(batch, 1, 1, 1, generator=source)) / 255
        return image, radius

    return Built(seeded(lambda: BoundPropagation(parameters)), make_inputs, ("image", "radius"))
