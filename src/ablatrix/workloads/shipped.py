"""The workloads that come with ablatrix. Plain data: loads without torch."""

from collections.abc import Mapping
from types import MappingProxyType

from ablatrix.errors import WorkloadError
from ablatrix.workloads.entry import ParameterSpec, WorkloadEntry

_BATCH = ParameterSpec(1, "Inputs handled together.")
PHASE_PARAMETERS: Mapping[str, ParameterSpec] = MappingProxyType(
    {
        "phase": ParameterSpec(
            None,
            "prefill: a whole prompt; decode: one token behind it.",
            choices=("prefill", "decode"),
            optional="text",
        ),
        "context": ParameterSpec(
            64, "Tokens of the prompt, or behind which one is decoded.", minimum=2, beside="phase"
        ),
        "check_tokens": ParameterSpec(
            None,
            "decode: tokens that the check generates, each from the one before.",
            minimum=0,
            optional="int",
            beside="phase",
        ),
    }
)
"""What a model of language that generates text takes beside its sizes."""

_ENTRIES = (
    WorkloadEntry(
        name="mlp",
        tier="tiny",
        summary="Multi-layer perceptron: linear and ReLU, then a linear head.",
        parameters={
            "layers": ParameterSpec(3, "Hidden layers."),
            "hidden": ParameterSpec(256, "Width of the input and of each hidden layer."),
            "classes": ParameterSpec(10, "Outputs."),
            "batch": ParameterSpec(16, "Inputs handled together."),
        },
        builder="ablatrix.workloads.mlp:build",
    ),
    WorkloadEntry(
        name="convolution",
        tier="medium",
        summary="One stage of a residual network (He et al. 2016): convolution, batch norm, ReLU.",
        parameters={
            "blocks": ParameterSpec(3, "Residual blocks of two convolutions."),
            "channels": ParameterSpec(64, "Channels of every block."),
            "image": ParameterSpec(28, "Height and width in pixels."),
            "batch": _BATCH,
        },
        builder="ablatrix.workloads.convolution:build",
    ),
    WorkloadEntry(
        name="attention",
        tier="medium",
        summary="Multi-head self-attention blocks (Vaswani et al. 2017).",
        parameters={
            "blocks": ParameterSpec(2, "Attention blocks."),
            "hidden": ParameterSpec(256, "Width of a token's state.", multiple_of="heads"),
            "heads": ParameterSpec(8, "Attention heads."),
            "tokens": ParameterSpec(128, "Length of the sequence.", minimum=2),
            "batch": _BATCH,
        },
        builder="ablatrix.workloads.attention:build",
    ),
    WorkloadEntry(
        name="encoder",
        tier="hard",
        summary="BERT encoder (Devlin et al. 2019) from transformers' own class, random weights.",
        parameters={
            "layers": ParameterSpec(12, "Encoder layers."),
            "hidden": ParameterSpec(256, "Width of a token's state.", multiple_of="heads"),
            "heads": ParameterSpec(4, "Attention heads."),
            "tokens": ParameterSpec(64, "Length of the sequence.", minimum=2),
            "vocabulary": ParameterSpec(4096, "Distinct token ids.", minimum=2),
            "batch": _BATCH,
        },
        builder="ablatrix.workloads.encoder:build",
    ),
    WorkloadEntry(
        name="decoder",
        tier="hard",
        summary="Llama decoder (Touvron et al. 2023) from transformers' own class, dynamic number of tokens.",
        parameters={
            "layers": ParameterSpec(8, "Decoder layers."),
            "hidden": ParameterSpec(256, "Width of a token's state.", multiple_of="heads"),
            "inner": ParameterSpec(704, "Width inside a feed-forward part."),
            "heads": ParameterSpec(8, "Query heads.", multiple_of="groups"),
            "groups": ParameterSpec(4, "Key and value heads, each shared by heads / groups query heads."),
            "tokens": ParameterSpec(64, "Length of the sequence that is timed.", minimum=2, unless="phase"),
            "tokens_bound": ParameterSpec(
                128, "Upper bound of the sequence's length.", minimum=3, at_least="tokens", unless="phase"
            ),
            "vocabulary": ParameterSpec(4096, "Distinct token ids.", minimum=2),
            "batch": _BATCH,
            **PHASE_PARAMETERS,
        },
        builder="ablatrix.workloads.decoder:build",
        dynamic=("tokens",),
    ),
    WorkloadEntry(
        name="resnet",
        tier="hard",
        summary="Residual network with bottleneck blocks (He et al. 2016) from transformers' own class.",
        parameters={
            "layers": ParameterSpec(50, "Layers, which set the blocks a stage.", choices=(14, 26, 50, 101)),
            "channels": ParameterSpec(64, "Channels behind the first convolution."),
            "image": ParameterSpec(96, "Height and width in pixels.", minimum=32),
            "classes": ParameterSpec(1000, "Class scores."),
            "batch": _BATCH,
        },
        builder="ablatrix.workloads.resnet:build",
    ),
    WorkloadEntry(
        name="bound_propagation",
        tier="hard",
        summary="Interval bounds of a residual convolutional classifier (Gowal et al. 2018).",
        parameters={
            "stages": ParameterSpec(3, "Stages; each later one halves the image and doubles the channels."),
            "blocks": ParameterSpec(3, "Residual blocks of two convolutions a stage."),
            "channels": ParameterSpec(32, "Channels of the first stage."),
            "image": ParameterSpec(32, "Height and width in pixels.", minimum=4),
            "classes": ParameterSpec(10, "Class scores."),
            "batch": _BATCH,
        },
        builder="ablatrix.workloads.bound_propagation:build",
    ),
)

SHIPPED: Mapping[str, WorkloadEntry] = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def get_shipped(name: str) -> WorkloadEntry:
    """Return a workload that comes with ablatrix.

    Raises:
        WorkloadError: There is no such workload.
    """
    if name not in SHIPPED:
        raise WorkloadError(f"there is no workload '{name}'; there are: {', '.join(SHIPPED)}")
    return SHIPPED[name]
