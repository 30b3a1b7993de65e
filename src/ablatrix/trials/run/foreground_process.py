"""A trial that is repeated in this process; ``python -m`` with this module follows an order from a file.

The arguments are the file of the order and that of the answer.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path

from ablatrix.errors import AblatrixError
from ablatrix.trials.fork_server import import_compiler
from ablatrix.trials.host import die_with_parent, set_limits
from ablatrix.trials.messages import RERUN_ORDER, RerunAnswer, RerunOrder, TrialResult, TrialTask, decode, encode
from ablatrix.trials.run.type_probe import missing_type
from ablatrix.workloads.numeric_types import narrow_types


def main(order: str, answer: str) -> None:
    """Follow the order and write the answer."""
    die_with_parent()
    Path(answer).write_bytes(encode(_answer(decode(Path(order).read_bytes(), RERUN_ORDER))))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of a compiler may keep an interpreter from ending


def _answer(order: RerunOrder) -> RerunAnswer:
    try:
        return RerunAnswer(result=repeat_trial(order))
    except AblatrixError as error:
        return RerunAnswer(result=None, failure=str(error))


def repeat_trial(order: RerunOrder) -> TrialResult:
    """Prepare what a trial needs, and run it here.

    Raises:
        WorkloadError: The workload cannot be prepared.
    """
    from ablatrix.trials.worker import prepare_program, run_here
    from ablatrix.workloads.prepare import load_program

    program = prepare_program(order.prepare) if order.program is None else load_program(order.program)
    compiler, task = import_compiler(order.trial.entry), order.trial
    set_limits(None, list(task.cpus or ()))
    task = replace(task, missing_type=task.missing_type or _missing_type(task, program.facts.dtype))
    return run_here(task, compiler, program, order.protocol, _debugger if order.debug else None, order.dump)


def _missing_type(task: TrialTask, dtype: str | None) -> str:
    """Return why the compiler cannot take the program, whose type it does not have; empty where it can."""
    types = narrow_types(dtype) if task.knobs else ()
    return next(filter(None, (missing_type(task.entry, one, task.device) for one in types)), "")


def _debugger(error: BaseException) -> None:
    import pdb

    traceback.print_exception(error)
    pdb.post_mortem(error.__traceback__)


if __name__ == "__main__":
    main(*sys.argv[1:])
