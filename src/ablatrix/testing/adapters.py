"""An adapter from its entry of the catalogue, and what a process is like that preloaded it."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass

from ablatrix.compilers.adapter import Compiler
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.interpreter import interpreter
from ablatrix.trials.fork_server import import_compiler

LOOK = (
    "import json, pickle, sys\n"
    "from ablatrix.testing.adapters import load_compiler\n"
    "from ablatrix.trials.fork_server.fork_safety import find_fork_hazard\n"
    "load_compiler(pickle.load(sys.stdin.buffer))\n"
    "json.dump({'hazard': find_fork_hazard(), 'modules': sorted(sys.modules)}, sys.stdout)\n"
)


@dataclass(frozen=True, slots=True)
class Preloaded:
    """A process that preloaded an adapter.

    Attributes:
        hazard: Why it cannot be forked, None where it can.
        modules: Names of the modules that it has imported.
    """

    hazard: str | None
    modules: frozenset[str]


def load_compiler(entry: CompilerEntry) -> Compiler:
    """Return the adapter of an entry, preloaded as the fork server does it."""
    return import_compiler(entry)


def preload_elsewhere(entry: CompilerEntry) -> Preloaded:
    """Preload an adapter in a new process, and look at the process.

    Raises:
        RuntimeError: The adapter cannot be preloaded in a process of its own; the message has what was written to
            standard error.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths}  # as the fork server is started
    done = subprocess.run(
        interpreter("-c", LOOK), input=pickle.dumps(entry), capture_output=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    plain = json.loads(done.stdout)
    return Preloaded(plain["hazard"], frozenset(plain["modules"]))
