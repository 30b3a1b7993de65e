"""Random padding of a worker's stack, heap and mappings, before anything is loaded into it.

Where stack, heap and mappings lie changes how fast the same code runs (Mytkowicz et al., ASPLOS 2009), and workers of
one fork server inherit it from the server. With padding it is drawn anew in each worker, so that blocks sample it as
Curtsinger and Berger's STABILIZER does (ASPLOS 2013), at a cost of about a millisecond. What the server has loaded
already, such as torch's libraries, stays where it is: only another server has it elsewhere.
"""

from __future__ import annotations

import ctypes
import mmap
import random
from collections.abc import Callable

PAGE = mmap.PAGESIZE
STACK_BYTES = 64 * 1024
"""Padding of the stack, below: 16 first-level caches of 4 KiB a way."""
STACK_ALIGNMENT = 16
SMALL_BYTES = range(16, 512 + 1, 16)
SMALL_BLOCKS = 64
"""Sizes of small blocks, and how many of each, at most: they take free ones that were inherited with the heaps."""
MIDDLE_BYTES, MIDDLE_BLOCKS = 8192, 64
"""Sizes of middle blocks, and how many of them, at most."""
LARGE_BYTES = 128 * 1024
"""One block of the C heap, at most: below it glibc extends the heap instead of making a mapping."""
MAPPINGS, MAPPING_PAGES = 16, 64
"""Mappings and their sizes, at most: they fill gaps, in which later ones would always land."""
LARGE_MAPPING_PAGES = 512
"""One mapping, at most: 2 MiB, within which large buffers change how many huge pages they can have."""
TOUCHED_PAGES = 256
"""Pages that are touched, at most, so that later ones are other physical pages."""


def run_padded(seed: int | None, work: Callable[[], None]) -> None:
    """Do some work under a padded stack, with a padded heap and padded mappings that are kept until it ends.

    Args:
        seed: Seed of all sizes; None for no padding.
        work: What to do. What it raises goes through.
    """
    if seed is None:
        work()
        return
    draw = random.Random(seed)
    kept = _pad_mappings(draw)
    _pad_heaps(draw)
    _with_padded_stack(draw.randrange(0, STACK_BYTES, STACK_ALIGNMENT), work)
    del kept


def _pad_mappings(draw: random.Random) -> list[mmap.mmap]:
    """Return mappings of random sizes; all but the last can be neither read nor written, and take no memory."""
    pages = [draw.randint(1, MAPPING_PAGES) for _ in range(MAPPINGS)] + [draw.randint(1, LARGE_MAPPING_PAGES)]
    kept = [mmap.mmap(-1, count * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0) for count in pages]
    touched = draw.randint(1, TOUCHED_PAGES)
    kept.append(mmap.mmap(-1, touched * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
    for page in range(touched):
        kept[-1][page * PAGE] = 1
    return kept


def _pad_heaps(draw: random.Random) -> None:
    """Take blocks of random sizes from the heaps of C and of Python and never return them."""
    # Functions of their own: the same ones may be in use elsewhere, with other types.
    allocate = ctypes.CDLL(None)["malloc"], ctypes.PyDLL(None)["PyObject_Malloc"]
    for one in allocate:
        one.argtypes, one.restype = [ctypes.c_size_t], ctypes.c_void_p
        for size in SMALL_BYTES:
            for _ in range(draw.randrange(SMALL_BLOCKS)):
                one(size)
        for _ in range(draw.randrange(MIDDLE_BLOCKS)):
            one(draw.randint(SMALL_BYTES.stop, MIDDLE_BYTES))
    allocate[0](draw.randint(1, LARGE_BYTES))


def _with_padded_stack(size: int, work: Callable[[], None]) -> None:
    """Call something with so many bytes of stack below its frames.

    A call into C takes the padding as a structure by value, which libffi copies onto the stack, and calls back.
    """

    class Padding(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_char * max(STACK_ALIGNMENT, size))]

    raised: list[BaseException] = []

    def call(padding: Padding) -> None:
        try:
            work()
        except BaseException as error:  # it cannot pass through C
            raised.append(error)

    ctypes.PYFUNCTYPE(None, Padding)(call)(Padding())
    if raised:
        raise raised[0]
