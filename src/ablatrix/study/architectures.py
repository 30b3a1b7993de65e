"""Sixty architectures at tiny sizes, with random weights: which compiler takes which.

Each is a workload as studies write it, so that any of them can be studied further.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Architecture:
    """A model as a study writes it.

    Attributes:
        kind: What kind of model it is, in a word or two.
        source: Its source.
        parameters: Sizes that differ from the defaults of the source.
    """

    kind: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def choice(self, name: str, **further: Any) -> dict[str, Any]:
        """Return it as a study lists it, under a name and with further parameters."""
        parameters = {**self.parameters, **further}
        return {"name": name, "source": self.source, **({"parameters": parameters} if parameters else {})}


TEXT = "hidden=32&heads=4&intermediate=64&vocabulary=128&tokens=16"
TWO = f"layers=2&{TEXT}"
ONE = f"layers=1&{TEXT}"
SMALL = "layers=1&hidden=16&heads=2&vocabulary=64&tokens=8"
EXPERTS = f"{SMALL}&intermediate=16&num_experts_per_tok=2"
LATENT = "q_lora_rank=16&kv_lora_rank=16&qk_rope_head_dim=4&qk_nope_head_dim=8&v_head_dim=8"
STAGES = "embedding_size=8&hidden_sizes=8,16,16,16&depths=1,1,1,1&image=32"
OWN = "ablatrix.workloads.architectures"

_ENCODERS = {
    "bert": f"hf:bert?{TWO}",
    "roberta": f"hf:roberta?{ONE}&max_position_embeddings=32",
    "distilbert": f"hf:distilbert?{ONE}",
    "albert": f"hf:albert?{ONE}&embedding_size=16",
    "electra": f"hf:electra?{ONE}&embedding_size=16",
    "deberta_v2": f"hf:deberta-v2?{ONE}&relative_attention=true&max_relative_positions=8&pos_att_type=p2c|c2p",
    "modernbert": f"hf:modernbert?{TWO}&local_attention=8&pad_token_id=0",
    "fnet": "hf:fnet?layers=1&hidden=32&intermediate=64&vocabulary=128&tokens=16",
}
_DECODERS = {
    "llama": f"hf:llama?{TWO}&groups=2",
    "gpt2": "hf:gpt2?layers=2&hidden=32&heads=4&vocabulary=128&tokens=16",
    "qwen2": f"hf:qwen2?{TWO}&groups=2",
    "qwen3": f"hf:qwen3?{ONE}&groups=2",
    "mistral": f"hf:mistral?{ONE}&groups=2&sliding_window=8",
    "gemma2": f"hf:gemma2?{TWO}&groups=2&sliding_window=8&query_pre_attn_scalar=8",
    "phi3": f"hf:phi3?{ONE}&groups=2&pad_token_id=0",
    "gpt_neox": f"hf:gpt_neox?{ONE}",
    "opt": "hf:opt?layers=1&hidden=32&heads=4&ffn_dim=64&vocabulary=128&tokens=16&word_embed_proj_dim=32",
    "bloom": "hf:bloom?layers=1&hidden=32&heads=4&vocabulary=128&tokens=16",
}
_EXPERTS = {
    "mixtral": f"hf:mixtral?{EXPERTS}&groups=2&num_local_experts=4",
    "deepseek_v3": (
        f"hf:deepseek_v3?{EXPERTS}&{LATENT}&n_routed_experts=4&n_group=2&topk_group=1&moe_intermediate_size=16"
        "&first_k_dense_replace=0"
    ),
}
_ENCODER_DECODERS = {
    "t5": f"hf:t5?{TWO}&decoder_tokens=8",
    "bart": f"hf:bart?{ONE}&decoder_layers=1&decoder_tokens=8&max_position_embeddings=32",
    "whisper": (
        "hf:whisper?layers=2&hidden=32&heads=4&intermediate=64&decoder_layers=1&decoder_attention_heads=4"
        "&vocabulary=128&max_source_positions=16&num_mel_bins=16&pad_token_id=0&bos_token_id=1&eos_token_id=2"
    ),
}
_STATE_SPACE = {
    "mamba": "hf:mamba?layers=2&hidden=16&state_size=4&vocabulary=128&tokens=8",
    "mamba2": (
        "hf:mamba2?layers=1&hidden=16&num_heads=4&head_dim=8&n_groups=1&state_size=8&chunk_size=4&vocabulary=64&tokens=8"
    ),
    "rwkv": "hf:rwkv?layers=2&hidden=16&attention_hidden_size=16&intermediate_size=32&vocabulary=64&tokens=6",
}
_VISION = {
    "vit": "hf:vit?layers=2&hidden=32&heads=4&intermediate=64&image=32&patch_size=8",
    "swin": "hf:swin?image=32&patch_size=4&embed_dim=16&depths=2,1&num_heads=2,4&window_size=4",
    "segformer": (
        "hf:segformer?image=64&hidden_sizes=8,16,16,32&depths=1,1,1,1&num_attention_heads=1,2,2,4&mlp_ratios=2,2,2,2"
    ),
    "dinov2": "hf:dinov2?layers=1&hidden=32&heads=4&mlp_ratio=2&image=32&patch_size=8",
}
_CONVOLUTIONAL = {
    "resnet-10": f"hf:resnet?{STAGES}&layer_type=basic",
    "mobilenet_v2": "hf:mobilenet_v2?depth_multiplier=0.25&image=32",
    "convnext": "hf:convnext?hidden_sizes=8,16,16,32&depths=1,1,1,1&image=32",
    "regnet": f"hf:regnet?{STAGES}&groups_width=8",
}
_OTHERS = {
    "wav2vec2": (
        "hf:wav2vec2?layers=1&hidden=16&heads=2&intermediate=16&vocabulary=20&conv_dim=8,8&conv_kernel=10,3"
        "&conv_stride=5,2&num_feat_extract_layers=2&num_conv_pos_embeddings=4&num_conv_pos_embedding_groups=2&samples=400"
    ),
    "clip": "hf:clip?hidden=16&layers=1&heads=2&intermediate=16&vocabulary=20&tokens=6&image=16&patch_size=8",
}
_TIMM = {
    "mlp_mixer": "mixer",
    "convmixer": "convolutional",
    "densenet": "convolutional",
    "seresnet": "convolutional",
    "xcit": "vision transformer",
    "cait": "vision transformer",
    "eva02": "vision transformer",
}


def _all(kind: str, sources: Mapping[str, str]) -> dict[str, Architecture]:
    return {name: Architecture(kind, source) for name, source in sources.items()}


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        **_all("encoder", _ENCODERS),
        **_all("decoder", _DECODERS),
        **{
            f"llama-{phase}": Architecture(
                "decoder, one phase",
                "hf:llama?layers=1&hidden=16&heads=2&groups=1&intermediate=32&vocabulary=64",
                {"phase": phase, "context": 16, **({"check_tokens": 4} if phase == "decode" else {})},
            )
            for phase in ("prefill", "decode")
        },
        **_all("mixture of experts", _EXPERTS),
        **_all("encoder-decoder", _ENCODER_DECODERS),
        **_all("state space", _STATE_SPACE),
        **_all("vision transformer", _VISION),
        **_all("convolutional", _CONVOLUTIONAL),
        **_all("audio, or text and image", _OTHERS),
        "detr": Architecture("detector", f"{OWN}.packages:detr"),
        **{name: Architecture(kind, f"{OWN}.packages:of_timm", {"architecture": name}) for name, kind in _TIMM.items()},
        **{
            name: Architecture("diffusion", f"{OWN}.packages:{name}")
            for name in ("unet2d", "unet2d_condition", "autoencoder_kl", "dit", "flux")
        },
        "unet": Architecture("convolutional", f"{OWN}.convolutional:unet"),
        "dcgan": Architecture("convolutional", f"{OWN}.convolutional:dcgan"),
        "lstm": Architecture("recurrent", f"{OWN}.recurrent:tagger"),
        "gru": Architecture("recurrent", f"{OWN}.recurrent:tagger", {"kind": "gru"}),
        "bilstm": Architecture("recurrent", f"{OWN}.recurrent:tagger", {"both_ways": True, "layers": 2}),
        **{
            name: Architecture("graph net", f"{OWN}.graphs:graph_net", {"kind": name})
            for name in ("gcn", "graphsage", "gat", "gin")
        },
    }
)
"""By name, in the order of the table."""
