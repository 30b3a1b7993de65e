"""A compiler that notes where its process has things, in a real worker; its knob switches nothing."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from ablatrix.compilers.adapter import CompileRequest, Executable
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.eager import EagerCompiler

NOTES = "ABLATRIX_TEST_PLACES"
PLACED = CompilerEntry(
    name="placed",
    summary="Notes where things are.",
    modules=("torch",),
    extra="",
    adapter="tests.trials.placed:PlacedCompiler",
    knobs=(
        KnobEntry(
            name="name",
            kind="primary",
            summary="Switches nothing.",
            levels=(LevelEntry("one", "One."), LevelEntry("other", "The other.")),
            default="one",
            affects="code",
        ),
    ),
)


class PlacedCompiler(EagerCompiler):
    """Runs the program eagerly. Where the file ``kill`` is, the process that forked the worker is killed, once."""

    name = "placed"

    def compile(self, request: CompileRequest) -> Executable:
        """Note the places under the name of the trial."""
        notes = Path(os.environ[NOTES])
        if (notes / "kill").exists():
            (notes / "kill").unlink()
            os.kill(os.getppid(), signal.SIGKILL)
        (notes / f"{request.work_dir.parent.name}.json").write_text(json.dumps(find_places()))
        return super().compile(request)


def find_places() -> Mapping[str, int | None]:
    """Return addresses in this process: of the C library, the stack, new blocks of both heaps, and a new mapping."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    mapping = mmap.mmap(-1, 64 * mmap.PAGESIZE)
    return {
        "library": ctypes.cast(libc.malloc, ctypes.c_void_p).value,
        "stack": stack_pointer(),
        "c heap": libc.malloc(100),
        "python heap": id(bytes(100)),
        "mapping": ctypes.addressof(ctypes.c_char.from_buffer(mapping)),
    }


def stack_pointer() -> int | None:
    """Return this thread's stack pointer in a system call, None where the kernel does not show it."""
    try:
        return int(Path("/proc/self/syscall").read_text().split()[-2], 16)
    except (OSError, IndexError, ValueError):
        return None
