"""A compiler's own plain use on a workload: what its users write, on the model itself, and our check of its outputs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import PhaseClock
from ablatrix.compilers.plain_use import PLAIN_USE
from ablatrix.records.model import Failure
from ablatrix.records.status import Status
from ablatrix.trials.host import describe_exception
from ablatrix.trials.messages import ChannelClosed, PlainTask, TrialResult
from ablatrix.trials.worker.check import Comparison
from ablatrix.trials.worker.private_caches import caches_below

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.plain_use import Bind
    from ablatrix.workloads.program import InputSet, Program

CLOSE = {"rtol": 1e-3, "atol": 1e-4}
"""Of float32 outputs to eager's, where there is no program and so no oracle that says how close they have to be."""


def use_plainly(task: PlainTask, program: Program | None, clock: PhaseClock) -> TrialResult:
    """Compile the model of a workload as users of the compiler do, run it on every input set and check the outputs.

    Args:
        task: What to do.
        program: The workload as prepared, for its inputs and the oracle's outputs; None where it could not be.
        clock: Says in which stage an error occurred.

    Raises:
        ChannelClosed: The runner is gone.
    """
    try:
        return _used(task, program, clock)
    except ChannelClosed:
        raise
    except BaseException as error:  # whatever a model or a compiler raises
        status, failure = describe_exception(error, clock.current)
        return TrialResult(status=status, error=failure)


def _used(task: PlainTask, program: Program | None, clock: PhaseClock) -> TrialResult:
    import torch

    from ablatrix.workloads.inputs.replacing import with_inputs
    from ablatrix.workloads.parameters import build_workload

    wanted = task.workload
    torch.manual_seed(wanted.seed)
    torch.set_num_threads(wanted.threads)
    wanted.directory.mkdir(parents=True)
    with torch.no_grad(), caches_below(wanted.directory):
        with clock.phase("load"):
            built = with_inputs(wanted.entry.name, build_workload(wanted.entry, wanted.parameters), wanted.entry.inputs)
            inputs = built.own_inputs or built.make_inputs(wanted.seed, built.timed_sizes)
        with clock.phase("compile"):
            bind = PLAIN_USE[task.compiler](built.module, inputs, wanted.directory, wanted.threads)
        if program is None:
            with clock.phase("run"):
                _compare_with_eager(built.module, inputs, bind)
            return TrialResult()
        return _checked(task, program.input_sets, len(built.input_names), bind, clock)


def _checked(task: PlainTask, input_sets: Sequence[InputSet], count: int, bind: Bind, clock: PhaseClock) -> TrialResult:
    """Return how the outputs compare with the oracle's.

    Args:
        task: Has the tolerance.
        input_sets: Of the program; those of other sizes than the first are left out, since nobody said that there are.
        count: Number of the model's own inputs: behind them come buffers that it writes to, and behind its own outputs
            what it wrote.
        bind: Binds the compiled model to inputs.
        clock: Says in which stage an error occurred.
    """
    shapes = [tuple(one.shape) for one in input_sets[0].inputs]
    alike = [one for one in input_sets if [tuple(each.shape) for each in one.inputs] == shapes]
    comparison = Comparison(rms_factor=task.checks.rms_factor, rms_floor=task.checks.rms_floor, input_sets=len(alike))
    for index, one in enumerate(alike):
        with clock.phase("run"):
            outputs = bind(one.inputs[:count]).outputs()
        own = len(one.expected) - (len(one.inputs) - count)
        kept = dataclasses.replace(one, expected=one.expected[:own], allowances=one.allowances[:own])
        with clock.phase("check"):
            narrowed = [_as_wide(*pair) for pair in zip(outputs, kept.expected, strict=False)]
            comparison.compare([*narrowed, *outputs[len(narrowed) :]], kept, f"input set {index}")
    facts = comparison.facts("")
    if facts.ok or (facts.ok is None and facts.ill_conditioned and not facts.missing):
        return TrialResult(correctness=facts)
    status = Status.MISSING_CHECK if facts.missing else Status.WRONG_OUTPUT
    error = Failure(type=status, message=facts.note or status, phase="check")
    return TrialResult(status=status, correctness=facts, error=error)


def _as_wide(output: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Return whole numbers in the type of the oracle's: JAX has 32 bits unless it is told otherwise."""
    whole = not (output.is_floating_point() or output.is_complex() or expected.is_floating_point())
    return output.to(expected.dtype) if whole and not expected.is_complex() else output


def _compare_with_eager(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], bind: Bind) -> None:
    """Compare with eager alone, since a model that cannot be exported has no oracle.

    Raises:
        AssertionError: An output differs.
    """
    import torch
    from torch.utils import _pytree as pytree

    wanted = [one for one in pytree.tree_leaves(module(*inputs)) if isinstance(one, torch.Tensor)]
    for one, other in zip(bind(inputs).outputs(), wanted, strict=True):
        torch.testing.assert_close(one, other, check_dtype=False, **CLOSE)
