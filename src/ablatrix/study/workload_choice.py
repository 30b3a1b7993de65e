"""What a study says of one workload, and the variants into which its axes unfold it."""

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablatrix.records.part import MOST_PARAMETERS
from ablatrix.records.variants import AxisValue, axis_text, variant_name
from ablatrix.study.input_choice import InputChoice, Values
from ablatrix.study.names import Name, Title
from ablatrix.study.part import Part
from ablatrix.workloads.entry import Size, Tier
from ablatrix.workloads.source import derive_name, is_source

MAX_VARIANTS = 256
"""Of one workload: more are hardly meant, and each is prepared and compiled by itself."""
Value = int | Annotated[float, Field(allow_inf_nan=False)] | str | bool
_WORD = re.compile(r"[^\s\[\],=]+")


@dataclass(frozen=True, slots=True)
class Variant:
    """One program of a study: a workload with one value of each of its axes.

    Attributes:
        name: As designs and records have it: ``encoder[tokens=128]``; without axes that of the workload.
        base: The workload's name in the study.
        registry_name: Its name in the catalogue; for a model of the user's own that in the study.
        axes: The values of its axes, in the order of the study; empty without axes.
        parameters: All parameters that the study gives, those of its axes among them.
    """

    name: str
    base: str
    registry_name: str
    axes: tuple[tuple[str, AxisValue], ...]
    parameters: Mapping[str, Size]


def name_or_source(value: Any) -> Any:
    """Return a workload as a map with a name, where it is its name or source alone, or has no name of its own."""
    if isinstance(value, str):
        value = {"source": value} if is_source(value) else {"name": value}
    if not isinstance(value, dict) or "name" in value:
        return value
    if isinstance(value.get("source"), str):
        return {"name": derive_name(value["source"]), **value}
    return {"name": value["workload"], **value} if isinstance(value.get("workload"), str) else value


class WorkloadChoice(Part):
    """One workload; its name alone is enough, or the source of a model of one's own."""

    name: Name = Field(
        description="Name of the workload, see `ablatrix workloads`; with `workload` or `source`, the study's own name."
    )
    workload: str | None = Field(
        default=None, description="Which workload it is, where `name` is another: so the same one is listed twice."
    )
    parameters: dict[str, int | float | str | bool] = Field(
        default_factory=dict, max_length=MOST_PARAMETERS, description="Sizes that differ from the workload's defaults."
    )
    axes: dict[str, Annotated[list[Value], Field(min_length=1)]] | None = Field(
        default=None, description="Parameter -> values; every combination is a variant of the workload."
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
        if self.source is not None and self.workload is not None:
            raise ValueError("'workload' names one of the catalogue and 'source' is a model of your own; give one")
        return self

    @model_validator(mode="after")
    def _axes_make_distinct_variants(self) -> "WorkloadChoice":
        if self.axes is None:
            return self
        if not self.axes:
            raise ValueError("'axes' names no parameter; name at least one with its values, or leave it out")
        for name, values in self.axes.items():
            if name in self.parameters:
                raise ValueError(f"'{name}' is an axis and stands under 'parameters', too; keep one of them")
            texts = list(map(axis_text, values))
            if twice := next((text for text in texts if texts.count(text) > 1), None):
                raise ValueError(f"axis '{name}' lists the value {twice} twice; list each once")
            if odd := next((text for text in (name, *texts) if not _WORD.fullmatch(text)), None):
                raise ValueError(
                    f"axis '{name}': '{odd}' becomes part of a name, which has no space, comma, '=' or bracket in it"
                )
        counts = [len(values) for values in self.axes.values()]
        if math.prod(counts) > MAX_VARIANTS:
            product = " x ".join(map(str, counts))
            raise ValueError(
                f"axes make {product} = {math.prod(counts)} variants of '{self.name}', and at most {MAX_VARIANTS} are "
                "allowed; list fewer values, or list the workload twice under two names"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what is not given, so that the digests of studies without it stay the same."""
        data: dict[str, Any] = handler(self)
        return {key: value for key, value in data.items() if value is not None}

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The programs that it stands for: one for every combination of values of its axes, the last axis fastest."""
        axes = self.axes or {}
        # Of one that breaks the rules above, which is asked for its other faults, not more are made either.
        combinations = itertools.islice(itertools.product(*axes.values()), MAX_VARIANTS)
        named = (tuple(zip(axes, values, strict=True)) for values in combinations)
        return tuple(
            Variant(
                name=variant_name(self.name, pairs),
                base=self.name,
                registry_name=self.workload or self.name,
                axes=pairs,
                parameters={**self.parameters, **dict(pairs)},
            )
            for pairs in named
        )
