"""Models of timm and diffusers, and of transformers where its configuration is made of others. Random weights."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import nn

from ablatrix.errors import WorkloadError
from ablatrix.records.origin import installation_of
from ablatrix.workloads.architectures.convolutional import noise
from ablatrix.workloads.built import spread

OF_TIMM: Mapping[str, tuple[str, dict[str, Any]]] = {
    "mlp_mixer": ("mlp_mixer:MlpMixer", {"img_size": 32, "patch_size": 8, "num_blocks": 2, "embed_dim": 32}),
    "convmixer": ("convmixer:ConvMixer", {"dim": 16, "depth": 2, "kernel_size": 5, "patch_size": 4}),
    "densenet": ("densenet:DenseNet", {"growth_rate": 8, "block_config": (2, 2)}),
    "xcit": ("xcit:Xcit", {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 4}),
    "cait": ("cait:Cait", {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 4}),
    "seresnet": (
        "resnet:ResNet",
        {"layers": (1, 1, 1, 1), "channels": (8, 8, 16, 16), "block_args": {"attn_layer": "se"}},
    ),
    "eva02": (
        "eva:Eva",
        {
            "img_size": 32,
            "patch_size": 8,
            "embed_dim": 32,
            "depth": 1,
            "num_heads": 4,
            "use_rot_pos_emb": True,
            "swiglu_mlp": True,
            "scale_mlp": True,
            "use_abs_pos_emb": True,
        },
    ),
}
"""Module and class below ``timm.models``, with what makes it small."""


def package(name: str, module: str) -> Any:
    """Return a module of a package that is no part of ablatrix's own needs.

    Raises:
        WorkloadError: The package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise WorkloadError(f"{name} cannot be imported ({error}); {installation_of('models')}") from error


def of_timm(architecture: str = "mlp_mixer", image: int = 32) -> tuple[nn.Module, torch.Tensor]:
    """Return a model of ``OF_TIMM`` with an image.

    Raises:
        WorkloadError: timm is not installed.
    """
    place, sizes = OF_TIMM[architecture]
    module, _, name = place.partition(":")
    found = package("timm", f"timm.models.{module}")
    if architecture == "seresnet":
        sizes = {**sizes, "block": found.BasicBlock}
    return spread(getattr(found, name)(num_classes=8, **sizes)).eval(), noise(1, 3, image, image)


def unet2d() -> tuple[nn.Module, dict[str, Any]]:
    """Return the network of denoising diffusion (Ho and others 2020), with a noisy image and its time."""
    model = package("diffusers", "diffusers").UNet2DModel(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    return spread(model).eval(), {"sample": noise(1, 3, 16, 16), "timestep": torch.tensor([7])}


def unet2d_condition() -> tuple[nn.Module, dict[str, Any]]:
    """Return the network of latent diffusion (Rombach and others 2022), with a latent, its time and a text's states."""
    model = package("diffusers", "diffusers").UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    states = noise(1, 6, 16)
    given = {"sample": noise(1, 4, 8, 8), "timestep": torch.tensor([7]), "encoder_hidden_states": states}
    return spread(model).eval(), given


def autoencoder_kl() -> tuple[nn.Module, torch.Tensor]:
    """Return the autoencoder of latent diffusion with an image; it decodes the mode, so that nothing is drawn."""
    model = package("diffusers", "diffusers").AutoencoderKL(
        sample_size=16,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        up_block_types=("UpDecoderBlock2D", "UpDecoderBlock2D"),
    )
    return spread(model).eval(), noise(1, 3, 16, 16)


def dit() -> tuple[nn.Module, dict[str, Any]]:
    """Return a diffusion transformer (Peebles and Xie 2023), with a latent, its time and a class."""
    model = package("diffusers", "diffusers").DiTTransformer2DModel(
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        sample_size=8,
        num_embeds_ada_norm=10,
        norm_num_groups=4,
    )
    given = {"timestep": torch.tensor([7]), "class_labels": torch.tensor([3])}
    return spread(model).eval(), {"hidden_states": noise(1, 4, 8, 8), **given}


def flux() -> tuple[nn.Module, dict[str, Any]]:
    """Return the transformer of FLUX: two streams, then one, with rotary positions of three axes."""
    model = package("diffusers", "diffusers").FluxTransformer2DModel(
        in_channels=4,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=(4, 6, 6),
    )
    given = {
        "hidden_states": noise(1, 16, 4),
        "encoder_hidden_states": noise(1, 6, 16),
        "pooled_projections": noise(1, 16),
        "timestep": torch.tensor([0.5]),
        "img_ids": torch.cartesian_prod(torch.zeros(1), torch.arange(4.0), torch.arange(4.0)),
        "txt_ids": torch.zeros(6, 3),
    }
    return spread(model).eval(), given


def detr() -> tuple[nn.Module, dict[str, Any]]:
    """Return a detector (Carion and others 2020): a ResNet, encoder and decoder of a transformer, classes and boxes."""
    from transformers import DetrConfig, DetrForObjectDetection, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage4"],
    )
    config = DetrConfig(
        use_timm_backbone=False,
        backbone_config=backbone,
        d_model=16,
        num_queries=4,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
    )
    return spread(DetrForObjectDetection(config)).eval(), {"pixel_values": noise(1, 3, 64, 64)}
