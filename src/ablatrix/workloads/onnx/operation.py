"""An ONNX model as one operation of torch: a program made of it is planned, stored and checked like any other.

``ablatrix::onnx_model`` holds the model's bytes as its first input, which export lifts like any weight. Run eagerly it
is ONNX Runtime without any optimisation; asked for float64 it is the same graph in float64 (see
``workloads.onnx.precision``). Compilers that take ONNX find the model in the program and never run the operation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind

from ablatrix.errors import WorkloadError

if TYPE_CHECKING:
    from ablatrix.workloads.program import Program

Wide = Literal["onnxruntime", "reference", "none"]
Run = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]


@dataclass(frozen=True)
class Signature:
    """What is known about a model beside its bytes; the program holds it as text.

    Attributes:
        digest: SHA-256 of the model's bytes, which represents them in the program's structure.
        outputs: Shape and dtype of each output in the model's own types. A size is a number or a text of arithmetic on
            sizes of inputs: ``size_0_1`` is that of the first input along its second axis.
        wide: What runs the graph in float64: ONNX Runtime, the evaluator of ``onnx``, or neither.
        inputs: Dtype of each input in the model's own types.
    """

    digest: str
    outputs: tuple[tuple[tuple[int | str, ...], str], ...]
    wide: Wide
    inputs: tuple[str, ...]

    def text(self) -> str:
        """Return the text that the program holds."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Signature:
        """Read that text back."""
        plain = json.loads(text)
        outputs = tuple((tuple(shape), dtype) for shape, dtype in plain["outputs"])
        return cls(plain["digest"], outputs, plain["wide"], tuple(plain["inputs"]))

    def shapes(self, inputs: Sequence[torch.Tensor]) -> list[tuple[Any, ...]]:
        """Return the shape of each output for inputs of some sizes, which may be symbols of an export."""
        sizes = {
            size_name(index, axis): size for index, one in enumerate(inputs) for axis, size in enumerate(one.shape)
        }
        return [
            tuple(eval(one, {"__builtins__": {}}, sizes) if isinstance(one, str) else one for one in shape)
            for shape, _ in self.outputs
        ]


def size_name(index: int, axis: int) -> str:
    """Return the name that the size of an input along an axis has in the sizes of outputs."""
    return f"size_{index}_{axis}"


@torch.library.custom_op(  # type: ignore[untyped-decorator]
    "ablatrix::onnx_model",
    mutates_args=(),
    schema="(Tensor model, Tensor[] inputs, str signature, ScalarType precision) -> Tensor[]",
)
def onnx_model(
    model: torch.Tensor, inputs: Sequence[torch.Tensor], signature: str, precision: torch.dtype
) -> list[torch.Tensor]:
    """Run a model.

    Args:
        model: Its bytes.
        inputs: Its inputs, in order.
        signature: See ``Signature``.
        precision: float32: as the model is; float64: every float type in it widened.
    """
    known = Signature.read(signature)
    made = _runner(known, precision is torch.float64, torch.get_num_threads(), _Bytes(known.digest, model))(inputs)
    for index, (tensor, shape) in enumerate(zip(made, known.shapes(inputs), strict=True)):
        if tuple(tensor.shape) != shape:
            raise WorkloadError(
                f"output {index} of the ONNX model has shape {tuple(tensor.shape)} for one input and {shape} for "
                "another of the same shape; sizes that depend on values cannot be planned"
            )
    return made


@onnx_model.register_fake  # type: ignore[untyped-decorator]
def _shapes_alone(
    model: torch.Tensor, inputs: Sequence[torch.Tensor], signature: str, precision: torch.dtype
) -> list[torch.Tensor]:
    made, known = [], Signature.read(signature)
    for shape, (_, name) in zip(known.shapes(inputs), known.outputs, strict=True):
        dtype: torch.dtype = getattr(torch, name)
        wide = precision is torch.float64 and dtype.is_floating_point
        made.append(model.new_empty(shape, dtype=precision if wide else dtype))
    return made


def find_onnx(program: ExportedProgram) -> torch.fx.Node | None:
    """Return the node that is an ONNX model in a program or task; None for a program that torch exported."""
    nodes = [node for node in program.graph.nodes if node.target is torch.ops.ablatrix.onnx_model.default]
    return nodes[0] if nodes else None


def read_model(program: Program) -> bytes:
    """Return the bytes of the ONNX model that a prepared program is made of."""
    specs = [spec for spec in program.lowered.graph_signature.input_specs if spec.kind != InputKind.USER_INPUT]
    held = {**program.lowered.state_dict, **program.lowered.constants}
    return to_bytes(held[specs[0].target])


def data_inputs(task: ExportedProgram) -> list[int]:
    """Return which of a task's inputs a model of it takes, in the model's order.

    All of them, unless the task is an ONNX model: then one of them may hold its bytes.
    """
    given = set(task.graph_signature.user_inputs)
    placeholders = [one for one in task.graph.nodes if one.op == "placeholder" and one.name in given]
    node = find_onnx(task)
    return [placeholders.index(one) for one in (placeholders if node is None else node.args[1])]


def to_bytes(tensor: torch.Tensor) -> bytes:
    """Return the bytes that a tensor of type uint8 holds."""
    return bytes(tensor.detach().numpy().tobytes())


class _Bytes:
    """A model's bytes, compared by their digest."""

    def __init__(self, digest: str, tensor: torch.Tensor) -> None:
        self._digest, self.tensor = digest, tensor

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bytes) and other._digest == self._digest


@cache
def _runner(known: Signature, wide: bool, threads: int, model: _Bytes) -> Run:
    """Return what runs the model; it is made once per process, since making a session takes time."""
    from ablatrix.workloads.capture.precision import widen
    from ablatrix.workloads.onnx.evaluator import run_by_evaluator
    from ablatrix.workloads.onnx.precision import in_float64
    from ablatrix.workloads.onnx.session import run_by_onnxruntime

    content = to_bytes(model.tensor)
    if not wide:
        return run_by_onnxruntime(content, threads)
    if known.wide == "none":
        narrow, own = run_by_onnxruntime(content, threads), [getattr(torch, one) for one in known.inputs]
        return lambda inputs: widen(narrow([one.to(dtype) for one, dtype in zip(inputs, own, strict=True)]))
    return (run_by_onnxruntime if known.wide == "onnxruntime" else run_by_evaluator)(in_float64(content), threads)
