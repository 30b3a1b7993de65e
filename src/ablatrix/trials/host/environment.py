"""The conditions of a trial as its record has them: machine, disturbance, environment variables, commits.

Everything is read back from the system. What the system does not report is null.
"""

from __future__ import annotations

import os
import re
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from ablatrix.records.gpu import GpuNoise
from ablatrix.records.machine import ROOT, allowed_cpus, cgroup_directories, cores_allowed, read_machine, read_text
from ablatrix.records.noise import Noise
from ablatrix.records.origin import git_state, installed_version, installed_versions, source_state

__all__ = [
    "NoiseProbe",
    "ProcessProbe",
    "disturbance",
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

STEAL_SHARE = 0.01
"""Share of the machine's core time that others may take before a trial counts as disturbed: the precision asked of
a main effect is 1 %, and stolen time of that size can make up all of it."""
STEAL_RESOLUTION_MS = 10.0
"""The kernel counts stolen time in ticks of 10 ms; one tick in a short trial says nothing about a share."""


@dataclass(frozen=True)
class NoiseProbe:
    """The machine's counters at one moment; None for a counter that the kernel does not have.

    Attributes:
        load_average: Runnable tasks, averaged over the last minute.
        steal_ms: CPU time since boot that the hypervisor gave to others, all cores together.
        throttled_ms: Time that the CPU quotas of this process's cgroups have stopped their tasks.
        swapped_pages: Pages swapped in and out since boot.
        at_s: Time of the reading, on the monotonic clock.
        cluster_cpu_s: CPU time of the processes that run a cluster on this host; None without any.
    """

    load_average: float | None
    steal_ms: float | None
    throttled_ms: float | None
    swapped_pages: int | None
    at_s: float
    cluster_cpu_s: float | None = None

    @classmethod
    def read(cls, root: Path = ROOT, watched: Sequence[int] = ()) -> NoiseProbe:
        """Read the counters now.

        Args:
            root: Directory that holds ``proc`` and ``sys``.
            watched: Processes that run a cluster on this host.
        """
        return cls(
            _load_average(root),
            _steal_ms(root),
            _throttled_ms(root),
            _swapped_pages(root),
            monotonic(),
            _cpu_s(watched, root) if watched else None,
        )

    def until(self, later: NoiseProbe, gpu: GpuNoise | None = None, stopped_s: float | None = None) -> Noise:
        """Return what happened from this moment to a later one, and whether that counts as disturbed.

        A counter that went backwards (machine migrated, cgroup changed) says nothing and is null.

        Args:
            later: The counters at the later moment.
            gpu: Readings of the GPU's clocks in between, for a trial on a GPU.
            stopped_s: For how long others stopped the trial's process; None where nobody looked.
        """
        swapped = _growth(self.swapped_pages, later.swapped_pages)
        span_s = max(0.0, later.at_s - self.at_s)
        noise = Noise(
            load_average_before=self.load_average,
            load_average_after=later.load_average,
            steal_ms=_growth(self.steal_ms, later.steal_ms),
            throttled_ms=_growth(self.throttled_ms, later.throttled_ms),
            swapped_pages=None if swapped is None else int(swapped),
            span_s=span_s,
            gpu=gpu,
            cluster_cpu_s=_growth(self.cluster_cpu_s, later.cluster_cpu_s),
            stopped_ms=None if stopped_s is None else stopped_s * 1e3,
        )
        return noise.model_copy(update={"disturbance": disturbance(noise, span_s, os.cpu_count() or 1)})


@dataclass(frozen=True)
class ProcessProbe:
    """Resources that this process has used, in all or between two moments; a forked child begins at zero.

    The switches come from ``getrusage(2)``, which adds up all threads: ``/proc/self/status`` has those of the main
    thread alone.

    Attributes:
        voluntary_switches: Times that it gave up a CPU to wait.
        involuntary_switches: Times that a CPU was taken from it.
        cpu_s: CPU time, user and system, of the process and of those of its children that ended and were waited for.
    """

    voluntary_switches: int
    involuntary_switches: int
    cpu_s: float

    @classmethod
    def read(cls) -> ProcessProbe:
        """Read the counters now."""
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return cls(own.ru_nvcsw, own.ru_nivcsw, cpu_s)

    def until(self, later: ProcessProbe) -> ProcessProbe:
        """Return what was used from this moment to a later one."""
        return ProcessProbe(
            voluntary_switches=later.voluntary_switches - self.voluntary_switches,
            involuntary_switches=later.involuntary_switches - self.involuntary_switches,
            cpu_s=later.cpu_s - self.cpu_s,
        )


def disturbance(noise: Noise, wall_s: float, cores: int) -> str | None:
    """Return why a trial with these counters counts as disturbed, None when it does not.

    It does when others stopped it at all, when others took more than ``STEAL_SHARE`` of the core time (and more than
    one tick of the counter), when a CPU quota stopped it at all, when the machine swapped at all, or when power or heat
    slowed its GPU's clocks at all. A counter that is null is ignored.

    Args:
        noise: The trial's counters.
        wall_s: Time that they cover: ``noise.span_s``, which includes a hot trial's pauses.
        cores: Cores whose stolen time is counted: all of the machine, also those that the trial may not use.
    """
    if noise.stopped_ms:
        return f"stopped: others stopped its process, or the runner, for about {noise.stopped_ms / 1e3:.1f} s"
    if noise.steal_ms is not None and noise.steal_ms > max(STEAL_RESOLUTION_MS, STEAL_SHARE * wall_s * 1e3 * cores):
        share = noise.steal_ms / (wall_s * 1e3 * cores) if wall_s > 0 else 1.0
        return f"steal: the hypervisor took {noise.steal_ms:.0f} ms, {share:.1%} of the core time"
    if noise.throttled_ms is not None and noise.throttled_ms > 0:
        return f"throttled: the cgroup's CPU quota stopped it for {noise.throttled_ms:.1f} ms"
    if noise.swapped_pages is not None and noise.swapped_pages > 0:
        return f"swapping: {noise.swapped_pages} pages went in or out"
    if noise.gpu is not None and noise.gpu.throttled_by:
        return f"throttled GPU: its clocks were slowed down by {', '.join(noise.gpu.throttled_by)}"
    return None


def environment_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables that can change what is measured, sorted by name.

    Variables whose name suggests a secret are omitted, whatever their prefix.
    """
    names = os.environ if environment is None else environment
    return {name: names[name] for name in sorted(names) if VARIABLES.fullmatch(name) and not SECRETS.search(name)}


def place_runs(threads: int | None, cpus: Sequence[int] | None) -> tuple[int, list[int]]:
    """Return how many threads a run has, and the CPUs that every worker runs on.

    A parallel region waits for its slowest thread, so with a thread on every CPU each interrupt, daemon or neighbour
    that takes one of them slows the whole run: one CPU is left to them. And CPUs differ, on a shared machine by what
    the neighbours do to each of them: workers on different ones would differ by that for as long as the scheduler keeps
    them there, so all run on the same ones, the last of those allowed.

    Args:
        threads: What the study asks for; None for one fewer than there are CPUs, at least one.
        cpus: What the study asks for; None for as many as there are threads.
    """
    allowed = sorted(cpus) if cpus else allowed_cpus()
    used = threads or max(1, (len(cpus) if cpus else cores_allowed()) - 1)
    return used, allowed if cpus else allowed[-used:]


def crowding_text(threads: int, cpus: Sequence[int]) -> str | None:
    """Return that a run has more threads than CPUs, where it has: they take turns then."""
    if threads <= len(cpus):
        return None
    where = f"CPU {cpus[0]}" if len(cpus) == 1 else f"CPUs {', '.join(map(str, cpus))}"
    return f"{threads} threads of a run share {where}: times are not those of {threads} CPUs"


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _growth(before: float | None, after: float | None) -> float | None:
    if before is None or after is None or after < before:
        return None
    return after - before


def _cpu_s(processes: Sequence[int], root: Path) -> float | None:
    # proc(5): after the name come state and ppid; utime and stime are the 12th and 13th field after it, in ticks.
    ticks = 0
    for process in processes:
        fields = (read_text(root / f"proc/{process}/stat") or "").rpartition(")")[2].split()
        if len(fields) < 13:
            return None
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


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
    total, reported = 0.0, False
    for group in cgroup_directories("cpu", root):
        for name, scale in (("throttled_usec", 1e-3), ("throttled_time", 1e-6)):
            found = re.search(rf"^{name} (\d+)$", read_text(group / "cpu.stat") or "", re.M)
            if found:
                total, reported = total + int(found[1]) * scale, True
    return total if reported else None


def _swapped_pages(root: Path) -> int | None:
    text = read_text(root / "proc/vmstat") or ""
    counts = [re.search(rf"^{name} (\d+)$", text, re.M) for name in ("pswpin", "pswpout")]
    if counts[0] is None or counts[1] is None:
        return None
    return int(counts[0][1]) + int(counts[1][1])
