"""What a record says of the conditions of a trial: machine, disturbance, environment variables, commits.

Everything is read back from the system. What it does not tell is null.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ablatrix.records.machine import ROOT, cgroup_directories, read_machine, read_text
from ablatrix.records.model import Noise
from ablatrix.records.origin import git_state, installed_version, installed_versions, source_state

__all__ = [
    "NoiseProbe",
    "environment_variables",
    "git_state",
    "installed_version",
    "installed_versions",
    "read_machine",
    "source_state",
    "utc_now",
]

# Threads, allocators, code generation, determinism, devices; never all variables, since some hold secrets.
VARIABLES = re.compile(
    r"(OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|ONEDNN|DNNL|TVM|TORCH|TORCHINDUCTOR|PYTORCH|ATEN|XLA|JAX|ORT|OV|CUDA|CUBLAS"
    r"|CUDNN|TRITON|NVIDIA|MALLOC|JEMALLOC|MIMALLOC)_.+"
    r"|LD_PRELOAD|LD_LIBRARY_PATH|GLIBC_TUNABLES|PYTHONHASHSEED|PYTHONMALLOC|PYTHONOPTIMIZE|SOURCE_DATE_EPOCH"
    r"|CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS"
)
SECRETS = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY$")


@dataclass(frozen=True)
class NoiseProbe:
    """The machine's counters at one moment; None for a counter that the kernel does not have.

    Attributes:
        load_average: Runnable tasks, averaged over the last minute.
        steal_ms: CPU time since boot that the hypervisor gave to others, all cores together.
        throttled_ms: Time that the CPU quotas of this process's cgroups have stopped their tasks.
        swapped_pages: Pages swapped in and out since boot.
    """

    load_average: float | None
    steal_ms: float | None
    throttled_ms: float | None
    swapped_pages: int | None

    @classmethod
    def read(cls, root: Path = ROOT) -> NoiseProbe:
        """Read the counters now (``root`` holds ``proc`` and ``sys``)."""
        return cls(_load_average(root), _steal_ms(root), _throttled_ms(root), _swapped_pages(root))

    def until(self, later: NoiseProbe) -> Noise:
        """Return what happened from this moment to a later one.

        A counter that went backwards (machine migrated, cgroup changed) tells nothing and is null.
        """
        swapped = _growth(self.swapped_pages, later.swapped_pages)
        return Noise(
            load_average_before=self.load_average,
            load_average_after=later.load_average,
            steal_ms=_growth(self.steal_ms, later.steal_ms),
            throttled_ms=_growth(self.throttled_ms, later.throttled_ms),
            swapped_pages=None if swapped is None else int(swapped),
        )


def environment_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables that can change what is measured, sorted by name.

    Variables whose name speaks of a secret are left out whatever their prefix.
    """
    names = os.environ if environment is None else environment
    return {name: names[name] for name in sorted(names) if VARIABLES.fullmatch(name) and not SECRETS.search(name)}


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _growth(before: float | None, after: float | None) -> float | None:
    if before is None or after is None or after < before:
        return None
    return after - before


def _load_average(root: Path) -> float | None:
    fields = (read_text(root / "proc/loadavg") or "").split()
    return float(fields[0]) if fields else None


def _steal_ms(root: Path) -> float | None:
    # proc(5): "cpu user nice system idle iowait irq softirq steal ...", in clock ticks.
    fields = (read_text(root / "proc/stat") or "").partition("\n")[0].split()
    if len(fields) < 9:
        return None
    return int(fields[8]) * 1e3 / os.sysconf("SC_CLK_TCK")


def _throttled_ms(root: Path) -> float | None:
    # cgroup v2 counts microseconds, v1 nanoseconds. Each level can have a quota of its own.
    total, told = 0.0, False
    for group in cgroup_directories("cpu", root):
        for name, scale in (("throttled_usec", 1e-3), ("throttled_time", 1e-6)):
            found = re.search(rf"^{name} (\d+)$", read_text(group / "cpu.stat") or "", re.M)
            if found:
                total, told = total + int(found[1]) * scale, True
    return total if told else None


def _swapped_pages(root: Path) -> int | None:
    text = read_text(root / "proc/vmstat") or ""
    counts = [re.search(rf"^{name} (\d+)$", text, re.M) for name in ("pswpin", "pswpout")]
    if counts[0] is None or counts[1] is None:
        return None
    return int(counts[0][1]) + int(counts[1][1])
