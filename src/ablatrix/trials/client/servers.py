"""The fork servers of a run: one for each compiler, and under it one for each workload, started when first needed."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

from ablatrix.study.resolve import ResolvedStudy
from ablatrix.trials.client.client import ForkServer, WorkloadServer
from ablatrix.trials.messages import Interrupt

_log = logging.getLogger(__name__)

# torch then asks NVML whether there is a GPU. Asking CUDA would initialise it, and no fork could use it after that.
CUDA_ENVIRONMENT = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


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

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
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

    def without_program(self) -> WorkloadServer:
        """Return a server for work that needs no program."""
        return self._root(self._first).without_program()

    def drop(self, compiler: str) -> None:
        """End a compiler's servers and their workers; the next ``get`` starts new ones."""
        for key in [key for key in self._programs if key[0] == compiler]:
            del self._programs[key]
        if compiler in self._roots:
            root = self._roots.pop(compiler)
            _log.info("ending the fork server of '%s'", compiler)
            with suppress(OSError):
                root.close()

    def _root(self, compiler: str) -> ForkServer:
        if compiler not in self._roots:
            entries = [self._catalogue.compiler(name) for name in dict.fromkeys([compiler, "eager"])]
            log = self._logs / f"server-{compiler}.log"
            _log.info("starting the fork server of '%s'; it prints to %s", compiler, log)
            self._roots[compiler] = ForkServer(entries, log, self._interrupt, self._environment)
        return self._roots[compiler]
