"""JAX's client for the CPU: how it is started, and what it reports of its threads."""

from __future__ import annotations

import os
from pathlib import Path

POOL_SIZE = "PJRT_NPROC"  # read once, when the client starts; there is no call for it
POOL_THREADS = "tf_XLAEigen"  # name of the threads of the pool that kernels run on


def prepare(threads: int) -> None:
    """Import JAX, for the CPU only, and say how many threads its pool will have; starts nothing.

    Products are computed when they are called, not by a queue's thread, so that a run ends with its last task; numbers
    keep their 64 bits, as in torch.
    """
    os.environ[POOL_SIZE] = str(threads)
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_enable_compilation_cache", False)  # ours is the one that counts
    jax.config.update("jax_traceback_in_locations_limit", 0)  # the artifact does not depend on who called


def pool_threads() -> int | None:
    """Return the number of threads of the pool, counted among this process's by their name.

    None where no thread has the name: the client has not started, or /proc is read-only, so that threads get no names.
    """
    names = (comm.read_text(encoding="utf-8").strip() for comm in Path("/proc/self/task").glob("*/comm"))
    return sum(name == POOL_THREADS for name in names) or None


def platform_version() -> str:
    """Return what the client reports about itself; starts it."""
    import jax

    return str(jax.devices("cpu")[0].client.platform_version)
