"""What a study says of one of its workloads."""

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablatrix.study.input_choice import InputChoice, Values
from ablatrix.study.names import Name, Title
from ablatrix.study.part import Part
from ablatrix.workloads.entry import Tier
from ablatrix.workloads.source import derive_name, is_source


def name_or_source(value: Any) -> Any:
    """Return a workload that is a text as the map that it stands for, under the name that its source gives."""
    if isinstance(value, str):
        value = {"source": value} if is_source(value) else {"name": value}
    if isinstance(value, dict) and isinstance(value.get("source"), str) and "name" not in value:
        return {"name": derive_name(value["source"]), **value}
    return value


class WorkloadChoice(Part):
    """One workload; its name alone is enough, or the source of a model of one's own."""

    name: Name = Field(
        description="Name of the workload, see `ablatrix workloads`; with a `source`, the study's own name for it."
    )
    parameters: dict[str, int | float | str | bool] = Field(
        default_factory=dict, description="Sizes that differ from the workload's defaults."
    )
    source: str | None = Field(
        default=None,
        description="A model of one's own: file.py:function, module:function, file.pt2, file.onnx, "
        "hf:architecture?field=value or hf:directory.",
    )
    tier: Tier | None = Field(default=None, description="Tier of a model of one's own; hard when left out.")
    dynamic: list[str] | None = Field(
        default=None, description="Dynamic dimensions of a model of one's own, where a stage varies `upper_bound`."
    )
    inputs: str | dict[str, Values | InputChoice] | None = Field(
        default=None,
        description="Inputs of a model of one's own in place of those that it comes with: a .npz or .pt file, or by "
        "name values, ranges and files.",
    )
    train: bool | None = Field(
        default=None, description="Whether a model of one's own is measured in train mode; no when left out."
    )
    title: Title | None = Field(default=None, description="What text, tables and figures call it; by language.")

    @model_validator(mode="after")
    def _own_keys_go_with_a_source(self) -> "WorkloadChoice":
        if self.source is None and (self.tier is not None or self.dynamic is not None):
            raise ValueError("'tier' and 'dynamic' go with 'source'; a workload of a registry states its own")
        if self.source is None and (self.inputs is not None or self.train is not None):
            raise ValueError("'inputs' and 'train' go with 'source'; a workload of a registry states its own")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what only a user's own models have, so that the digests of other studies stay the same."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if value is not None}
