"""Whether this process may still be forked.

A fork copies one thread. A lock that another thread held stays locked in the child for ever, and a pool's workers are
not there; CUDA's state is not valid in a child, and JAX has threads of its own as soon as it is imported. Libraries
that take care of forks themselves (``pthread_atfork``) are allowed by the names of their threads.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ablatrix.trials.host import threads_of

HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})
"""Threads that are allowed: jemalloc stops its background thread before a fork and starts it again after."""
UNSAFE_MODULES = ("jax", "jaxlib")
CUDA_DEVICES = "/dev/nvidia"


def find_fork_hazard() -> str | None:
    """Return why a fork of this process is not safe, None when it is."""
    others = [name for thread, name in threads_of("self") if thread != os.getpid() and name not in HARMLESS_THREADS]
    if others:
        return f"threads beside the main one: {', '.join(sorted(others))}"
    imported = [name for name in UNSAFE_MODULES if name in sys.modules]
    if imported:
        return f"imported: {', '.join(imported)}"
    if _holds_cuda():
        return "CUDA is initialised"
    return None


def _holds_cuda() -> bool:
    """Return whether a CUDA context is open: the driver holds its devices as open files then."""
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if str(descriptor.readlink()).startswith(CUDA_DEVICES):
                return True
        except OSError:  # it was the one that lists the others
            continue
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())
