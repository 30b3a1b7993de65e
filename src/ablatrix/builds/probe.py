"""Asks an interpreter what it is, by a file of ours that it runs: it need not have ablatrix."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ablatrix.builds.build import Build, Facts
from ablatrix.errors import BuildFailedError

SCRIPT = Path(__file__).with_name("described.py")
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class _Answer:
    facts: Facts
    missing: tuple[str, ...]


ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)


def describe_interpreter(name: str, interpreter: Path, variables: Mapping[str, str]) -> Facts:
    """Return what an interpreter says of itself.

    Args:
        name: Of the build, for messages.
        interpreter: The Python.
        variables: Its whole environment.

    Raises:
        BuildFailedError: It cannot be started, or does not answer.
    """
    return _ask(name, interpreter, variables, ()).facts


def missing_modules(build: Build, modules: Iterable[str]) -> tuple[str, ...]:
    """Return those of some modules that cannot be found in a build; none is imported.

    Raises:
        BuildFailedError: Its interpreter cannot be started, or does not answer.
    """
    return _ask(build.name, build.interpreter, build.variables(os.environ), modules).missing


def _ask(name: str, interpreter: Path, variables: Mapping[str, str], modules: Iterable[str]) -> _Answer:
    command = [str(interpreter), "-P", str(SCRIPT), *modules]
    try:
        done = subprocess.run(
            command, env=dict(variables), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
        return ANSWER.validate_json(done.stdout)
    except subprocess.TimeoutExpired:
        why = f"did not say what it is within {TIMEOUT_S:.0f} s"
    except OSError as error:
        why = f"cannot be started: {error.strerror}; name a Python"
    except ValidationError:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        why = f"is no Python 3.11 or later that can be asked what it is: {lines[-1]}"
    raise BuildFailedError(f"build '{name}': {interpreter} {why}", name)
