"""Caches of frameworks that a compiler may use without saying so: for the time of a trial they are its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.compilers.environment import variable

CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")
"""Variables with the directory in which Inductor, Triton and JAX keep what they compiled from process to process."""


@contextmanager
def private_caches(entry: CompilerEntry, work_dir: Path) -> Iterator[None]:
    """Give a compiler that is not part of ablatrix caches below ``work_dir``, in which nothing is found.

    A cold trial would else find what an earlier trial compiled, even one of another configuration. The compilers that
    come with ablatrix have these caches switched off.
    """
    with nullcontext() if entry.extra else caches_below(work_dir):
        yield


@contextmanager
def caches_below(work_dir: Path) -> Iterator[None]:
    """Give frameworks caches below a directory, in which nothing is found."""
    with ExitStack() as stack:
        for name in CACHES:
            stack.enter_context(variable(name, str(work_dir / "caches" / name.lower())))
        yield
