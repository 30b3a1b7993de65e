"""What the tests on a GPU measure, in a process of its own: one that has opened CUDA may no longer be forked.

It prints one JSON object: ``refusal``, and where there is a device the medians in milliseconds.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from time import perf_counter
from typing import Any

import torch

from ablatrix.trials.client.servers import CUDA_ENVIRONMENT
from ablatrix.trials.fork_server.fork_safety import find_fork_hazard
from ablatrix.trials.worker.cuda import Cuda, CudaRun, find_refusal


class Run:
    """Calls a function and keeps what it makes."""

    def __init__(self, function: Any) -> None:
        self._function = function

    def run(self) -> None:
        self._made = self._function()

    def outputs(self) -> tuple[torch.Tensor, ...]:
        return (self._made,)


def time_on_host(run: CudaRun) -> float:
    start = perf_counter()
    run.run()
    return (perf_counter() - start) * 1e3


def measure() -> dict[str, Any]:
    os.environ.update(CUDA_ENVIRONMENT)
    found: dict[str, Any] = {"refusal": find_refusal()}
    if found["refusal"] is not None:
        return found
    found["initialised_by_asking"] = torch.cuda.is_initialized()
    device = Cuda.open()
    found |= {"hazard_when_open": find_fork_hazard(), **device.device.model_dump()}
    left, right = (torch.rand(4096, 4096, device="cuda") for _ in range(2))
    product = CudaRun(Run(lambda: left @ right), device)
    product.time(5)
    found["product_device_ms"] = statistics.median(product.time(20))
    found["product_host_ms"] = statistics.median(time_on_host(product) for _ in range(20))
    # Large enough to show, small enough to stay in the cache if nobody takes it out.
    held = torch.rand(device.device.l2_bytes // 8, device="cuda")
    flushed, kept = (CudaRun(Run(held.sum), device) for _ in range(2))
    kept._flush = torch.empty(1, dtype=torch.uint8, device="cuda")
    for name, run in (("flushed_ms", flushed), ("kept_ms", kept)):
        run.time(10)
        found[name] = statistics.median(run.time(50))
    return found


if __name__ == "__main__":
    json.dump(measure(), sys.stdout)
