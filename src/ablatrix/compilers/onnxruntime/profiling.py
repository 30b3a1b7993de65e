"""Time by node from ONNX Runtime's own profile, and which nodes of a task each computes.

The optimised model keeps the names of values of the exported one; nodes of that one carry the marks of the task's nodes
among their metadata.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import onnx

from ablatrix.compilers.onnxruntime.build import export_model
from ablatrix.compilers.profiling import Executed, KernelTimes, ProfiledKernel, SourceValue, claims_by_dataflow
from ablatrix.compilers.profiling.marks import marks_in
from ablatrix.errors import CompilerError
from ablatrix.workloads.onnx.operation import find_onnx

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.built_task import BuiltTask
    from ablatrix.compilers.onnxruntime.compiler import OnnxRuntimeTask
    from ablatrix.workloads.program import TaskProgram

TIME = "_kernel_time"
RUN = "model_run"
STACK = "stack_trace"


class OnnxRuntimeProfiler:
    """A task in a session that writes a profile.

    Args:
        task: Its nodes are marked.
        built: Its optimised model.
        loaded: The task, in a session that profiles.
        mapped: Whether kernels are mapped to nodes of the task.
    """

    def __init__(self, task: TaskProgram, built: BuiltTask, loaded: OnnxRuntimeTask, *, mapped: bool) -> None:
        self._loaded = loaded
        self._kernels = _kernels(task, built.file) if mapped else {}
        self._walls: list[float] = []

    def bind(self, inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> Callable[[], None]:
        """Return a call that the session's profile reports."""
        call, walls = self._loaded.bind(inputs, outputs), self._walls

        def run() -> None:
            since = perf_counter_ns()
            call()
            walls.append((perf_counter_ns() - since) / 1e6)

        return run

    def begin(self) -> None:
        """Nothing is to be done: such a session always profiles."""

    def end(self) -> None:
        """Nothing is to be done."""

    def read(self) -> KernelTimes:
        """End the profile and return its times.

        Raises:
            CompilerError: It does not have every run.
        """
        file = Path(self._loaded.session.end_profiling())
        events = json.loads(file.read_text(encoding="utf-8"))
        file.unlink()
        runs = _runs(events)
        if len(runs) != len(self._walls):
            raise CompilerError(f"ONNX Runtime's profile has {len(runs)} runs of {len(self._walls)}")
        order = _order(runs)
        kernels = [replace(self._kernels.get(index, ProfiledKernel(name=name)), name=name) for index, name in order]
        return KernelTimes(
            kernels=tuple(kernels),
            times_ms=tuple(tuple(run.get(one, 0.0) for one in order) for run in runs),
            walls_ms=tuple(self._walls),
        )


def _runs(events: list[dict[str, Any]]) -> list[dict[tuple[int, str], float]]:
    """Return milliseconds by node for each run; what ran within a node (a branch) is in its time."""
    spans = sorted((one["ts"], one["ts"] + one["dur"]) for one in events if one["name"] == RUN)
    nodes = sorted(
        (one for one in events if one["cat"] == "Node" and one["name"].endswith(TIME)),
        key=lambda one: (one["ts"], -one["dur"]),
    )
    runs: list[dict[tuple[int, str], float]] = [{} for _ in spans]
    place, busy_until = 0, -1
    for one in nodes:
        while place < len(spans) and one["ts"] > spans[place][1]:
            place, busy_until = place + 1, -1
        if place == len(spans):
            break
        if one["ts"] + one["dur"] <= busy_until and one["dur"] > 0:  # within the node before it
            continue
        busy_until = one["ts"] + one["dur"]
        key = int(one["args"]["node_index"]), one["name"].removesuffix(TIME)
        runs[place][key] = runs[place].get(key, 0.0) + one["dur"] / 1e3
    return runs


def _order(runs: list[dict[tuple[int, str], float]]) -> list[tuple[int, str]]:
    return list(dict.fromkeys(key for run in runs for key in run))


def _kernels(task: TaskProgram, optimised: Path) -> dict[int, ProfiledKernel]:
    """Return what each node of the optimised model computes, by the node's index."""
    if find_onnx(task.exported) is not None:
        return {}
    source: dict[str, SourceValue] = {}
    for node in export_model(task).graph.node:
        marks = frozenset().union(
            *(marks_in(one.value) for one in node.metadata_props if one.key.endswith(STACK)), frozenset()
        )
        for name in node.output:
            source[name] = SourceValue(nodes=marks, reads=tuple(filter(None, node.input)))
    nodes = onnx.load(optimised, load_external_data=False).graph.node
    executed = [Executed(writes=tuple(one.output), reads=tuple(one.input)) for one in nodes]
    claims = claims_by_dataflow(executed, source)
    return {
        index: ProfiledKernel(name=one.name, nodes=tuple(sorted(claim)))
        for index, (one, claim) in enumerate(zip(nodes, claims, strict=True))
    }
