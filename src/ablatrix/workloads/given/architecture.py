"""An architecture of transformers from its configuration: random weights, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ablatrix.errors import WorkloadError
from ablatrix.records.machine import available_bytes
from ablatrix.workloads.built import Built, generator, seeded, spread
from ablatrix.workloads.given.model_inputs import INPUT_SIZES, build_by_names
from ablatrix.workloads.phases import CAUSAL, Phase, build_phase, with_room
from ablatrix.workloads.shipped import PHASE_PARAMETERS
from ablatrix.workloads.source import no_architecture

# A name for all architectures -> the fields that hold it; the first that a configuration has is taken.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "encoder_layers"),
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "encoder_attention_heads"),
    "groups": ("num_key_value_heads",),
    "intermediate": ("intermediate_size", "n_inner", "d_ff", "encoder_ffn_dim", "hidden_dim"),
    "vocabulary": ("vocab_size",),
    "image": ("image_size",),
}
SUB_CONFIGS = ("text_config", "vision_config")
"""Configurations within one: a field that it does not have itself is one of each of them that has it."""
PARTS = ("whole", "encoder")
NO_FIELDS = frozenset({*INPUT_SIZES, *PHASE_PARAMETERS, "part"})
"""Parameters that are no fields of a configuration."""
OF_DECODER: Mapping[str, str] = {
    "layers": "decoder_layers",
    "heads": "decoder_attention_heads",
    "intermediate": "decoder_ffn_dim",
    "decoder_tokens": "max_target_positions",
}
"""A name for all architectures -> the field of the decoder that follows it where it is not given itself."""
EXPERTS = "batched_mm"
"""How transformers computes a mixture of experts: the only one of its ways that is made of plain operations with shapes
known beforehand. The others branch on how many tokens an expert gets, or are operators of transformers' own."""
POSITIONS = ("max_position_embeddings", "n_positions", "max_source_positions")
ROOM = 4  # copies of the weights at once: the model, its export, its float64 oracle


class Architecture(nn.Module):  # type: ignore[misc]
    """A model of transformers that takes one tensor and returns its first output."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.input_name = str(self.model.main_input_name)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Map the input to the model's first output."""
        output: torch.Tensor = self.model(**{self.input_name: values})[0]
        return output


class EncoderDecoder(nn.Module):  # type: ignore[misc]
    """A model of transformers with encoder and decoder: the encoder's input and the decoder's tokens in, scores out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.input_name = str(model.get_encoder().main_input_name)

    def forward(self, values: torch.Tensor, decoder_ids: torch.Tensor) -> torch.Tensor:
        """Map both inputs to [batch, decoder tokens, vocabulary] scores; to states where the model has no head."""
        inputs = {self.input_name: values, "decoder_input_ids": decoder_ids}
        output: torch.Tensor = self.model(**inputs, use_cache=False)[0]
        return output


def build_architecture(architecture: str, given: Mapping[str, Any]) -> Built:
    """Build ``hf:architecture?...``: one phase of a causal model, or the whole of any model.

    Raises:
        WorkloadError: transformers has no such architecture, or its configuration no such field, or it is larger
            than this machine's memory.
    """
    phase = Phase.of(given)
    config = make_config(architecture, given)
    if phase is not None:
        config = with_room(config, POSITIONS, phase)
    make = _model_maker(architecture, config, phase, str(given.get("part", PARTS[0])))
    with torch.device("meta"):
        weights = sum(one.numel() for one in make().parameters())
    free = available_bytes()
    if free is not None and 4 * weights * ROOM > free:
        raise WorkloadError(
            f"it would have {weights:,} weights, and preparing it takes {4 * weights * ROOM / 2**30:.0f} GiB of "
            f"memory; {free / 2**30:.0f} GiB are free: give smaller sizes, such as "
            "?layers=2&hidden=64&heads=4&intermediate=128"
        )
    module = seeded(lambda: spread(make()))
    if phase is not None:
        return build_phase(module, phase)
    if all(hasattr(config, name) for name in SUB_CONFIGS):  # a text and an image at once
        return build_by_names(module.model, given)
    sizes = {key: int(given.get(key, default)) for key, default in INPUT_SIZES.items()}
    if "image" not in given:
        sizes["image"] = getattr(config, "image_size", sizes["image"])
    name = module.input_name
    shape = _shape(architecture, name, config, sizes)

    def draw(seed: int, _: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        if name == "input_ids":
            return (torch.randint(config.vocab_size, shape, generator=generator(seed)),)
        return (torch.randn(shape, generator=generator(seed)),)

    if not isinstance(module, EncoderDecoder):
        return Built(module, draw, (name,))
    vocabulary = config.get_text_config(decoder=True).vocab_size

    def draw_both(seed: int, dynamic: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        ids = torch.randint(vocabulary, (shape[0], sizes["decoder_tokens"]), generator=generator(seed))
        return (*draw(seed, dynamic), ids)

    return Built(module, draw_both, (name, "decoder_ids"))


def _model_maker(architecture: str, config: Any, phase: Phase | None, part: str) -> Callable[[], nn.Module]:
    """Return what builds the module: a model as it is for a phase, else one that takes tensors in order.

    Raises:
        WorkloadError: It is no causal model, but a phase is asked for; or it has no such part.
    """
    from transformers import AutoModel
    from transformers.models.auto import modeling_auto

    coupled = bool(getattr(config, "is_encoder_decoder", False))
    if part not in PARTS or (part != PARTS[0] and not coupled):
        parts = " or ".join(PARTS) if coupled else f"{PARTS[0]}, as it has no decoder apart"
        raise WorkloadError(f"'part' of architecture '{architecture}' is {parts}, but got '{part}'")
    if phase is not None:
        if coupled or architecture not in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
            raise WorkloadError(f"architecture '{architecture}' has no phase '{phase.name}'; {CAUSAL}")
        return lambda: _plain_experts(modeling_auto.AutoModelForCausalLM.from_config(config))
    if not coupled:
        return lambda: Architecture(_plain_experts(AutoModel.from_config(config)))
    if part != PARTS[0]:
        return lambda: Architecture(AutoModel.from_config(config).get_encoder())
    with_head = {
        **modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        **modeling_auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
    }
    kind = AutoModel
    if architecture in with_head:
        of_text = architecture in modeling_auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES
        kind = modeling_auto.AutoModelForSeq2SeqLM if of_text else modeling_auto.AutoModelForSpeechSeq2Seq
    return lambda: EncoderDecoder(_plain_experts(kind.from_config(config)))


def _plain_experts(model: nn.Module) -> nn.Module:
    """Return a model whose mixtures of experts, where it has any, are computed by plain operations."""
    if model._can_set_experts_implementation():
        model.set_experts_implementation(EXPERTS)
    return model


def make_config(architecture: str, given: Mapping[str, Any]) -> Any:
    """Return a configuration of transformers with the given fields; the others keep the defaults of transformers.

    Raises:
        WorkloadError: There is no such architecture or field.
    """
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    known = [name for name in CONFIG_MAPPING if name in MODEL_MAPPING_NAMES]
    if architecture not in known:
        raise WorkloadError(no_architecture(architecture, known, most=5))
    kind = CONFIG_MAPPING[architecture]
    defaults = kind()
    fields = {name for name in defaults.to_dict() if not name.startswith("_")} | set(kind.attribute_map)
    chosen: dict[str, Any] = {}
    for key, value in given.items():
        field = next((one for one in ALIASES.get(key, ()) if one in fields), key)
        within = _within(defaults, key) if field not in fields else {}
        if field in fields:
            chosen[field] = _plain(value, getattr(defaults, field, None))
        elif within:
            for name, found in within.items():
                chosen.setdefault(name, {})[found] = value
        elif key not in NO_FIELDS:
            words = [word for word, names in ALIASES.items() if fields.intersection(names)]
            own = sorted(
                name for name in defaults.to_dict() if type(getattr(defaults, name)) in {int, float, bool, list}
            )
            raise WorkloadError(
                f"architecture '{architecture}' has no field '{key}'; it has: "
                f"{', '.join(dict.fromkeys([*words, *INPUT_SIZES, *sorted(NO_FIELDS - INPUT_SIZES.keys())]))}; "
                f"and its own fields: {', '.join(own)}"
            )
    chosen |= _follows(fields, chosen, given)
    if "use_cache" in fields:
        chosen["use_cache"] = False
    return kind(**chosen)


def _within(defaults: Any, key: str) -> dict[str, str]:
    """Return the field for a key in each configuration within one that has it."""
    found = {}
    for name in SUB_CONFIGS:
        inner = getattr(defaults, name, None)
        names = (*ALIASES.get(key, ()), *(POSITIONS if key == "tokens" else ()), key)
        field = next((one for one in names if inner is not None and hasattr(inner, one)), None)
        if field is not None:
            found[name] = field
    return found


def _follows(fields: set[str], chosen: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that follow from heads, hidden size and length, where a configuration states them, too."""
    found: dict[str, Any] = {}
    heads, hidden = given.get("heads"), given.get("hidden")
    if heads:
        found["num_key_value_heads"] = heads
        if hidden and "qk_rope_head_dim" not in fields:  # latent attention derives it from its own sizes
            found |= {"head_dim": hidden // heads, "d_kv": hidden // heads}
    for name in POSITIONS:
        if "tokens" in given:
            found[name] = int(given["tokens"])
    found |= {name: given[word] for word, name in OF_DECODER.items() if word in given}
    return {name: value for name, value in found.items() if name in fields and name not in chosen}


def _shape(architecture: str, name: str, config: Any, sizes: Mapping[str, int]) -> tuple[int, ...]:
    if name == "input_ids":
        return sizes["batch"], sizes["tokens"]
    if name == "pixel_values":
        return sizes["batch"], getattr(config, "num_channels", 3), sizes["image"], sizes["image"]
    if name == "input_values":
        return sizes["batch"], sizes["samples"]
    if name == "input_features" and hasattr(config, "num_mel_bins"):
        # A convolution with stride 2 comes before the layers.
        return sizes["batch"], config.num_mel_bins, 2 * config.max_source_positions
    raise WorkloadError(
        f"architecture '{architecture}' takes '{name}', for which inputs cannot be made from sizes alone; "
        "give a function that returns the model with its inputs"
    )


def _plain(value: Any, default: Any) -> Any:
    """Return a list for a field that is one: ``depths=1,1,1,1``."""
    if isinstance(default, (list, tuple)):
        return [int(one) for one in str(value).split(",")]
    return value
