"""A model in an ONNX file, given to the compilers that take ONNX as it is."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn

from ablatrix.canonical import digest_bytes
from ablatrix.errors import WorkloadError
from ablatrix.records.origin import installation_of
from ablatrix.workloads.built import Built, Reference, generator
from ablatrix.workloads.capture.precision import widen
from ablatrix.workloads.inputs.resampling import resample
from ablatrix.workloads.onnx.operation import Run, Signature, Wide, onnx_model, size_name
from ablatrix.workloads.onnx.parts import data_sets

if TYPE_CHECKING:
    from ablatrix.workloads.onnx.dimensions import Sizes
    from ablatrix.workloads.onnx.drawing import Input
    from ablatrix.workloads.onnx.given_data import DataSet

Values: TypeAlias = torch.Tensor | tuple[float, float]


class OnnxModule(nn.Module):  # type: ignore[misc]
    """A module whose forward is the model, as one operation."""

    def __init__(self, content: bytes, signature: Signature) -> None:
        super().__init__()
        self.register_buffer("model", torch.frombuffer(bytearray(content), dtype=torch.uint8))
        self.signature = signature.text()

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the model on its inputs, in order."""
        return tuple(onnx_model(self.model, list(inputs), self.signature, torch.float32))


@dataclass(frozen=True)
class _Given:
    """The inputs of a model: what is drawn, and what has values of its own.

    Attributes:
        inputs: All, in order.
        values: Those that a study or the file's test data gives, by name, in the timed sizes.
        sizes: Of all.
    """

    inputs: Sequence[Input]
    values: Mapping[str, torch.Tensor]
    sizes: Sizes

    @property
    def drawn(self) -> dict[str, bool]:
        """Whether the values of an input are drawn, by its name."""
        return {one.name: one.name not in self.values for one in self.inputs}

    def first(self) -> tuple[torch.Tensor, ...]:
        """Return the first input set."""
        drawn = self.make(0, self.sizes.timed)
        return tuple(self.values.get(one.name, tensor) for one, tensor in zip(self.inputs, drawn, strict=True))

    def make(self, seed: int, sizes: Mapping[str, int]) -> tuple[torch.Tensor, ...]:
        """Return a further input set: values of their own in another order, as of any model, and drawn ones."""
        random = generator(seed)
        made: list[torch.Tensor] = []
        for one in self.inputs:
            if one.name in self.values:
                made += resample([self.values[one.name]], [self.sizes.dynamic_axes(one.name)])(seed, sizes)
            else:
                made.append(one.draw(self.sizes.shape(one.name, sizes), random))
        return tuple(made)


def build_onnx(path: Path, given: Mapping[str, Any], values: Mapping[str, Values] | None = None) -> Built:
    """Read a model; its free dimensions get the sizes or bounds that are given.

    Args:
        path: The file.
        given: Sizes and bounds, by dimension.
        values: Values of inputs by name or position (``0``), or the smallest and largest that is drawn.

    Raises:
        WorkloadError: It cannot be read or run, takes or returns anything but tensors of numbers, has a free dimension
            without a size, or cannot be checked.
    """
    try:
        from ablatrix.workloads.onnx import drawn_faults, randomness
        from ablatrix.workloads.onnx.file import read_file
        from ablatrix.workloads.onnx.given_data import read_data_sets
        from ablatrix.workloads.onnx.quanta import quanta_of
        from ablatrix.workloads.onnx.rounding import rounding_of
        from ablatrix.workloads.onnx.session import run_by_onnxruntime
    except ImportError as error:
        raise WorkloadError(
            f"reading an ONNX file needs onnx and onnxruntime: {installation_of('onnxruntime')} ({error})"
        ) from error
    model = read_file(path)
    stated = read_data_sets(model, data_sets(path))
    own = _settle(model, given, values or {}, stated)
    content = model.SerializeToString()
    randomness.refuse_random(content)
    example, names = own.first(), [one.name for one in model.graph.output]
    try:
        run = run_by_onnxruntime(content, 1)
        outputs, again, other = run(example), run(example), run(own.make(1, own.sizes.timed))
    except WorkloadError:
        raise
    except Exception as error:  # errors of onnxruntime are of its extension module alone
        reason = drawn_faults.explain_failure(model, error, own.inputs, own.drawn)
        raise WorkloadError(f"ONNX Runtime cannot run it without optimisations: {error}{reason}") from error
    randomness.refuse_unequal(outputs, again, names)
    drawn_faults.refuse_varying(model, outputs, other)
    drawn_faults.refuse_undefined(model, example, outputs, own.inputs, own.drawn)
    wide, run_wide = _find_wide(content, example, outputs)
    _refuse_other_outputs(stated, own, names, run if run_wide is None else lambda inputs: run_wide(widen(inputs)))
    shapes = _output_shapes(own, run, outputs, names)
    dtypes = [one.dtype for one in outputs]
    kinds = zip(shapes, map(_word, dtypes), strict=True)
    signature = Signature(digest_bytes(content), tuple(kinds), wide, tuple(_word(one.dtype) for one in own.inputs))
    return Built(
        module=OnnxModule(content, signature),
        make_inputs=own.make,
        input_names=tuple(one.name for one in own.inputs),
        dynamic=own.sizes.bounds,
        timed_sizes=own.sizes.timed,
        input_dimensions={one.name: axes for one in own.inputs if (axes := own.sizes.dynamic_axes(one.name))},
        own_inputs=example,
        parameter_count=_count_weights(model.graph),
        chain=len(model.graph.node) if wide == "none" else None,
        rounding=rounding_of(model),
        quanta=quanta_of(model),
        reference=_find_reference(content, example, signature, dtypes),
    )


def _settle(model: Any, given: Mapping[str, Any], values: Mapping[str, Values], stated: Sequence[DataSet]) -> _Given:
    """Return the inputs with their sizes, which the model gets, too."""
    from ablatrix.workloads.onnx.dimensions import settle_sizes
    from ablatrix.workloads.onnx.drawing import fitted, read_inputs

    inputs = read_inputs(model)
    places = {str(index): one.name for index, one in enumerate(inputs)}
    values = {places.get(name, name): one for name, one in values.items()}
    unknown = sorted(set(values) - {one.name for one in inputs})
    if unknown:
        raise WorkloadError(f"it has no input {unknown}; it has: {', '.join(one.name for one in inputs)}")
    tensors = {name: one for name, one in values.items() if isinstance(one, torch.Tensor)}
    shapes = {name: tuple(one.shape) for name, one in tensors.items() if one.numel() != 1}
    if stated:
        shapes = {**{name: tuple(one.shape) for name, one in stated[0].inputs.items()}, **shapes}
    sizes = settle_sizes(model, given, shapes)
    bounds = {name: one for name, one in values.items() if not isinstance(one, torch.Tensor)}
    inputs = [replace(one, bounds=bounds[one.name], why="as given") if one.name in bounds else one for one in inputs]
    own = _Given(
        inputs,
        {one.name: fitted(one.name, tensors[one.name], one, sizes) for one in inputs if one.name in tensors},
        sizes,
    )
    if stated and not values and _fits(stated[0], own):
        return replace(own, values=stated[0].inputs)
    return own


def _fits(data: DataSet, own: _Given) -> bool:
    """Return whether stated inputs have the types and the timed sizes of the model's."""
    held = ((data.inputs[one.name], one) for one in own.inputs)
    return all(tuple(tensor.shape) == own.sizes.shape(one.name) and tensor.dtype is one.dtype for tensor, one in held)


def _refuse_other_outputs(stated: Sequence[DataSet], own: _Given, names: Sequence[str], oracle: Run) -> None:
    """Refuse a model whose oracle does not give the outputs that are stated beside the file."""
    from ablatrix.workloads.onnx.given_data import refuse_other_outputs

    for data in stated:
        if _fits(data, own):
            refuse_other_outputs(data, names, oracle([data.inputs[one.name] for one in own.inputs]))


def _output_shapes(
    own: _Given, run: Run, outputs: Sequence[torch.Tensor], names: Sequence[str]
) -> list[tuple[int | str, ...]]:
    """Return the shape of each output; sizes that follow from dynamic dimensions as arithmetic on sizes of inputs."""
    from ablatrix.workloads.onnx.output_sizes import find_output_sizes

    sizes = own.sizes
    if not sizes.bounds:
        return [tuple(one.shape) for one in outputs]

    def shapes_at(at: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
        try:
            return tuple(tuple(one.shape) for one in run(own.make(0, at)))
        except Exception as error:  # errors of onnxruntime are of its extension module alone
            words = ", ".join(f"{name}={size}" for name, size in at.items())
            raise WorkloadError(
                f"ONNX Runtime cannot run it at {words}, which is within the bounds that are given: {error}; give "
                "bounds within which it runs, or one size"
            ) from error

    places = {
        name: size_name(index, axis)
        for index, one in reversed(list(enumerate(own.inputs)))
        for axis, name in sizes.dynamic_axes(one.name).items()
    }
    found = find_output_sizes(shapes_at, sizes.bounds, sizes.timed, names)
    in_place = partial(re.sub, r"[^\W\d]\w*", lambda match: places[match[0]])
    return [tuple(in_place(size) if isinstance(size, str) else size for size in shape) for shape in found]


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _find_wide(
    content: bytes, example: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor]
) -> tuple[Wide, Run | None]:
    """Return what has float64 kernels for the whole model, found by trying, and what runs it.

    Args:
        content: The model.
        example: Inputs to try it with.
        outputs: What ONNX Runtime makes of them in the model's own types.

    Raises:
        WorkloadError: Only the evaluator has them, and it does not agree with ONNX Runtime on the model.
    """
    import onnx

    from ablatrix.workloads.onnx.agreement import Runs, refuse_disagreement
    from ablatrix.workloads.onnx.evaluator import run_by_evaluator
    from ablatrix.workloads.onnx.precision import has_only_narrow, in_float64
    from ablatrix.workloads.onnx.session import run_by_onnxruntime

    if has_only_narrow(onnx.load_from_string(content)):
        return "none", None
    wide = in_float64(content)
    try:
        run = run_by_onnxruntime(wide, 1)
        run(widen(example))
    except Exception:  # no kernel of that type, or no such operator: the errors of both have no common class
        pass
    else:
        return "onnxruntime", run
    try:
        run = run_by_evaluator(wide, 1)
        runs = Runs(outputs, run_by_evaluator(content, 1)(example), run(widen(example)))
    except Exception:
        return "none", None
    refuse_disagreement(content, example, runs)
    return "reference", run


def _find_reference(
    content: bytes, example: Sequence[torch.Tensor], signature: Signature, dtypes: Sequence[torch.dtype]
) -> Reference | None:
    """Return what shows the error of a model's own types; None where ONNX Runtime's unoptimised run does."""
    import onnx

    from ablatrix.workloads.onnx.reference import has_halves, run_rounded, run_shaken

    try:
        if has_halves(onnx.load_from_string(content)):
            run = run_rounded(content, dtypes)
        elif signature.wide == "none":
            run = run_shaken(content)
        else:
            return None
        run(example)
    except Exception:  # an operator of ONNX Runtime's own that takes float16 alone: what rounding must leave has to do
        return None
    return run


def _count_weights(graph: Any) -> int:
    """Return how many weights a model holds, as such or as constants; shapes and indices are none."""
    from onnx import TensorProto

    from ablatrix.workloads.onnx.precision import FLOATS, all_graphs

    types = {*FLOATS, TensorProto.DOUBLE, *(getattr(TensorProto, one) for one in ("INT8", "UINT8", "INT4", "UINT4"))}
    held = [one for inner in all_graphs(graph) for one in inner.initializer]
    held += [one.t for inner in all_graphs(graph) for node in inner.node for one in node.attribute if one.HasField("t")]
    return sum(math.prod(one.dims) for one in held if one.data_type in types)
