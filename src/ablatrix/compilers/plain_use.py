"""What users of each compiler write by themselves: its documented use on a model of torch, with nothing of ours in it.

Our adapters are held against it: in time (``benchmarks/parity.py``), and in what they take (``ablatrix models``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class PlainRun:
    """A compiled model with its inputs.

    Attributes:
        run: Runs it once, as its users do.
        outputs: Runs it once and returns the tensors of its outputs, in order.
    """

    run: Callable[[], Any]
    outputs: Callable[[], list[torch.Tensor]]


Bind = Callable[[Sequence["torch.Tensor"]], PlainRun]
PlainUse = Callable[["torch.nn.Module", "tuple[torch.Tensor, ...]", Path, int], Bind]
"""From a model, its inputs, a directory for files and a number of threads to the compiled model."""


def use_inductor(module: torch.nn.Module, _inputs: Sequence[Any], _directory: Path, _threads: int) -> Bind:
    """``torch.compile(model)``; its threads are torch's."""
    import torch
    from torch.utils import _pytree as pytree

    compiled = torch.compile(module)

    def bind(given: Sequence[Any]) -> PlainRun:
        def outputs() -> list[torch.Tensor]:
            return [one for one in pytree.tree_leaves(compiled(*given)) if isinstance(one, torch.Tensor)]

        return PlainRun(lambda: compiled(*given), outputs)

    return bind


def use_onnxruntime(module: torch.nn.Module, inputs: tuple[Any, ...], directory: Path, threads: int) -> Bind:
    """A session on the file that torch exports."""
    import onnxruntime
    import torch

    file = directory / "model.onnx"
    torch.onnx.export(module, inputs, file, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def bind(given: Sequence[Any]) -> PlainRun:
        named = {one.name: tensor.numpy() for one, tensor in zip(session.get_inputs(), given, strict=True)}
        return PlainRun(
            lambda: session.run(None, named), lambda: [torch.from_numpy(one) for one in session.run(None, named)]
        )

    return bind


def use_openvino(module: torch.nn.Module, inputs: tuple[Any, ...], _directory: Path, threads: int) -> Bind:
    """``openvino.compile_model``, and calls of it."""
    import torch

    compiled = compile_openvino(module, inputs, threads)

    def bind(given: Sequence[Any]) -> PlainRun:
        arrays = [tensor.numpy() for tensor in given]

        def outputs() -> list[torch.Tensor]:
            made = compiled(arrays)
            return [torch.from_numpy(made[index].copy()) for index in range(len(compiled.outputs))]

        return PlainRun(lambda: compiled(arrays), outputs)

    return bind


def compile_openvino(module: torch.nn.Module, inputs: tuple[Any, ...], threads: int) -> Any:
    """Return the compiled model; in float32, since OpenVINO's default on some processors is another program.

    Of the two documented ways to convert a model of torch, the one without tracing comes first.
    """
    import torch

    from ablatrix.compilers.openvino.library import import_openvino

    openvino = import_openvino()
    try:
        converted = openvino.convert_model(torch.export.export(module, inputs))
    except Exception:  # the converter has many errors and no common one
        converted = openvino.convert_model(module, example_input=inputs)
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    return openvino.compile_model(converted, "CPU", settings)


def use_xla(module: torch.nn.Module, inputs: tuple[Any, ...], _directory: Path, threads: int) -> Bind:
    """``jax.jit`` of what torchax makes of the model, its weights as arguments; whole numbers have JAX's 32 bits."""
    import jax
    import numpy
    import torch

    from ablatrix.compilers.xla.client import POOL_SIZE
    from ablatrix.compilers.xla.frontend import import_torchax

    os.environ[POOL_SIZE] = str(threads)
    export, exported = import_torchax(), torch.export.export(module, inputs)
    # Behind what the model wrote to its buffers; names are of tensors, constants stand there as they are.
    count = sum(isinstance(one, str) for one in exported.graph_signature.user_outputs)
    _names, states, function = export.exported_program_to_jax(exported, export_raw=True)
    weights = [jax.numpy.asarray(one.detach().numpy()) for one in states]
    compiled = jax.jit(function)

    def bind(given: Sequence[Any]) -> PlainRun:
        arrays = [jax.numpy.asarray(one.numpy()) for one in given]

        def run() -> Any:
            return jax.block_until_ready(compiled(weights, arrays))

        def outputs() -> list[torch.Tensor]:
            return [torch.from_numpy(numpy.asarray(one).copy()) for one in jax.tree.leaves(run())[-count:]]

        return PlainRun(run, outputs)

    return bind


def use_tvm(module: torch.nn.Module, inputs: tuple[Any, ...], _directory: Path, _threads: int) -> Bind:
    """``tvm.compile`` with the default pipeline of Relax, on the target of this processor."""
    import torch
    import tvm
    from tvm import relax
    from tvm.relax.frontend.torch import from_exported_program

    imported = from_exported_program(torch.export.export(module, inputs))
    target = tvm.target.Target({"kind": "llvm", "mcpu": tvm.target.codegen.llvm_get_system_cpu()})
    machine = relax.VirtualMachine(tvm.compile(imported, target=target), tvm.cpu())

    def bind(given: Sequence[Any]) -> PlainRun:
        tensors = [tvm.runtime.from_dlpack(tensor) for tensor in given]

        def outputs() -> list[torch.Tensor]:
            made = machine["main"](*tensors)
            returned = [made] if isinstance(made, tvm.runtime.Tensor) else made
            return [torch.from_numpy(one.numpy()) for one in returned]

        return PlainRun(lambda: machine["main"](*tensors), outputs)

    return bind


PLAIN_USE: Mapping[str, PlainUse] = MappingProxyType(
    {
        "tvm": use_tvm,
        "inductor": use_inductor,
        "onnxruntime": use_onnxruntime,
        "xla": use_xla,
        "openvino": use_openvino,
    }
)
"""By the names of the compilers that come with ablatrix."""
