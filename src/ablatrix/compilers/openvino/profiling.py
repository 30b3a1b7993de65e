"""Time by layer from OpenVINO's performance counters, and which nodes of a task each layer computes.

Layers keep the name of the last operation that they compute, and operations of a converted model begin with the name of
the node of torch's program that they come from.

A counter is the mean over all runs so far, the first ones included, in whole microseconds; below one a layer counts as
not run. So layers are those of the compiled model, a layer's time is its mean behind the first runs, and each run has
its part of that by how long the whole run took.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
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
FIRST = 4
"""Runs at the beginning, which compile and touch memory for the first time."""


class OpenVinoProfiler:
    """A task as a model that counts.

    Args:
        task: Its nodes are marked.
        loaded: The task, loaded with performance counters.
        mapped: Whether layers are mapped to nodes.
    """

    def __init__(self, task: TaskProgram, loaded: OpenVinoTask, *, mapped: bool) -> None:
        self._loaded = loaded
        self._claims = _claims(task, loaded.model) if mapped else {}
        self._request: Any = None
        self._first: dict[str, float] = {}
        self._walls: list[float] = []

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call whose layers are counted."""
        call = self._loaded.bind(inputs, outputs)
        self._request = call.args[0]  # type: ignore[attr-defined]

        def run() -> None:
            since = perf_counter_ns()
            call()
            self._walls.append((perf_counter_ns() - since) / 1e6)
            if len(self._walls) == FIRST:
                self._first = _counted(self._request.get_profiling_info())

        return run

    def begin(self) -> None:
        """Nothing is to be done."""

    def end(self) -> None:
        """Nothing is to be done."""

    def read(self) -> KernelTimes:
        """Return the times of all calls."""
        counted = _counted(self._request.get_profiling_info())
        names = _layers(self._loaded.model)
        means = means_behind(
            [counted.get(one, 0.0) for one in names], [self._first.get(one, 0.0) for one in names], len(self._walls)
        )
        mean_wall = math.fsum(self._walls[FIRST:] or self._walls) / len(self._walls[FIRST:] or self._walls)
        return KernelTimes(
            kernels=tuple(
                ProfiledKernel(name=name, nodes=tuple(sorted(self._claims.get(name, frozenset())))) for name in names
            ),
            times_ms=tuple(tuple(mean * wall / mean_wall for mean in means) for wall in self._walls),
            walls_ms=tuple(self._walls),
        )


def means_behind(means: Sequence[float], first: Sequence[float], runs: int) -> list[float]:
    """Return the means of the runs behind the first ones.

    Args:
        means: Means over all runs.
        first: Those over the first ones.
        runs: How many there are.
    """
    if runs <= FIRST:
        return list(means)
    return [max(runs * one - FIRST * other, 0.0) / (runs - FIRST) for one, other in zip(means, first, strict=True)]


def _layers(compiled: Any) -> list[str]:
    """Return the names of what a run executes, in order."""
    every = compiled.get_runtime_model().get_ordered_ops()
    work = (one for one in every if one.get_rt_info()["layerType"].astype(str) not in NO_WORK)
    return list(dict.fromkeys(one.get_friendly_name() for one in work))


def _counted(counters: Any) -> dict[str, float]:
    """Return mean milliseconds by layer."""
    found: dict[str, float] = {}
    for one in counters:
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
