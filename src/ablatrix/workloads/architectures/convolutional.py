"""Convolutional networks that neither classify nor come in a configuration: images to images, and noise to images."""

from __future__ import annotations

import torch
from torch import nn

from ablatrix.workloads.built import spread


def noise(*shape: int) -> torch.Tensor:
    """Return normal numbers that are the same each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def double(channels: int, made: int) -> nn.Sequential:
    """Return two convolutions with batch norm."""
    steps: list[nn.Module] = []
    for given in (channels, made):
        steps += [nn.Conv2d(given, made, 3, padding=1, bias=False), nn.BatchNorm2d(made), nn.ReLU()]
    return nn.Sequential(*steps)


class UNet(nn.Module):  # type: ignore[misc]
    """Ronneberger and others 2015: down, up, and what each depth had on the way down beside what comes up."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = double(3, channels), double(channels, 2 * channels)
        self.lowest = double(2 * channels, 4 * channels)
        self.up_second = nn.ConvTranspose2d(4 * channels, 2 * channels, 2, stride=2)
        self.up_first = nn.ConvTranspose2d(2 * channels, channels, 2, stride=2)
        self.back_second, self.back_first = double(4 * channels, 2 * channels), double(2 * channels, channels)
        self.head = nn.Conv2d(channels, 2, 1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Map an image to two scores for each of its pixels."""
        first = self.first(image)
        second = self.second(nn.functional.max_pool2d(first, 2))
        lowest = self.lowest(nn.functional.max_pool2d(second, 2))
        up = self.back_second(torch.cat((second, self.up_second(lowest)), 1))
        return self.head(self.back_first(torch.cat((first, self.up_first(up)), 1)))


def unet(channels: int = 8, image: int = 16) -> tuple[nn.Module, torch.Tensor]:
    """Return a U-Net with an image."""
    return spread(UNet(channels)).eval(), noise(1, 3, image, image)


def dcgan(channels: int = 8, latent: int = 16) -> tuple[nn.Module, torch.Tensor]:
    """Return the generator of Radford and others 2016 with its noise: transposed convolutions and batch norms."""
    steps: list[nn.Module] = [nn.ConvTranspose2d(latent, 4 * channels, 4, bias=False)]
    for given in (4 * channels, 2 * channels):
        steps += [nn.BatchNorm2d(given), nn.ReLU(), nn.ConvTranspose2d(given, given // 2, 4, 2, 1, bias=False)]
    steps += [nn.BatchNorm2d(channels), nn.ReLU(), nn.ConvTranspose2d(channels, 3, 4, 2, 1), nn.Tanh()]
    return spread(nn.Sequential(*steps)).eval(), noise(1, latent, 1, 1)
