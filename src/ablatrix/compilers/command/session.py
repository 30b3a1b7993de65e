"""One run of a program: requests to its standard input, answers from its standard output, a line of JSON each.

The program stays in the process group of whoever starts it, so that stopping, continuing or ending a worker's group
includes it. What it writes to standard error goes where this process's goes.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from ablatrix.errors import CompilerError, ProgramEndedError, UnsupportedError

END_TIMEOUT_S = 5.0
LONGEST_ANSWER = 64 * 2**20
SHOWN = 200
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Session:
    """A running program. It ends when its input closes; one that does not is killed with this object.

    Args:
        name: Name of the compiler, for messages.
        command: Program and arguments, with absolute paths.
        directory: Its working directory.
        threads: Threads that it may use: set in its environment for the usual libraries, None to leave that alone.
        variables: The rest of its environment; None for that of this process.

    Raises:
        CompilerError: The program cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        directory: Path,
        threads: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        given = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=directory,
                env={**(os.environ if variables is None else variables), **given},
            )
        except OSError as error:
            raise CompilerError(f"{name}: {command[0]} cannot be started: {error.strerror}") from None
        self._rest = bytearray()
        self._asked = "nothing yet"
        weakref.finalize(self, _end, self._process)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    def ask(self, request: Mapping[str, Any], timeout_s: float | None = None) -> dict[str, Any]:
        """Send a request and return its answer.

        Args:
            request: ``do`` says what; the rest is plain values.
            timeout_s: Longest wait; None for no limit (a trial has its own).

        Raises:
            UnsupportedError: The program says that it does not have what was asked for.
            ProgramEndedError: It ended instead of answering.
            CompilerError: It says that it failed, or what it wrote is not an answer, or nothing came in time.
        """
        what = request["do"]
        line = self._exchange(json.dumps(request).encode() + b"\n", what, timeout_s)
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self.close()
            shown = line[:SHOWN].decode("utf-8", errors="replace")
            raise CompilerError(
                f"{self.name}: what it wrote for '{what}' is not a JSON object: {shown!r}; standard output is for "
                "answers alone, everything else goes to standard error"
            )
        if "unsupported" in answer:
            raise UnsupportedError(f"{self.name}: '{what}': {answer['unsupported']}")
        if "error" in answer:
            raise CompilerError(f"{self.name}: '{what}' failed: {answer['error']}")
        return answer

    def close(self) -> None:
        """End the program."""
        _end(self._process)

    def _exchange(self, data: bytes, what: str, timeout_s: float | None) -> bytes:
        assert self._process.stdin is not None
        self._refuse_surplus()
        self._asked = what
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise self._ended(what) from None
        deadline = None if timeout_s is None else monotonic() + timeout_s
        searched = 0  # what was looked through before is not looked through again: an answer may have 64 MiB
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            self._read_more(what, deadline, timeout_s)
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def _refuse_surplus(self) -> None:
        """Refuse what the program wrote without being asked: it would be taken for the answer to the next request."""
        assert self._process.stdout is not None
        if not self._rest and select.select([self._process.stdout], [], [], 0.0)[0]:
            self._rest += os.read(self._process.stdout.fileno(), SHOWN)  # nothing where it has ended, as is found next
        if self._rest:
            shown = bytes(self._rest[:SHOWN]).decode("utf-8", errors="replace")
            self.close()
            raise CompilerError(
                f"{self.name}: after its answer to '{self._asked}' it wrote {shown!r}, which nobody asked for; each "
                "request has one line of JSON as its answer, and everything else goes to standard error"
            )

    def _read_more(self, what: str, deadline: float | None, timeout_s: float | None) -> None:
        assert self._process.stdout is not None
        if (
            deadline is not None
            and not select.select([self._process.stdout], [], [], max(0.0, deadline - monotonic()))[0]
        ):
            self.close()
            raise CompilerError(f"{self.name}: no answer to '{what}' within {timeout_s:g} s")
        part = os.read(self._process.stdout.fileno(), 1 << 20)
        if not part:
            raise self._ended(what)
        self._rest += part
        if len(self._rest) > LONGEST_ANSWER:
            self.close()
            raise CompilerError(f"{self.name}: its answer to '{what}' is longer than {LONGEST_ANSWER / 2**20:.0f} MiB")

    def _ended(self, what: str) -> ProgramEndedError:
        """Return how the program ended; one that only closed its pipe is killed."""
        killed = False
        try:
            code = self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            killed = True
            self.close()
            code = -signal.SIGKILL
        if killed:
            return ProgramEndedError(f"{self.name}: closed its pipe instead of answering '{what}'", None, None)
        if code < 0:
            return ProgramEndedError(f"{self.name}: was ended by {_signal_name(-code)} during '{what}'", -code, None)
        return ProgramEndedError(f"{self.name}: left with exit code {code} during '{what}'", None, code)


def _end(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:  # what was not yet written has nowhere to go
                continue
    if process.poll() is None:
        process.kill()
        process.wait()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
