"""Commands of a making: what they print goes into its log, and one that fails is an error with the last lines of it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ablatrix.errors import BuildError, BuildFailedError
from ablatrix.foreign_text import printed

LAST_LINES = 10
LARGEST_TAIL = 8000


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where one build is being made.

    Attributes:
        name: Of the build, for messages.
        log: File that gets whatever is printed.
        lock: Descriptor of the lock that the making holds. Commands inherit it: one that outlives a maker that was
            killed holds the lock on, so that nobody begins anew beside it.
        variables: The environment of commands.
    """

    name: str
    log: Path
    lock: int
    variables: Mapping[str, str]

    def run(self, command: Sequence[str], directory: Path, what: str) -> None:
        """Run a command to its end.

        Args:
            command: The program and its arguments.
            directory: Where it runs.
            what: What it does, for messages.

        Raises:
            BuildFailedError: It failed; the message has the last lines that it printed.
            BuildError: There is no such program.
        """
        with self.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            begun = log.tell()
            try:
                process = subprocess.Popen(
                    list(command),
                    cwd=directory,
                    env=dict(self.variables),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[self.lock],
                    start_new_session=True,
                )
            except OSError as error:
                raise BuildError(f"build '{self.name}': {what}: {command[0]}: {error.strerror}; install it") from None
            try:
                code = process.wait()
            except BaseException:  # an interrupt: nothing of it goes on
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        if code:
            raise BuildFailedError(self._failure(what, code, begun), self.name)

    def _failure(self, what: str, code: int, begun: int) -> str:
        with self.log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(begun, log.tell() - LARGEST_TAIL))
            lines = log.read().decode(errors="replace").strip().splitlines()[-LAST_LINES:]
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        said = "".join(f"\n    {printed(line)}" for line in lines)
        return f"build '{self.name}': {what} failed ({how}); the last lines of {self.log}:{said}"
