"""Time by kernel: what a compiler's own profile says of a run, and which nodes of our graph each kernel computes."""

from ablatrix.compilers.profiling.claims import Executed, SourceValue, claims_by_dataflow
from ablatrix.compilers.profiling.kernels import KernelProfile, KernelTimes, ProfiledKernel, TaskProfiler
from ablatrix.compilers.profiling.marks import TaskGraph, mark_nodes, marked, marks_in

__all__ = [
    "Executed",
    "KernelProfile",
    "KernelTimes",
    "ProfiledKernel",
    "SourceValue",
    "TaskGraph",
    "TaskProfiler",
    "claims_by_dataflow",
    "mark_nodes",
    "marked",
    "marks_in",
]
