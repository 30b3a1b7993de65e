"""The workloads that come with ablatrix. Plain data: loads without torch."""

from ablatrix.workloads.registry import ParameterSpec, WorkloadEntry

_BATCH = ParameterSpec(1, "Inputs handled together.")

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
)

SHIPPED = {entry.name: entry for entry in _ENTRIES}
