"""The only package that works on ``torch.fx`` and the internals of an ``ExportedProgram``.

``take`` makes a program a pure function of tensors, and lowers it to what is captured, partitioned and
compiled; ``capture`` turns it into the planner's plain values; ``export_tasks`` turns the planner's tasks back into
exported programs; ``value_tensors`` returns the weights by value; ``read_flat`` and ``export_flat`` lead to plain
operations on named values and back, for what takes programs apart. Everything else in ablatrix sees plain values and
whole programs.
"""

from ablatrix.workloads.capture.flat import (
    FlatGraph,
    FlatModule,
    Leaf,
    Operation,
    Ref,
    export_flat,
    is_part_of,
    read_flat,
)
from ablatrix.workloads.capture.graph import capture, capture_nodes, input_values, makes_tensors, value_tensors
from ablatrix.workloads.capture.lowering import lower, take
from ablatrix.workloads.capture.tasks import export_tasks

__all__ = [
    "FlatGraph",
    "FlatModule",
    "Leaf",
    "Operation",
    "Ref",
    "capture",
    "capture_nodes",
    "export_flat",
    "export_tasks",
    "input_values",
    "is_part_of",
    "lower",
    "makes_tensors",
    "read_flat",
    "take",
    "value_tensors",
]
