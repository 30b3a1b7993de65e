"""An adapter from its entry of the catalogue, and whether a process that holds it can still be forked."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

from ablatrix.compilers.adapter import Compiler
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.trials.fork_server import import_compiler

LOOK = (
    "import pickle, sys\n"
    "from ablatrix.testing.adapters import load_compiler\n"
    "from ablatrix.trials.fork_server.fork_safety import find_fork_hazard\n"
    "load_compiler(pickle.load(sys.stdin.buffer))\n"
    "sys.stdout.write(find_fork_hazard() or '')\n"
)


def load_compiler(entry: CompilerEntry) -> Compiler:
    """Return the adapter of an entry, preloaded as the fork server does it."""
    return import_compiler(entry)


def find_hazard_after_preloading(entry: CompilerEntry) -> str | None:
    """Return why a new process that preloaded the adapter cannot be forked, None where it can.

    Raises:
        RuntimeError: The adapter cannot be preloaded in a process of its own; the message has what was written to
            standard error.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths}  # as the fork server is started
    done = subprocess.run(
        [sys.executable, "-c", LOOK], input=pickle.dumps(entry), capture_output=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode() or None
