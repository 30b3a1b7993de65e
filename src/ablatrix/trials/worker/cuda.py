"""CUDA in a worker: the device is opened, a program runs on it and is timed by its own events.

A fork server never runs this: CUDA does not survive a fork once it is initialised, so each worker initialises it
itself. docs/cuda.md says which parts have been tried on a GPU.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ablatrix.errors import TrialError, UnsupportedError
from ablatrix.records.gpu import Gpu
from ablatrix.trials.host import SPACING_S, GpuWatch
from ablatrix.trials.messages import GpuFacts

if TYPE_CHECKING:
    import torch

    from ablatrix.compilers.adapter import BoundRun, Executable
    from ablatrix.compilers.catalogue import CompilerEntry

DEVICE = "cuda"  # the first that is visible
VISIBLE = "CUDA_VISIBLE_DEVICES"


def find_refusal() -> str | None:
    """Return why this process has no CUDA device, None when it has one.

    torch asks NVML where ``PYTORCH_NVML_BASED_CUDA_CHECK`` is 1, and else the driver, which is initialised by that.
    """
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built without CUDA"
    if not torch.cuda.is_available():
        visible = os.environ.get(VISIBLE)
        setting = "" if visible is None else f" with {VISIBLE}={visible}"
        return f"no CUDA device is visible{setting}, or torch {torch.__version__} cannot use the driver"
    return None


def open_cuda(entry: CompilerEntry) -> Cuda:
    """Open the device for a compiler.

    Args:
        entry: The compiler's entry in the catalogue.

    Raises:
        UnsupportedError: The compiler does not run on CUDA, or there is no device here; the message says why.
    """
    entry.refuse_device("cuda")
    refusal = find_refusal()
    if refusal is not None:
        raise UnsupportedError(f"device 'cuda': {refusal}")
    return Cuda.open()


@dataclass(frozen=True)
class Cuda:
    """The device of this process, open.

    Attributes:
        device: The record's description of it.
        version: Version of CUDA that torch was built with.
        watch: The readings of its clocks.
    """

    device: Gpu
    version: str
    watch: GpuWatch

    @classmethod
    def open(cls) -> Cuda:
        """Initialise CUDA and read the device. Float32 is float32: TF32 is switched off.

        Raises:
            TrialError: The size of its L2 cache is not reported, so that the cache could not be emptied.
        """
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.cuda.init()
        torch.cuda.synchronize()  # has the context made
        found = torch.cuda.get_device_properties(0)
        if not found.L2_cache_size:
            raise TrialError(
                f"{found.name}: the size of its L2 cache is not reported, so it cannot be emptied between runs"
            )
        watch = GpuWatch(f"GPU-{found.uuid}")
        watch.look()
        device = Gpu(
            name=found.name,
            memory_bytes=found.total_memory,
            l2_bytes=found.L2_cache_size,
            count=torch.cuda.device_count(),
            driver=watch.driver,
        )
        return cls(device, str(torch.version.cuda), watch)

    def facts(self) -> GpuFacts:
        """Return the device, and the readings of its clocks so far."""
        return GpuFacts(device=self.device, noise=self.watch.noise)

    def place(self, executable: Executable) -> CudaExecutable:
        """Return a built executable as one that is bound on the device; the allocator's peak counts from here."""
        import torch

        torch.cuda.reset_peak_memory_stats()
        return CudaExecutable(executable, self)

    def finish_first_run(self) -> int:
        """Read the clocks, and return the peak of torch's allocator in bytes, weights included."""
        import torch

        self.watch.look()
        return int(torch.cuda.max_memory_allocated())


class CudaExecutable:
    """An executable that is bound to inputs on the device, and whose outputs come back to the CPU."""

    def __init__(self, inner: Executable, cuda: Cuda) -> None:
        self.facts = inner.facts
        self._inner, self._cuda = inner, cuda

    def bind(self, inputs: Sequence[torch.Tensor]) -> CudaRun:
        """Move the inputs to the device, once, and bind them."""
        return CudaRun(self._inner.bind([one.to(DEVICE) for one in inputs]), self._cuda)


class CudaRun:
    """A bound program on the device."""

    timed_by: Literal["device"] = "device"

    def __init__(self, inner: BoundRun, cuda: Cuda) -> None:
        self._inner, self._cuda = inner, cuda
        self._flush: torch.Tensor | None = None

    def run(self) -> None:
        """Run once and wait for the device."""
        import torch

        self._inner.run()
        torch.cuda.synchronize()

    def outputs(self) -> tuple[torch.Tensor, ...]:
        """Return the outputs of the last run, copied to the CPU."""
        return tuple(one.cpu() for one in self._inner.outputs())

    def time(self, count: int) -> list[float]:
        """Run ``count`` times and return the time of each run on the device in milliseconds, in order.

        Each run lies between two events of its own. Before the first of them a buffer of twice the L2 cache is
        written, so that no run finds there what the one before left. The host waits once, at the end.
        """
        import torch

        if self._flush is None:
            self._flush = torch.empty(2 * self._cuda.device.l2_bytes, dtype=torch.uint8, device=DEVICE)
        events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(count)]
        enabled = gc.isenabled()
        gc.disable()
        try:
            for start, stop in events:
                self._flush.zero_()
                start.record()
                self._inner.run()
                stop.record()
            torch.cuda.synchronize()
        finally:
            if enabled:
                gc.enable()
        return [start.elapsed_time(stop) for start, stop in events]

    def look(self) -> None:
        """Read the clocks right after the device has worked, at most every ``SPACING_S`` seconds."""
        self._cuda.watch.look(SPACING_S)
