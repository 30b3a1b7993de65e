"""Inputs of a model of transformers, made from sizes alone: by the names that the model has for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built, generator
from ablatrix.workloads.given.structure import Structured, find_tensors, return_flat

INPUT_SIZES = {"batch": 1, "tokens": 32, "decoder_tokens": 16, "image": 64, "samples": 4000}
"""What sizes of inputs are called, with what they are where nobody says them."""


def build_by_names(model: torch.nn.Module, given: Mapping[str, Any]) -> Built:
    """Return a model of transformers as a workload: its inputs by name, all tensors that it returns.

    Args:
        model: The model.
        given: Sizes of inputs that somebody gave; other keys are left alone.

    Raises:
        WorkloadError: It takes something that cannot be made from sizes alone.
    """
    maker = InputMaker(model, {key: int(given.get(key, default)) for key, default in INPUT_SIZES.items()}, set(given))
    module = Structured(model, find_tensors(maker.make(0), "input"), by_name=True)
    return_flat(module)

    def make_inputs(seed: int, _: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        return tuple(maker.make(seed).values())

    return Built(module, make_inputs, maker.names)


class InputMaker:
    """Makes the inputs of one model.

    Args:
        model: A model of transformers.
        sizes: Every size of ``INPUT_SIZES``.
        said: The sizes that somebody gave; the others follow from the configuration where it says them.

    Raises:
        WorkloadError: The model takes something that cannot be made from sizes alone.
    """

    def __init__(self, model: Any, sizes: Mapping[str, int], said: Collection[str]) -> None:
        self._config, self._sizes, self._said = model.config, sizes, said
        self._makers: Mapping[str, Callable[[torch.Generator], torch.Tensor]] = {
            "input_ids": lambda random: self._ids("tokens", random),
            "decoder_input_ids": lambda random: self._ids("decoder_tokens", random),
            "pixel_values": self._image,
            "input_values": lambda random: torch.randn((sizes["batch"], sizes["samples"]), generator=random),
            "input_features": self._features,
        }
        found = [str(model.main_input_name)]
        if hasattr(self._config, "text_config") and hasattr(self._config, "vision_config"):
            found = ["input_ids", "pixel_values"]
        if getattr(self._config, "is_encoder_decoder", False):
            found.append("decoder_input_ids")
        self.names = tuple(found)
        unknown = [name for name in found if name not in self._makers]
        if unknown:
            raise WorkloadError(
                f"the model takes {', '.join(map(repr, unknown))}, which cannot be made from sizes alone; give a "
                "function that returns the model with its inputs"
            )

    def make(self, seed: int) -> dict[str, torch.Tensor]:
        """Return the inputs by name; the same seed gives the same ones."""
        return {name: self._makers[name](generator(seed + index)) for index, name in enumerate(self.names)}

    def _ids(self, length: str, random: torch.Generator) -> torch.Tensor:
        text = self._config.get_text_config()
        return torch.randint(text.vocab_size, (self._sizes["batch"], self._sizes[length]), generator=random)

    def _image(self, random: torch.Generator) -> torch.Tensor:
        config = getattr(self._config, "vision_config", self._config)
        size = getattr(config, "image_size", None)
        if "image" in self._said or not isinstance(size, (int, list, tuple)):
            size = self._sizes["image"]
        height, width = (size, size) if isinstance(size, int) else size
        channels = getattr(config, "num_channels", 3)
        return torch.randn((self._sizes["batch"], channels, height, width), generator=random)

    def _features(self, random: torch.Generator) -> torch.Tensor:
        config = self._config
        if not hasattr(config, "num_mel_bins") or not hasattr(config, "max_source_positions"):
            raise WorkloadError("the model takes 'input_features' of a size that its configuration does not say")
        # A convolution with stride 2 comes before the layers.
        shape = (self._sizes["batch"], config.num_mel_bins, 2 * config.max_source_positions)
        return torch.randn(shape, generator=random)
