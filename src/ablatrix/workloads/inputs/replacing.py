"""Inputs of a study in the place of those that a workload comes with, checked against what the model takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built, generator
from ablatrix.workloads.entry import GivenInput
from ablatrix.workloads.inputs.files import name_within, read_file
from ablatrix.workloads.inputs.given import ALL
from ablatrix.workloads.inputs.resampling import resample


@dataclass
class _Replaced:
    """What replaces inputs, by their positions, and what is wrong with it."""

    tensors: dict[int, torch.Tensor] = field(default_factory=dict)
    ranges: dict[int, tuple[float, float]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def with_inputs(name: str, built: Built, given: Mapping[str, GivenInput]) -> Built:
    """Return a workload whose inputs are those that a study gives, where it gives any.

    What is read from a file is the first input set, and further ones are made of it as of inputs of a function. A value
    is the same in all input sets; a range is drawn anew for each.

    Args:
        name: Of the workload.
        built: The workload.
        given: By name of the input; ``ALL`` for all that a file holds.

    Raises:
        WorkloadError: An input does not exist, or has another shape, type or size than the model takes. The message
            names all faults, and what the model takes.
    """
    if not given:
        return built
    examples = built.own_inputs or built.make_inputs(0, built.timed_sizes)
    found = _Replaced()
    for key, one in given.items():
        for index, tensor in _tensors(built, key, one, examples, found):
            _check(built, index, tensor, examples[index], found)
    if found.faults:
        taken = ", ".join(f"{one} {_shown(built, one, tensor)}" for one, tensor in _named(built, examples))
        raise WorkloadError(f"workload '{name}': {'; '.join(found.faults)}. The model takes: {taken}")
    return _replaced(built, found)


def _named(built: Built, examples: Sequence[torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    return list(zip(built.input_names, examples, strict=True))


def _tensors(
    built: Built, key: str, one: GivenInput, examples: Sequence[torch.Tensor], found: _Replaced
) -> list[tuple[int, torch.Tensor]]:
    """Return the tensors that are given, with the positions of their inputs; notes ranges and faults."""
    held = {key: None} if one.file is None else read_file(Path(one.file))
    if key != ALL:
        inside = name_within(one, key, held)
        if one.file is not None and inside not in held:
            found.faults.append(f"{one.name} holds no '{inside}'; it holds: {', '.join(held)}")
            return []
        held = {key: held.get(inside)}
    places = [(_place(built, name), name, tensor) for name, tensor in held.items()]
    found.faults += [f"there is no input '{name}'" for place, name, _ in places if place is None]
    known = [(place, tensor) for place, _, tensor in places if place is not None]
    if one.file is None:
        known = [
            (place, _own_value(built.input_names[place], place, one, examples[place], found)) for place, _ in known
        ]
    return [(place, tensor) for place, tensor in known if tensor is not None]


def _own_value(name: str, place: int, one: GivenInput, example: torch.Tensor, found: _Replaced) -> torch.Tensor | None:
    """Return the value that a study gives for an input; None where it gives a range, which is noted."""
    if one.value is None:
        assert one.low is not None
        assert one.high is not None
        found.ranges[place] = one.low, one.high
        whole = isinstance(one.low, int) and isinstance(one.high, int)
        if example.is_complex() or example.dtype == torch.bool or not (whole or example.is_floating_point()):
            found.faults.append(f"input '{name}' has {_kind(example.dtype)}, but got the range {one.low} to {one.high}")
        return None
    try:
        tensor = torch.tensor(json.loads(one.value))
    except ValueError as error:  # lists of several lengths
        found.faults.append(f"input '{name}': {error}")
        return None
    return tensor.expand(example.shape) if tensor.dim() == 0 else tensor


def _place(built: Built, name: str) -> int | None:
    if name in built.input_names:
        return built.input_names.index(name)
    return int(name) if name.isdigit() and int(name) < len(built.input_names) else None


def _check(built: Built, index: int, tensor: torch.Tensor, example: torch.Tensor, found: _Replaced) -> None:
    """Keep a tensor as an input, converted where no value changes its meaning; or note what is wrong with it."""
    name = built.input_names[index]
    kinds = [_kind(one.dtype) for one in (tensor, example)]
    if kinds[0] != kinds[1] and not (kinds[0] == "whole numbers" and kinds[1] == "floats"):
        found.faults.append(f"input '{name}' has {kinds[1]}, but got {kinds[0]} ({_dtype(tensor)})")
        return
    converted = tensor.to(example.dtype)
    if kinds[1] == "whole numbers" and not torch.equal(converted.to(tensor.dtype), tensor):
        found.faults.append(f"input '{name}' is {_dtype(example)}, which does not hold all values that are given")
        return
    axes = built.input_dimensions.get(name, {})
    fits = tensor.dim() == example.dim() and all(
        axis in axes or one == other for axis, (one, other) in enumerate(zip(tensor.shape, example.shape, strict=True))
    )
    if not fits:
        found.faults.append(f"input '{name}' is {_shown(built, name, example)}, but got {list(tensor.shape)}")
        return
    for axis, dimension in axes.items():
        size, (low, high) = tensor.shape[axis], built.dynamic[dimension]
        if not low <= size <= high or found.sizes.setdefault(dimension, size) != size:
            found.faults.append(
                f"input '{name}': {dimension} must be the same everywhere, from {low} to {high}, but got {size}"
            )
            return
    found.tensors[index] = converted.contiguous().clone()


def _kind(dtype: torch.dtype) -> str:
    if dtype == torch.bool:
        return "booleans"
    return "floats" if dtype.is_floating_point else "complex numbers" if dtype.is_complex else "whole numbers"


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _shown(built: Built, name: str, tensor: torch.Tensor) -> str:
    axes = built.input_dimensions.get(name, {})
    return f"{_dtype(tensor)}[{', '.join(str(axes.get(axis, size)) for axis, size in enumerate(tensor.shape))}]"


def _replaced(built: Built, found: _Replaced) -> Built:
    timed = {**built.timed_sizes, **found.sizes}
    makers = {
        index: resample([tensor], [built.input_dimensions.get(built.input_names[index], {})])
        for index, tensor in found.tensors.items()
    }

    def make(seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        made = list(built.make_inputs(seed, sizes))
        for index, maker in makers.items():
            made[index] = maker(seed, sizes)[0]
        return _drawn(made, seed)

    def _drawn(made: list[torch.Tensor], seed: int) -> tuple[torch.Tensor, ...]:
        for index, (low, high) in found.ranges.items():
            made[index] = _draw(made[index], low, high, seed + index)
        return tuple(made)

    same = built.own_inputs is not None and timed == dict(built.timed_sizes)
    own = list(built.own_inputs if same and built.own_inputs is not None else built.make_inputs(0, timed))
    for index, tensor in found.tensors.items():
        own[index] = tensor
    return replace(built, make_inputs=make, own_inputs=_drawn(own, 0), timed_sizes=timed)


def _draw(like: torch.Tensor, low: float, high: float, seed: int) -> torch.Tensor:
    if like.is_floating_point():
        return (low + (high - low) * torch.rand(like.shape, generator=generator(seed), dtype=torch.float64)).to(
            like.dtype
        )
    return torch.randint(int(low), int(high) + 1, like.shape, generator=generator(seed)).to(like.dtype)
