"""A prepared workload: exported program, inputs and float64 reference outputs, made once and kept on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

    from ablatrix.records.model import WorkloadFacts
    from ablatrix.workloads.allowance import Allowance
    from ablatrix.workloads.generation import Generation


@dataclass(frozen=True)
class InputSet:
    """One set of inputs and the outputs that are expected for them.

    Attributes:
        seed: Seed of the inputs.
        sizes: Size of each dynamic dimension in this input set, by name (empty for a static program).
        inputs: Flat positional inputs, contiguous, on the device.
        expected: Oracle outputs, float64 or complex128 (integers and booleans keep their dtype), flat, in order.
        allowances: How far from the oracle each output may be.
    """

    seed: int
    sizes: Mapping[str, int]
    inputs: tuple[torch.Tensor, ...]
    expected: tuple[torch.Tensor, ...]
    allowances: tuple[Allowance, ...]


@dataclass(frozen=True)
class Program:
    """A workload that is ready to be planned, compiled and checked.

    Attributes:
        facts: The record's part about the workload: name, tier, parameters, inputs, dynamic dimensions, digest.
        exported: As ``torch.export`` returned it, made a pure function of tensors (see ``capture.functional``); this is
            what the eager reference runs.
        lowered: The same program decomposed to core ATen, constants folded, dead code removed; parameters and
            constants lifted to placeholders. This is what is captured, partitioned and given to compilers.
        input_sets: The input sets; ``input_sets[0]`` is the one that is timed.
        dynamic_bounds: Upper bound of each dynamic dimension by its *symbol's* name in ``lowered`` (``s27``).
        symbol_names: Symbol's name -> the dimension's name as the workload calls it (``s27`` -> ``tokens``).
        float_distance: Root mean square difference of the outputs from those of the model before it was quantised, both
            in float64, relative to these; None where it is not quantised.
        generation: Of a decode step: the text that it should generate.
        modules: Modules and files that register operators of it: they are imported before it is read.
    """

    facts: WorkloadFacts
    exported: ExportedProgram
    lowered: ExportedProgram
    input_sets: tuple[InputSet, ...]
    dynamic_bounds: Mapping[str, int] = field(default_factory=dict)
    symbol_names: Mapping[str, str] = field(default_factory=dict)
    float_distance: float | None = None
    generation: Generation | None = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskProgram:
    """One distinct task, exported by itself: what a compiler compiles.

    Attributes:
        kind: Index among the plan's distinct tasks.
        fingerprint: The task's structural fingerprint (see ``plan.Task``).
        exported: Takes the task's ``reads`` as flat positional inputs, and returns the tuple of its ``writes``. With
            weights as inputs (knob ``weights``) parameters are among these inputs and nothing is baked in; with
            constant weights they are the program's own state, and the inputs are the other reads. Dynamic dimensions
            are passed on.
        upper_bounds: Upper bound of each symbol that occurs in this program, by the symbol's name here.
        parameter_inputs: Positions of inputs that are weights or constants: the same tensors in every run.
    """

    kind: int
    fingerprint: str
    exported: ExportedProgram
    upper_bounds: Mapping[str, int]
    parameter_inputs: tuple[int, ...]
