"""A compiler's forms of each task, as files for a person to read; only ``ablatrix rerun --dump`` asks for them.

    DIR/index.json  what was compiled, which task of the plan is of which kind, which file is what, what is missing
    DIR/task-0/     the files of the tasks of kind 0

Each file is written as soon as the compiler has it, and the index with it, so that a failure leaves what was
written before it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ablatrix.errors import TrialError

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import CompileRequest, PhaseClock
    from ablatrix.workloads.program import TaskProgram

INDEX = "index.json"
Stage = Literal["given", "before", "after", "code"]
STAGES: Mapping[str, str] = {
    "given": "the task as ablatrix hands it to every compiler",
    "before": "the task as the compiler has it before it optimises",
    "after": "the task as it is when the compiler has optimised",
    "code": "what runs, as near to the machine as the compiler shows it",
}
EXPECTED = ("before", "after")


def claim_directory(directory: Path) -> None:
    """Make the directory of a dump.

    Raises:
        TrialError: It cannot be made, or holds something.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        empty = not any(directory.iterdir())
    except OSError as error:
        raise TrialError(f"{directory}: cannot hold a dump: {error.strerror}; name a new directory") from None
    if not empty:
        raise TrialError(f"{directory} is not empty; a dump goes into an empty or new directory")


def start_dump(request: CompileRequest, compiler: str) -> None:
    """Write the index of what is asked for, and each distinct task as it is handed to the compiler."""
    assert request.dump is not None
    assert request.graph is not None
    nodes = request.graph.nodes
    index = {
        "workload": request.program.facts.name,
        "parameters": dict(request.program.facts.parameters),
        "compiler": compiler,
        "knobs": dict(request.knobs),
        "threads": request.threads,
        "stages": dict(STAGES),
        "tasks": [
            {
                "task": position,
                "directory": _name(task.kind),
                "region": nodes[task.start].region,
                "operations": task.stop - task.start,
            }
            for position, task in enumerate(request.plan.tasks)
        ],
        "files": [],
        "missing": [],
    }
    _write(request.dump, index)
    for one in request.tasks:
        dump = TaskDump.of(request, one)
        dump.text("given", "program.txt", "The exported program of the task.", one.exported.__str__)


def finish_dump(directory: Path, trial: str, ending: str) -> None:
    """Complete the index, if compiling began at all.

    Args:
        directory: Of the dump.
        trial: Id of the trial.
        ending: How it ended: the reason for missing stages of a task, where the compiler gave none.
    """
    if not (directory / INDEX).exists():
        return
    with _changed(directory) as index:
        index["trial"] = trial
        covered = {(one["directory"], one["stage"]) for one in (*index["files"], *index["missing"])}
        for name in dict.fromkeys(task["directory"] for task in index["tasks"]):
            for stage in EXPECTED:
                if (name, stage) not in covered:
                    index["missing"].append({"directory": name, "stage": stage, "why": ending})


@dataclass(frozen=True)
class TaskDump:
    """Where the files of one task go; without a directory it ignores what it is given.

    Attributes:
        directory: Of the whole dump, None when none is asked for.
        kind: The task's.
        clock: What is written counts to no phase.
    """

    directory: Path | None
    kind: int
    clock: PhaseClock

    @classmethod
    def of(cls, request: CompileRequest, task: TaskProgram) -> TaskDump:
        """Return the dump of one task of a request."""
        return cls(request.dump, task.kind, request.clock)

    def text(self, stage: Stage, name: str, what: str, make: Callable[[], str]) -> None:
        """Write a text, which is made only if a dump is asked for."""
        self.file(stage, name, what, lambda path: path.write_text(make(), encoding="utf-8"))

    def file(self, stage: Stage, name: str, what: str, write: Callable[[Path], object]) -> None:
        """Have a file written.

        Args:
            stage: One of ``STAGES``.
            name: Of the file.
            what: A sentence on what is in it.
            write: Writes it to the path that it gets. Where it fails, the index says so, and compiling goes on.
        """
        if self.directory is None:
            return
        with self.clock.uncounted("dump"):
            (self.directory / _name(self.kind)).mkdir(exist_ok=True)
            try:
                write(self.directory / _name(self.kind) / name)
            except Exception as error:  # whatever a compiler's printer raises
                self.lacks(stage, f"{name} cannot be written: {type(error).__name__}: {error}")
                return
            self._add("files", {"file": f"{_name(self.kind)}/{name}", "stage": stage, "what": what})

    def folder(self, name: str) -> Path | None:
        """Return a new directory among the task's files, for a program's own; None when no dump is asked for."""
        if self.directory is None:
            return None
        folder = self.directory / _name(self.kind) / name
        folder.mkdir(parents=True)
        return folder.resolve()

    def collect(self, name: str, stage: Stage, what: str) -> None:
        """Put whatever was written into a ``folder`` into the index."""
        if self.directory is not None:
            for path in sorted((self.directory / _name(self.kind) / name).rglob("*")):
                if path.is_file():
                    file = path.relative_to(self.directory).as_posix()
                    self._add("files", {"file": file, "stage": stage, "what": what})

    def lacks(self, stage: Stage, why: str) -> None:
        """Record why a stage has no files."""
        if self.directory is not None:
            self._add("missing", {"stage": stage, "why": why})

    def _add(self, what: str, entry: Mapping[str, str]) -> None:
        assert self.directory is not None
        with _changed(self.directory) as index:
            index[what].append({"directory": _name(self.kind), **entry})


def _name(kind: int) -> str:
    return f"task-{kind}"


@contextmanager
def _changed(directory: Path) -> Iterator[dict[str, Any]]:
    index = json.loads((directory / INDEX).read_text(encoding="utf-8"))
    yield index
    _write(directory, index)


def _write(directory: Path, index: Mapping[str, Any]) -> None:
    (directory / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
