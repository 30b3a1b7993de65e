"""Blocks of two configurations: trials of both and of a twin of the first, and a profile of each one's process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ablatrix.compilers.profiling import KernelProfile
from ablatrix.errors import TrialError
from ablatrix.explain.configuration import Side
from ablatrix.records.machine import cores_allowed
from ablatrix.study.design import Cell, Trial
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client import Servers, WorkloadServer
from ablatrix.trials.client import Side as Server
from ablatrix.trials.host import place_runs
from ablatrix.trials.messages import Interrupt
from ablatrix.trials.results import Outcome, ResultDirectory
from ablatrix.trials.run import (
    BlockInput,
    PairedProfiles,
    Preparation,
    look_at_kernels,
    run_filled,
    run_profiled,
)
from ablatrix.trials.slots import measuring_here

Notice = Callable[[str], None]
Notify = Callable[[Trial | None, str], None]
A, B, TWIN, OTHER_TWIN = "a", "b", "twin", "other-twin"
"""What the trials of a block are called."""
FILL_S = 3.0
"""Rounds go on for so long, as `run_filled` bounds it: about what the processes of a block take to start."""


def name_of(trial: Trial) -> str:
    """Return what a trial is called in its block."""
    return trial.trial_id.rpartition("-")[0]


class Bench:
    """Fork servers and a prepared program, on which configurations of one workload are measured.

    Args:
        resolved: A study that has the workload.
        directory: An empty directory.
        servers: Of the study.
        interrupt: Says when to stop.
        notice: Called with what is being done.
    """

    def __init__(
        self, resolved: ResolvedStudy, directory: Path, servers: Servers, interrupt: Interrupt, notice: Notice
    ) -> None:
        self._resolved, self._servers, self._interrupt = resolved, servers, interrupt
        self._results, self._scratch = ResultDirectory(directory), directory / "scratch"
        self._hot = directory
        self._notice, self._number, self._mapped = notice, 0, False
        self.threads, self._cpus = place_runs(resolved.study.protocol.threads, resolved.study.protocol.cpus)

    def prepare(self, cell: Cell) -> None:
        """Prepare the workload.

        Raises:
            TrialError: It cannot be prepared.
        """
        self._notice("preparing the workload: build, export, oracle")
        self._results.work.mkdir(parents=True, exist_ok=True)
        preparation = Preparation(self._resolved, self._results, self._servers, self._scratch, self.threads)
        preparation.make(cell)
        failure = preparation.failure(cell)
        if failure is not None:
            raise TrialError(f"workload '{cell.workload}' could not be prepared: {failure[1].message}")
        self._program = self._results.program(self._resolved, cell)

    def block(self, a: Side, b: Side) -> PairedProfiles:
        """Measure a block of two configurations: trials of both and of a twin of the first, each with a profile.

        In the first block kernels are mapped to nodes; in others they are the same.

        Args:
            a: The first.
            b: The second.

        Raises:
            TrialError: A fork server failed.
            Interrupted: The user asked to stop.
        """
        block, notice = self._next([(a, A), (b, B), (a, TWIN)])
        found = run_profiled(
            block,
            self._server_of_block,
            notice,
            mapped=not self._mapped,
            fill_s=FILL_S,
            undisturbed=self._servers.quiet,
        )
        self._mapped = True
        self._interrupt.check()
        return found

    def trials(self, a: Side, b: Side) -> list[Outcome]:
        """Measure a block of trials of two configurations and of a twin of each, without profiles.

        Args:
            a: The first.
            b: The second.

        Raises:
            TrialError: A fork server failed.
            Interrupted: The user asked to stop.
        """
        block, notice = self._next([(a, A), (b, B), (a, TWIN), (b, OTHER_TWIN)])
        found = run_filled(block, self._server_of_block, notice, fill_s=FILL_S, undisturbed=self._servers.quiet)
        self._interrupt.check()
        return found

    def look(self, side: Side) -> KernelProfile:
        """Return a profile without times: the kernels that a configuration calls, and the digest of its code.

        Raises:
            TrialError: It does not compile, or has no profile.
        """
        self._notice(f"looking at the kernels of {side.configuration.compiler}")
        return look_at_kernels(self._input([(_trial(self._number, "look"), side.cell)], side), self._server)

    def _next(self, named: Sequence[tuple[Side, str]]) -> tuple[BlockInput, Notify]:
        """Return the next block, whose trials are built in turn from both ends, and who tells of it.

        It has fork servers of its own: where these and what they load lie in memory makes configurations differ by a
        percent or two, in every process that they fork. Those of the block behind it start beside it where a core is
        free, and are stopped while it is timed.
        """
        number, self._number = self._number, self._number + 1
        keys = list(dict.fromkeys((Server(side.cell.compiler), self._program) for side, _ in named))
        self._of_block = self._servers.get_new(keys)
        if cores_allowed() > self.threads:
            self._servers.anticipate(keys)
        pairs = [(_trial(number, name), side.cell) for side, name in (named if number % 2 == 0 else named[::-1])]

        def notice(trial: Trial | None, what: str) -> None:
            if trial is not None:
                self._notice(f"block {number + 1}, {name_of(trial)}: {what}")

        return self._input(pairs, *(side for side, _ in named[:2])), notice

    def _input(self, pairs: Sequence[tuple[Trial, Cell]], *sides: Side) -> BlockInput:
        return BlockInput(
            study=sides[0].resolved.study,
            catalogue=sides[0].resolved.catalogue,
            trials=tuple(pairs),
            threads=self.threads,
            cpus=tuple(self._cpus),
            hot_cache=self._hot / "hot",
            tag_caches=self._hot / "tags",
            scratch=self._scratch,
            entries={one.cell.cell_id: one.entry for one in sides},
        )

    def _server_of_block(self, cell: Cell) -> WorkloadServer:
        return self._of_block[Server(cell.compiler), self._program]

    def _server(self, cell: Cell) -> WorkloadServer:
        return self._servers.get(Server(cell.compiler), self._program)


@contextmanager
def open_bench(sides: tuple[Side, Side], notice: Notice, work_dir: Path | None = None) -> Iterator[Bench]:
    """Return a bench for two configurations; further ones of the same compilers may be measured on it.

    Args:
        sides: The configurations.
        notice: Called with what is being done.
        work_dir: An empty directory; a temporary one by default.

    Raises:
        TrialError: The workload cannot be prepared, or a slot of a cluster measures on this host.
    """
    a, b = sides
    resolved = ResolvedStudy(
        a.resolved.study, a.resolved.catalogue.holding(compilers={b.cell.compiler: b.entry, a.cell.compiler: a.entry})
    )
    with ExitStack() as stack:
        stack.enter_context(measuring_here(notice))
        directory = work_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablatrix-explain-")))
        interrupt = stack.enter_context(Interrupt())
        servers = stack.enter_context(Servers(resolved, directory, interrupt))
        bench = Bench(resolved, directory, servers, interrupt, notice)
        bench.prepare(a.cell)
        yield bench


def _trial(number: int, name: str) -> Trial:
    return Trial(
        trial_id=f"{name}-{number}",
        cell_id="",
        block_id=f"explain-{number}",
        block=number,
        replicate=number,
        position=number,
        mode="hot",
        role="twin" if name in (TWIN, OTHER_TWIN) else "measured",
    )
