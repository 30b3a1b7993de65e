"""The fork servers of a run: one for each compiler, and under it one for each workload, started when first needed.

Where a study asks for it, each hot block has a fork server of its own beside them: workers that are forks inherit
their server's address-space layout, and another server has another one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client.client import ForkServer, LoadingServer, WorkloadServer
from ablatrix.trials.messages import Interrupt

_log = logging.getLogger(__name__)

# torch then asks NVML whether there is a GPU. Asking CUDA would initialise it, and no fork could use it after that.
CUDA_ENVIRONMENT = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


@dataclass
class _OwnServer:
    """A fork server of one hot block, with the program that the block needs; ``server`` once it is ready."""

    compiler: str
    program: Path
    root: ForkServer
    loading: LoadingServer
    server: WorkloadServer | None = None

    def await_ready(self) -> WorkloadServer:
        if self.server is None:
            self.server = self.loading.finish()
        return self.server


class Servers:
    """Fork servers by compiler and program. Use as a context: leaving it ends them all."""

    def __init__(self, resolved: ResolvedStudy, logs: Path, interrupt: Interrupt) -> None:
        self._logs = logs
        self._interrupt = interrupt
        study, self._catalogue = resolved
        self._first = study.compilers[0].name
        self._environment = CUDA_ENVIRONMENT if study.device == "cuda" else {}
        self._roots: dict[str, ForkServer] = {}
        self._programs: dict[tuple[str, Path], WorkloadServer] = {}
        self._of_block: _OwnServer | None = None
        self._next: _OwnServer | None = None
        self._used: set[str] = set()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_of_block()
        self._forget_next()
        for compiler in list(self._roots):
            self.drop(compiler)

    def get(self, compiler: str, program: Path) -> WorkloadServer:
        """Return the server that has a compiler imported and a prepared program loaded.

        Raises:
            TrialError: It does not start, or the program cannot be loaded.
        """
        if (compiler, program) not in self._programs:
            self._programs[compiler, program] = self._root(compiler).load(program)
        return self._programs[compiler, program]

    def get_new(self, compiler: str, program: Path) -> WorkloadServer:
        """Return a server like that of ``get`` for one hot block: no other one has its fork server.

        The first block of a compiler has that of ``get``. So has every block of a compiler whose workers are new
        interpreters: they inherit no layout. Any other block's server ends with the next call.

        Raises:
            TrialError: It does not start, or the program cannot be loaded.
        """
        self._end_of_block()
        if compiler not in self._used or self._spawns(compiler):
            self._used.add(compiler)
            return self.get(compiler, program)
        if self._next is not None and (self._next.compiler, self._next.program) != (compiler, program):
            self._forget_next()
        self._of_block, self._next = self._next or self._begin(compiler, program), None
        return self._of_block.await_ready()

    def anticipate(self, compiler: str, program: Path) -> None:
        """Begin to start the server that the next ``get_new`` will return, and wait for nothing."""
        if self._next is None and compiler in self._used and not self._spawns(compiler):
            with suppress(TrialError):  # get_new starts another one, and reports why it cannot
                self._next = self._begin(compiler, program)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """While entered, a server that is being started is stopped, so that it does not disturb what is timed."""
        if self._next is not None:
            try:
                self._next.root.stop_starting()
            except TrialError as error:
                self._give_up_next(error)
        try:
            yield
        finally:
            if self._next is not None:
                self._next.root.go_on()

    def settle(self) -> None:
        """Wait until no server is being started."""
        if self._next is not None:
            try:
                self._next.await_ready()
            except TrialError as error:
                self._give_up_next(error)

    def without_program(self) -> WorkloadServer:
        """Return a server for work that needs no program."""
        return self._root(self._first).without_program()

    def drop(self, compiler: str) -> None:
        """End a compiler's servers and their workers; the next ``get`` starts new ones."""
        if self._of_block is not None and self._of_block.compiler == compiler:
            self._end_of_block()
        for key in [key for key in self._programs if key[0] == compiler]:
            del self._programs[key]
        if compiler in self._roots:
            _close(compiler, self._roots.pop(compiler))

    def _root(self, compiler: str) -> ForkServer:
        if compiler not in self._roots:
            root = self._start(compiler)
            root.await_ready()
            self._roots[compiler] = root
        return self._roots[compiler]

    def _begin(self, compiler: str, program: Path) -> _OwnServer:
        root = self._start(compiler)
        try:
            return _OwnServer(compiler, program, root, root.begin_load(program))
        except TrialError:
            _close(compiler, root)
            raise

    def _start(self, compiler: str) -> ForkServer:
        entries = [self._catalogue.compiler(name) for name in dict.fromkeys([compiler, "eager"])]
        log = self._logs / f"server-{compiler}.log"
        root = ForkServer(entries, log, self._interrupt, self._environment)
        _log.info("starting the fork server of '%s', id %s; it prints to %s", compiler, root.identity, log)
        return root

    def _spawns(self, compiler: str) -> bool:
        return any(server.spawns for (name, _), server in self._programs.items() if name == compiler)

    def _end_of_block(self) -> None:
        ended, self._of_block = self._of_block, None
        if ended is not None:
            _close(ended.compiler, ended.root)

    def _give_up_next(self, error: TrialError) -> None:
        _log.warning("the fork server of a block to come failed: %s", error)
        self._forget_next()

    def _forget_next(self) -> None:
        forgotten, self._next = self._next, None
        if forgotten is not None:
            _close(forgotten.compiler, forgotten.root)


def _close(compiler: str, root: ForkServer) -> None:
    _log.info("ending the fork server of '%s', id %s", compiler, root.identity)
    with suppress(OSError):
        root.close()
