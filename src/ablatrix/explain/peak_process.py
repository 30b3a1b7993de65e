"""The process that measures how fast the machine is: ``python -m`` with this module and a number of threads."""

from __future__ import annotations

import sys
from time import perf_counter

from ablatrix.records.explanation import MachinePeak
from ablatrix.trials.host import measure_memory_speed

SIZES = (512, 1024, 2048)
SECONDS = 0.4


def main(threads: int) -> None:
    """Write the speed of products and of memory to stdout, as JSON."""
    import torch

    torch.set_num_threads(threads)
    rates = [_rate(size) for size in SIZES]
    sys.stdout.write(MachinePeak(flops_per_s=max(rates), memory=measure_memory_speed()).model_dump_json())


def _rate(size: int) -> float:
    """Return the largest rate of a product of square matrices of float32, in operations a second."""
    import torch

    one, other, made = (torch.rand(size, size) for _ in range(3))
    best, began = float("inf"), perf_counter()
    while perf_counter() - began < SECONDS or best == float("inf"):
        since = perf_counter()
        torch.mm(one, other, out=made)
        best = min(best, perf_counter() - since)
    return 2 * size**3 / best


if __name__ == "__main__":
    main(int(sys.argv[1]))
