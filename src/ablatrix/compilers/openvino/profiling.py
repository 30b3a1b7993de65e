"""Time by layer from OpenVINO's performance counters, and which nodes of a task each layer computes.

Layers keep the name of the last operation that they compute, and operations of a converted model begin with the name of
the node of torch's program that they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch.export import ExportedProgram

from ablatrix.compilers.openvino.build import NO_WORK, convert
from ablatrix.compilers.profiling import Executed, KernelTimes, ProfiledKernel, SourceValue, claims_by_dataflow
from ablatrix.compilers.profiling.marks import node_marks
from ablatrix.workloads.onnx.operation import find_onnx

if TYPE_CHECKING:
    from ablatrix.compilers.openvino.compiler import OpenVinoTask
    from ablatrix.workloads.program import TaskProgram

COUNT = {"PERF_COUNT": True}


class OpenVinoProfiler:
    """A task as a model that counts.

    Args:
        task: Its nodes are marked.
        loaded: The task, loaded with performance counters.
    """

    def __init__(self, task: TaskProgram, loaded: OpenVinoTask) -> None:
        self._loaded = loaded
        self._claims = _claims(task, loaded.model)
        self._names: list[str] = []
        self._times: list[dict[str, float]] = []
        self._walls: list[float] = []

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that keeps the counters of its layers."""
        call = self._loaded.bind(inputs, outputs)
        request = call.args[0]  # type: ignore[attr-defined]

        def run() -> None:
            since = perf_counter_ns()
            call()
            self._walls.append((perf_counter_ns() - since) / 1e6)
            self._times.append(_counted(request.get_profiling_info()))

        return run

    def begin(self) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """Nothing is to be done."""

    def read(self) -> KernelTimes:
        """Return the times of all calls."""
        names = list(dict.fromkeys(name for one in self._times for name in one))
        return KernelTimes(
            kernels=tuple(
                ProfiledKernel(name=name, nodes=tuple(sorted(self._claims.get(name, frozenset())))) for name in names
            ),
            times_ms=tuple(tuple(one.get(name, 0.0) for name in names) for one in self._times),
            walls_ms=tuple(self._walls),
        )


def _counted(counters: Any) -> dict[str, float]:
    """Return milliseconds by layer, of those that were executed."""
    found: dict[str, float] = {}
    for one in counters:
        if one.status.name == "EXECUTED" and one.node_type not in NO_WORK:
            found[one.node_name] = found.get(one.node_name, 0.0) + one.real_time.total_seconds() * 1e3
    return found


def _claims(task: TaskProgram, compiled: Any) -> dict[str, frozenset[int]]:
    """Return the nodes of each layer by the layer's name."""
    if find_onnx(task.exported) is not None:
        return {}
    with _decomposed() as programs:
        model = convert(task)
    if not programs:
        return {}
    marks = {node.name: node_marks(node) for node in programs[-1].graph.nodes}
    source = {
        one.get_friendly_name(): SourceValue(
            nodes=marks.get(one.get_friendly_name().partition("/")[0], frozenset()),
            reads=tuple(given.get_source_output().get_node().get_friendly_name() for given in one.inputs()),
        )
        for one in model.get_ordered_ops()
        if one.get_type_name() not in ("Parameter", "Constant", "Result")
    }
    layers = compiled.get_runtime_model().get_ordered_ops()
    executed = [
        Executed(
            writes=tuple(dict.fromkeys((one.get_friendly_name(), *_originals(one)))),
            reads=tuple(given.get_source_output().get_node().get_friendly_name() for given in one.inputs()),
        )
        for one in layers
    ]
    claims = claims_by_dataflow(executed, source)
    return {one.get_friendly_name(): claim for one, claim in zip(layers, claims, strict=True)}


def _originals(layer: Any) -> tuple[str, ...]:
    text = str(layer.get_rt_info()["originalLayersNames"].astype(str))
    return tuple(filter(None, text.split(",")))


@contextmanager
def _decomposed() -> Iterator[list[ExportedProgram]]:
    """Return a list that gets the programs that the converter decomposes inside the block."""
    found: list[ExportedProgram] = []
    decompose = ExportedProgram.run_decompositions

    def run(program: ExportedProgram, *arguments: Any, **keywords: Any) -> ExportedProgram:
        found.append(decompose(program, *arguments, **keywords))
        return found[-1]

    with patch.object(ExportedProgram, "run_decompositions", run):
        yield found
