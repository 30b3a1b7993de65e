"""The fork servers of a run: one for each compiler and build of it, and under it one for each workload.

Each is started when it is first needed. Where a study asks for it, each hot block has fork servers of its own beside
them: workers that are forks inherit their server's address-space layout, and another server has another one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client.client import ForkServer, LoadingServer, WorkloadServer
from ablatrix.trials.client.sides import Side, Sides
from ablatrix.trials.messages import Interrupt

_log = logging.getLogger(__name__)

# torch then asks NVML whether there is a GPU. Asking CUDA would initialise it, and no fork could use it after that.
CUDA_ENVIRONMENT = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


KEPT_PROGRAMS = 2
"""Programs that stay loaded from one run to the next, for each of which there is a process."""
Loaded = tuple[Side, Path]
"""A side, and the directory of a prepared program."""


class BuildServerError(TrialError):
    """The fork server of a build does not start.

    Attributes:
        build: Its name.
    """

    def __init__(self, message: str, build: str) -> None:
        super().__init__(message)
        self.build = build


@dataclass
class _OwnServer:
    """A fork server of one hot block, with the program that the block needs; ``server`` once it is ready."""

    side: Side
    root: ForkServer
    loading: LoadingServer
    server: WorkloadServer | None = None

    def await_ready(self) -> WorkloadServer:
        if self.server is None:
            self.server = self.loading.finish()
        return self.server


class Servers:
    """Fork servers by side and program. Use as a context: leaving it ends them all."""

    def __init__(self, resolved: ResolvedStudy, logs: Path, interrupt: Interrupt, sides: Sides | None = None) -> None:
        self._logs = logs
        self._interrupt = interrupt
        study, catalogue = resolved
        self._sides = sides or Sides(catalogue=catalogue)
        self._first = study.compilers[0].name
        self._environment = CUDA_ENVIRONMENT if study.device == "cuda" else {}
        self._roots: dict[Side, ForkServer] = {}
        self._programs: dict[Loaded, WorkloadServer] = {}
        self._of_block: dict[Loaded, _OwnServer] = {}
        self._next: dict[Loaded, _OwnServer] = {}
        self._used: set[Side] = set()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End them all."""
        self._end_of_block()
        self._forget_next()
        for side in list(self._roots):
            _close(side, self._roots.pop(side))

    def start(self, sides: Iterable[Side]) -> None:
        """Start the servers of some sides beside each other, and wait until all have imported their compilers.

        Raises:
            BuildServerError: One of a build does not start, as where a package of it cannot be imported.
            TrialError: One of this environment does not start.
        """
        new = {side: self._start(side) for side in dict.fromkeys(sides) if side not in self._roots}
        self._roots |= new
        for side, root in new.items():
            self._await(side, root)

    def get(self, side: Side, program: Path) -> WorkloadServer:
        """Return the server that has a compiler imported and a prepared program loaded.

        Raises:
            TrialError: It does not start, or the program cannot be loaded.
        """
        program = program.resolve()  # runs that share prepared programs have them under links of their own
        if (side, program) not in self._programs:
            self._programs[side, program] = self._root(side).load(program)
        return self._programs[side, program]

    def get_new(self, wanted: Sequence[Loaded]) -> dict[Loaded, WorkloadServer]:
        """Return servers like those of ``get`` for one hot block: no other one has their fork servers.

        The first block of a side has that of ``get``. So has every block of a side whose workers are new
        interpreters: they inherit no layout. Any other block's server ends with the next call.

        Raises:
            TrialError: One does not start, or the program cannot be loaded.
        """
        self._end_of_block()
        shared = [one for one in wanted if one[0] not in self._used or self._spawns(one[0])]
        self._used |= {side for side, _ in wanted}
        own = [one for one in wanted if one not in shared]
        if self._next.keys() != {*own}:
            self._forget_next()
        self._of_block, self._next = self._next, {}
        for one in own:
            if one not in self._of_block:
                self._of_block[one] = self._begin(*one)
        found = {one: self.get(*one) for one in shared}
        return found | {one: self._of_block[one].await_ready() for one in own}

    def anticipate(self, wanted: Sequence[Loaded]) -> None:
        """Begin to start the servers that the next ``get_new`` will return, and wait for nothing."""
        if self._next:
            return
        with suppress(TrialError):  # get_new starts another one, and reports why it cannot
            for side, program in wanted:
                if side in self._used and not self._spawns(side):
                    self._next[side, program] = self._begin(side, program)

    def take_over(self, sides: Sides) -> None:
        """Serve the next run, whose compilers are the same: keep what is imported, and the programs loaded last."""
        self._end_of_block()
        self._forget_next()
        self._sides = sides
        for key in list(self._programs)[:-KEPT_PROGRAMS]:
            self._programs.pop(key).channel.close()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While entered, servers that are being started are stopped, so that they do not disturb what is timed."""
        try:
            for one in self._next.values():
                one.root.stop_starting()
        except TrialError as error:
            self._give_up_next(error)
        try:
            yield
        finally:
            for one in self._next.values():
                one.root.go_on()

    def settle(self) -> None:
        """Wait until no server is being started."""
        try:
            for one in self._next.values():
                one.await_ready()
        except TrialError as error:
            self._give_up_next(error)

    def without_program(self, side: Side | None = None) -> WorkloadServer:
        """Return a server for work that needs no program.

        Args:
            side: Whose; None for one with the torch of this environment.
        """
        return self._root(self._for_no_program(side)).without_program()

    def drop_without_program(self, side: Side | None = None) -> None:
        """End what ``without_program`` returns, and the servers beside it; the next call starts new ones."""
        self.drop(self._for_no_program(side).compiler)

    def drop(self, compiler: str) -> None:
        """End a compiler's servers and their workers, in all its builds; the next ``get`` starts new ones."""
        if any(side.compiler == compiler for side, _ in self._of_block):
            self._end_of_block()
        for key in [key for key in self._programs if key[0].compiler == compiler]:
            del self._programs[key]
        for side in [side for side in self._roots if side.compiler == compiler]:
            _close(side, self._roots.pop(side))

    def _for_no_program(self, side: Side | None) -> Side:
        """Return the side itself, or one with the torch of this environment."""
        if side is not None:
            return side
        build = self._sides.catalogue.compiler(self._first).build_at({})
        first = Side(self._first, None if build is None else build.name)
        return first if self._sides.other_torch(first) is None else Side("eager")

    def _root(self, side: Side) -> ForkServer:
        self.start([side])
        return self._roots[side]

    def _await(self, side: Side, root: ForkServer) -> None:
        try:
            root.await_ready()
        except TrialError as error:
            del self._roots[side]
            if side.build is None:
                raise
            message = f"build '{side.build}' of compiler '{side.compiler}': {error}"
            raise BuildServerError(message, side.build) from None

    def _begin(self, side: Side, program: Path) -> _OwnServer:
        root = self._start(side)
        try:
            return _OwnServer(side, root, root.begin_load(program))
        except TrialError:
            _close(side, root)
            raise

    def _start(self, side: Side) -> ForkServer:
        reference = self._sides.catalogue.compiler("eager")
        entries = list({one.name: one for one in (self._sides.entry(side), reference)}.values())
        log = self._logs / f"server-{side}.log"
        root = ForkServer(entries, log, self._interrupt, self._environment, self._sides.build(side))
        _log.info("starting the fork server of '%s', id %s; it prints to %s", side, root.identity, log)
        return root

    def _spawns(self, side: Side) -> bool:
        return any(server.spawns for (one, _), server in self._programs.items() if one == side)

    def _end_of_block(self) -> None:
        ended, self._of_block = self._of_block, {}
        for one in ended.values():
            _close(one.side, one.root)

    def _give_up_next(self, error: TrialError) -> None:
        _log.warning("the fork server of a block to come failed: %s", error)
        self._forget_next()

    def _forget_next(self) -> None:
        forgotten, self._next = self._next, {}
        for one in forgotten.values():
            _close(one.side, one.root)


def _close(side: Side, root: ForkServer) -> None:
    _log.info("ending the fork server of '%s', id %s", side, root.identity)
    with suppress(OSError):
        root.close()
