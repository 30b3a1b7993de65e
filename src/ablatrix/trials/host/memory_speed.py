"""How fast this machine's memory is: the largest rate of a few simple loops over large arrays (STREAM, McCalpin 1995).

Loops that read alone, copy, and compute ``a + s b`` differ in how many bytes the caches move unasked, so the largest
rate of all is taken: it is there to say what no program can be faster than. numpy runs them, on a thread a core,
without a compiler. It is imported where it is used: it starts threads, and a fork server, which imports this room, may
have none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from ablatrix.records.machine import CPU, ROOT, available_bytes, cores_allowed, read_text
from ablatrix.records.tokens import MemorySpeed

TRIES = 8
UNKNOWN_CACHE = 64 << 20  # bytes that are taken for the last cache where the kernel does not tell
CACHES = 2  # how many times as large as the last cache each of the three arrays is
SHARE = 16  # no array takes more than this part of the memory that is free
BLOCK = 4096  # elements that stay in the first cache between the two operations of a + s b
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float32]


def measure_memory_speed(root: Path = ROOT) -> MemorySpeed:
    """Measure the speed of memory, in some tenths of a second.

    Args:
        root: Directory that contains ``sys``, for the size of the last cache.
    """
    import numpy as np

    cache = last_cache_bytes(root)
    size = CACHES * (cache or UNKNOWN_CACHE)
    free = available_bytes()
    size = size if free is None else max(1 << 20, min(size, free // SHARE))
    threads = cores_allowed()
    arrays = [np.full(size // 4, value, np.float32) for value in (1.0, 2.0, 3.0)]
    parts = [tuple(cut) for cut in zip(*(np.array_split(one, threads) for one in arrays), strict=True)]
    with ThreadPoolExecutor(threads) as pool:
        rates = [
            moved * size / _seconds(pool, loop, parts)
            for _ in range(TRIES)
            for loop, moved in ((_read, 1), (_copy, 2), (_scale_and_add, 3))
        ]
    return MemorySpeed(bytes_per_s=max(rates), last_cache_bytes=cache)


def last_cache_bytes(root: Path = ROOT) -> int | None:
    """Return the size of the largest cache of the first CPU, as sysfs has it; None where it does not tell."""
    return max(_sizes(root), default=None)


def _sizes(root: Path) -> Iterator[int]:
    for path in (root / CPU / "cpu0/cache").glob("index*/size"):
        found = re.fullmatch(r"(\d+)([KMG])", (read_text(path) or "").strip())
        if found:
            yield int(found[1]) * UNITS[found[2]]


def _seconds(
    pool: ThreadPoolExecutor, loop: Callable[[tuple[Array, ...]], None], parts: list[tuple[Array, ...]]
) -> float:
    since = perf_counter()
    list(pool.map(loop, parts))
    return perf_counter() - since


def _read(arrays: tuple[Array, ...]) -> None:
    import numpy as np

    np.maximum.reduce(arrays[0])


def _copy(arrays: tuple[Array, ...]) -> None:
    import numpy as np

    np.copyto(arrays[2], arrays[0])


def _scale_and_add(arrays: tuple[Array, ...]) -> None:
    import numpy as np

    first, second, result = arrays
    for start in range(0, len(first), BLOCK):
        part = slice(start, start + BLOCK)
        np.multiply(second[part], np.float32(0.5), out=result[part])
        np.add(result[part], first[part], out=result[part])
