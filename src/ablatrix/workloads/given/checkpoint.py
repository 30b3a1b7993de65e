"""A checkpoint of transformers in a local directory: its configuration and its weights. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ablatrix.errors import WorkloadError
from ablatrix.records.machine import available_bytes
from ablatrix.workloads.built import Built, seeded
from ablatrix.workloads.given.model_inputs import INPUT_SIZES, build_by_names

WEIGHTS = "*.safetensors"
ROOM = 4  # copies of the weights at once: the model, its export, its float64 oracle


def build_checkpoint(directory: Path, given: Mapping[str, Any]) -> Built:
    """Build ``hf:path/to/checkpoint?...`` in float32, with the head that the checkpoint is of.

    Args:
        directory: Holds ``config.json`` and weights as safetensors.
        given: Sizes of the inputs.

    Raises:
        WorkloadError: The directory holds no such weights, a size is unknown, inputs cannot be made, or it is larger
            than this machine's memory.
    """
    files = sorted(directory.glob(WEIGHTS))
    if not files:
        raise WorkloadError(f"{directory} holds no weights as {WEIGHTS}; save them with model.save_pretrained")
    unknown = sorted(set(given) - set(INPUT_SIZES))
    if unknown:
        raise WorkloadError(
            f"a checkpoint has no {unknown}; its configuration is in its file, and sizes of inputs are: "
            f"{', '.join(INPUT_SIZES)}"
        )
    needed, free = ROOM * sum(file.stat().st_size for file in files), available_bytes()
    if free is not None and needed > free:
        raise WorkloadError(
            f"preparing it takes {needed / 2**30:.0f} GiB of memory; {free / 2**30:.0f} GiB are free: take a smaller "
            "checkpoint, or another machine"
        )
    model = seeded(lambda: _load(directory))
    return build_by_names(model, given)


def _load(directory: Path) -> torch.nn.Module:
    import transformers

    config = transformers.AutoConfig.from_pretrained(directory, local_files_only=True)
    if hasattr(config, "use_cache"):
        config.use_cache = False
    named = next(iter(getattr(config, "architectures", None) or ()), "")
    kind = getattr(transformers, named, transformers.AutoModel)
    model: torch.nn.Module = kind.from_pretrained(
        directory, config=config, local_files_only=True, use_safetensors=True, dtype=torch.float32
    )
    return model
