"""What a program compiled, loaded in its process: inputs go there once, and it times its own iterations."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

import torch

from ablatrix.compilers.adapter import CompileFacts, CompileRequest
from ablatrix.compilers.command.handover import read_tensor, write_tensor
from ablatrix.compilers.command.replies import doubt_times, read_times
from ablatrix.compilers.tasks import Tensor, read_sizes
from ablatrix.errors import CompilerError
from ablatrix.workloads.capture import value_tensors

if TYPE_CHECKING:
    from ablatrix.compilers.built_task import BuiltTask
    from ablatrix.compilers.command.session import Session


class CommandExecutable:
    """A program that has loaded what it compiled."""

    def __init__(self, request: CompileRequest, session: Session, form: str, facts: CompileFacts) -> None:
        assert request.graph is not None
        self.facts = facts
        self.session = session
        self.form = form
        self.threads = request.threads
        self.work_dir = request.work_dir
        self.process = Path(f"/proc/{session.pid}")
        self.claimed_ms = self.cpu_ms = 0.0
        self.requests = 0
        graph, (task,) = request.graph, request.plan.tasks
        self._reads = task.reads
        self._inputs = [index for index, value in enumerate(graph.values) if value.kind == "input"]
        self._names = dict(zip(self._inputs, (one.name for one in request.program.facts.inputs), strict=True))
        self._types = [Tensor.from_signature(graph.values[value].signature) for value in self._inputs]
        self._bounds = dict(request.tasks[0].upper_bounds)
        self._parameters = value_tensors(request.program.lowered, graph)
        self._outputs = graph.outputs
        self._writes = task.writes
        self._made = [Tensor.from_signature(graph.values[value].signature) for value in task.writes]
        self._numbers = itertools.count()

    def load(self, built: BuiltTask, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Have the program load an artifact with its parameters, and return its answer.

        Args:
            built: The artifact.
            configuration: ``knobs``, and ``settings`` where the program has some.
        """
        parameters = [
            {
                "name": f"input_{index}",
                **write_tensor(self._parameters[value], self.work_dir / f"input_{index}", self.form),
            }
            for index, value in enumerate(self._reads)
            if value in self._parameters
        ]
        return self.session.ask(
            {
                "do": "load",
                "artifact": str(built.file),
                **configuration,
                "threads": self.threads,
                "parameters": parameters,
            }
        )

    def bind(self, inputs: Sequence[torch.Tensor]) -> CommandRun:
        """Hand one set of inputs to the program.

        Raises:
            CompilerError: They do not fit the workload, or a size is beyond its upper bound.
        """
        sizes = read_sizes(self._types, inputs, self._bounds)
        number = next(self._numbers)
        directory = Path(tempfile.mkdtemp(prefix=f"set-{number}-", dir=self.work_dir))
        tensors = dict(zip(self._inputs, inputs, strict=True))
        written = [
            {
                "name": f"input_{index}",
                "input": self._names[value],
                **write_tensor(tensors[value], directory / f"input_{index}", self.form),
            }
            for index, value in enumerate(self._reads)
            if value in tensors
        ]
        outputs = [
            {
                "output": self._outputs.index(value),
                "dtype": str(one.dtype).removeprefix("torch."),
                "shape": one.shape_at(sizes),
            }
            for value, one in zip(self._writes, self._made, strict=True)
        ]
        self.session.ask({"do": "bind", "set": number, "inputs": written, "outputs": outputs})
        return CommandRun(self, number, directory, tensors)

    def arrange(self, made: Sequence[torch.Tensor], inputs: Mapping[int, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return the workload's outputs from what the task wrote; an output may be an unchanged input or parameter."""
        if len(made) != len(self._writes):
            return tuple(made)  # the check reports that some are missing
        whole = {**self._parameters, **inputs, **dict(zip(self._writes, made, strict=True))}
        return tuple(whole[value] for value in self._outputs)


class CommandRun:
    """One set of inputs that the program holds."""

    timed_by: Literal["program"] = "program"

    def __init__(
        self, executable: CommandExecutable, number: int, directory: Path, inputs: Mapping[int, torch.Tensor]
    ) -> None:
        self._executable, self._number, self._directory, self._inputs = executable, number, directory, inputs
        self._held: tuple[torch.Tensor, ...] | None = None

    def run(self) -> None:
        """Have the program run once."""
        self.time(1)

    def time(self, count: int) -> list[float]:
        """Have the program run ``count`` times and return the time that it reports for each run, in milliseconds.

        The pipe is crossed once for all of them, outside of what the program times.

        Raises:
            CompilerError: What it reports is impossible: too long for the request, or too short for the processor time.
        """
        own, session = self._executable, self._executable.session
        self._held = None
        used, since = _cpu_ms(session.pid), perf_counter()
        answer = session.ask({"do": "run", "set": self._number, "count": count})
        wall_ms = (perf_counter() - since) * 1e3
        times = read_times(answer, count, wall_ms, session.name)
        own.claimed_ms += sum(times)
        own.cpu_ms += _cpu_ms(session.pid) - used
        own.requests += 1
        doubt_times(own.claimed_ms, own.cpu_ms, own.requests, own.threads, session.name)
        return times

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Have the program write the outputs of the set's last run, and read them.

        Raises:
            CompilerError: What it wrote cannot be read.
        """
        if self._held is None:
            own, session = self._executable, self._executable.session
            answer = session.ask({"do": "check", "set": self._number, "directory": str(self._directory)})
            written = answer.get("outputs")
            if not isinstance(written, list):
                raise CompilerError(
                    f"{session.name}: 'check' must answer {{\"outputs\": [...]}}, got {str(answer)[:200]}"
                )
            made = [
                read_tensor(one, self._directory, own.form, f"{session.name}: output {index}")
                for index, one in enumerate(written)
            ]
            self._held = own.arrange(made, self._inputs)
        return self._held


def _cpu_ms(pid: int) -> float:
    """Return the processor time of another process so far; 0 once it is gone, which the next request finds.

    Its clock's number is made as ``clock_getcpuclockid`` does: the inverted process id, and 2 for scheduler time.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e6
    except OSError:
        return 0.0
