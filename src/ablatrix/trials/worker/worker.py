"""The worker's side of its channel: stages as they begin, answers to requests, and a result, whatever happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ablatrix.compilers.adapter import Compiler, PhaseClock
from ablatrix.trials.host import ProcessProbe, describe_exception, set_limits
from ablatrix.trials.messages import (
    REQUEST,
    Answer,
    AnyTask,
    Channel,
    ChannelClosed,
    PassTask,
    PlainTask,
    PrepareTask,
    ProcessNoise,
    ProfileTask,
    Request,
    StageBegun,
    TrialResult,
    TrialTask,
)
from ablatrix.trials.worker.execution import run_trial
from ablatrix.trials.worker.pass_observation import report_passes
from ablatrix.trials.worker.plain import use_plainly
from ablatrix.trials.worker.profiling import profile_trial

if TYPE_CHECKING:
    from ablatrix.workloads.program import Program

Load = Callable[[], "tuple[Compiler | None, Program | None]"]


class Line:
    """The worker's end of its channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, message: StageBegun | Answer) -> None:
        """Send a message to the runner.

        Raises:
            ChannelClosed: The runner is gone.
        """
        self._channel.send(message)

    def receive(self) -> Request:
        """Return the runner's next request.

        Raises:
            ChannelClosed: The runner is gone.
        """
        return self._channel.receive(REQUEST)[0]


def work(channel: Channel, task: AnyTask, load: Load) -> None:
    """Do a task and report on the channel: stages as they begin, ``Ready`` and bursts if hot, then a result.

    Args:
        channel: To the runner.
        task: What to do.
        load: Returns the compiler and the program: at once in a fork, after importing and reading in a new
            interpreter. Its time belongs to no phase.
    """
    line = Line(channel)
    before = ProcessProbe.read()
    cpus: tuple[int, ...] | None = None
    result = TrialResult()
    stage: str | None = "load"
    try:
        cpus = tuple(set_limits(task.memory_limit_mb, None if isinstance(task, PrepareTask) else task.cpus))
        if isinstance(task, TrialTask):
            line.send(StageBegun(stage="load"))
            compiler, program = load()
            stage = None
            assert compiler is not None
            assert program is not None
            clock = PhaseClock(on_enter=lambda begun: line.send(StageBegun(stage=begun)))
            result = run_trial(line, task, compiler, program, clock, on_error=lambda error: None)
        elif isinstance(task, ProfileTask | PassTask):
            line.send(StageBegun(stage="load"))
            compiler, program = load()
            assert compiler is not None
            assert program is not None
            clock = PhaseClock(on_enter=lambda begun: line.send(StageBegun(stage=begun)))
            if isinstance(task, ProfileTask):
                result = profile_trial(line, task, compiler, program, clock)
            else:
                result = report_passes(line, task.trial, compiler, program, clock)
        elif isinstance(task, PlainTask):
            _, program = load()
            stage = None
            clock = PhaseClock(on_enter=lambda begun: line.send(StageBegun(stage=begun)))
            result = use_plainly(task, program, clock)
        else:
            stage = None
            from ablatrix.workloads.prepare import save_program  # torch loads here

            save_program(prepare_program(task), task.directory)
    except ChannelClosed:
        return
    except BaseException as error:
        status, failure = describe_exception(error, stage)
        result = TrialResult(status=status, error=failure)
    noise = ProcessNoise(**asdict(before.until(ProcessProbe.read())))
    channel.send(replace(result, cpus=cpus, noise=noise))


def prepare_program(task: PrepareTask) -> Program:
    """Build, export and check a workload in this process.

    Raises:
        WorkloadError: It cannot be built or exported.
    """
    import torch

    from ablatrix.workloads.prepare import prepare

    torch.set_num_threads(task.threads)
    return prepare(task.entry, task.parameters, input_sets=task.input_sets, seed=task.seed, largest=task.largest)
