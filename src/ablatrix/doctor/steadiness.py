"""What on this machine makes measured times differ or scatter, and how to fix it.

The list is that of pyperf's ``system`` command, with what containers and virtual machines add to it. Nothing is
changed here: each finding that is not ok names the command that would fix it. Sources: the documentation of pyperf
(``system``) and of the Linux kernel (``admin-guide/sysctl/kernel.rst``, ``admin-guide/kernel-parameters.txt``,
``admin-guide/pm``, ``core-api/irq/irq-affinity.rst``).
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep

import psutil

from ablatrix.doctor.finding import Finding
from ablatrix.records.machine import CPU, ROOT, allowed_cpus, cpu_quota, read_text
from ablatrix.records.model import Machine

BUSY = 0.25  # load average per core above which other processes disturb measurements
BUSY_SHARE = 0.05  # share of one core above which another process is named
WATCH_S = 0.3
NAMED = 5
NOT_REPORTED = "not reported by the kernel"


def check_steadiness(machine: Machine, root: Path = ROOT) -> Iterator[Finding]:
    """Yield one finding for each setting or disturbance that is checked.

    Watching other processes takes ``WATCH_S`` seconds.

    Args:
        machine: The machine as read.
        root: Directory that contains ``proc`` and ``sys``.
    """
    yield from _frequency(machine, root)
    yield from _cores(machine, root)
    yield from _kernel(root)
    yield _swap(root)
    yield from _neighbours(machine)


def cpu_numbers(text: str) -> set[int]:
    """Return the CPUs of a list in the kernel's notation: ``0-2,5`` is 0, 1, 2 and 5."""
    found: set[int] = set()
    for part in filter(None, text.strip().split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def _frequency(machine: Machine, root: Path) -> Iterator[Finding]:
    remedy = "sudo cpupower frequency-set -g performance, while measuring"
    yield _setting("frequency governor", machine.governor, "performance", remedy)
    if (root / CPU / "intel_pstate/no_turbo").exists():
        remedy = f"echo 1 | sudo tee /{CPU}/intel_pstate/no_turbo, while measuring; or expect more scatter"
    else:
        remedy = f"echo 0 | sudo tee /{CPU}/cpufreq/boost, while measuring; or expect more scatter"
    yield _setting("turbo", _on_off(machine.turbo), "off", remedy)
    remedy = f"echo off | sudo tee /{CPU}/smt/control, while measuring; or expect more scatter"
    yield _setting("simultaneous multithreading", _on_off(machine.smt), "off", remedy)
    mains = [read_text(path) for path in (root / "sys/class/power_supply").glob("*/online")]
    if mains:
        plugged = any((text or "").strip() == "1" for text in mains)
        yield _setting("power supply", "mains" if plugged else "battery", "mains", "plug the machine in")


def _cores(machine: Machine, root: Path) -> Iterator[Finding]:
    quota = machine.cpu_quota_cores if machine.cpu_quota_cores is not None else cpu_quota(root)
    if quota is not None:
        remedy = (
            "remove the quota (docker: no --cpus, Kubernetes: no CPU limit): tasks that exceed it are paused in a run"
        )
        yield Finding("affinity", "warning", f"CPU quota of {quota:g} cores", "no quota", remedy)
    else:
        yield Finding("affinity", "ok", f"{machine.cores} of {os.cpu_count()} cores", "known")
    reported = read_text(root / CPU / "isolated")
    isolated, used = cpu_numbers(reported or ""), set(allowed_cpus())
    needed = "the CPUs used for measuring"
    if reported is None:
        yield Finding("isolated CPUs", "note", NOT_REPORTED, needed)
    elif not isolated:
        remedy = "where noise must be low: boot with isolcpus=<list> and run under taskset -c <list>"
        yield Finding("isolated CPUs", "note", "none", needed, remedy)
    elif used <= isolated:
        yield Finding("isolated CPUs", "ok", reported.strip(), needed)
    else:
        remedy = f"run under taskset -c {reported.strip()}"
        yield Finding("isolated CPUs", "warning", f"{reported.strip()}, but {_shown(used)} are used", needed, remedy)
    yield from _interrupts(root, used & isolated)


def _interrupts(root: Path, quiet: set[int]) -> Iterator[Finding]:
    """Yield whether irqbalance moves interrupts, and how many interrupts may reach CPUs that were isolated."""
    balancing = any(process.info["name"] == "irqbalance" for process in psutil.process_iter(["name"]))
    remedy = "sudo systemctl stop irqbalance, while measuring: it moves interrupts between CPUs"
    yield _setting("irqbalance", "running" if balancing else "not running", "not running", remedy)
    if quiet:
        texts = (read_text(path) for path in (root / "proc/irq").glob("*/smp_affinity_list"))
        count = sum(bool(cpu_numbers(text) & quiet) for text in texts if text)
        remedy = "write the numbers of the other CPUs to /proc/irq/*/smp_affinity_list"
        yield _setting("interrupts on isolated CPUs", str(count), "0", remedy)


def _kernel(root: Path) -> Iterator[Finding]:
    knobs = (
        ("address space randomisation", "randomize_va_space", "2", "so that times do not depend on one memory layout"),
        ("kernel watchdog", "nmi_watchdog", "0", "it interrupts every CPU and takes a performance counter"),
        ("NUMA balancing", "numa_balancing", "0", "it unmaps pages to see who uses them"),
    )
    for name, knob, wanted, why in knobs:
        reported = read_text(root / "proc/sys/kernel" / knob)
        if reported is not None:
            remedy = f"sudo sysctl kernel.{knob}={wanted}, while measuring: {why}"
            yield _setting(name, reported.strip(), wanted, remedy)
        else:
            yield Finding(name, "note", NOT_REPORTED, wanted)
    rate = read_text(root / "proc/sys/kernel/perf_event_max_sample_rate")
    if rate is not None:
        remedy = "only if a profiler runs at the same time: sudo sysctl kernel.perf_event_max_sample_rate=1"
        low = rate.strip() == "1"
        yield Finding(
            "perf sampling", "ok" if low else "note", f"at most {rate.strip()}/s", "1/s", "" if low else remedy
        )
    pages = re.search(r"\[(\w+)\]", read_text(root / "sys/kernel/mm/transparent_hugepage/enabled") or "")
    if pages:
        remedy = (
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled: pages are merged while programs run"
        )
        always = pages[1] == "always"
        needed = "madvise or never"
        yield Finding("transparent huge pages", "note" if always else "ok", pages[1], needed, remedy if always else "")
    if (read_text(root / "sys/kernel/mm/ksm/run") or "").strip() == "1":
        remedy = "echo 0 | sudo tee /sys/kernel/mm/ksm/run, while measuring"
        yield Finding("same-page merging", "warning", "running", "off", remedy)


def _swap(root: Path) -> Finding:
    text = read_text(root / "proc/swaps")
    if text is None:
        return Finding("swap", "note", NOT_REPORTED, "off")
    rows = [line.split() for line in text.splitlines()[1:] if line.strip()]
    used = sum(int(row[3]) for row in rows)
    if not rows:
        return Finding("swap", "ok", "off", "off")
    remedy = "sudo swapoff -a, while measuring; trials during which the machine swaps count as disturbed"
    return Finding("swap", "warning" if used else "note", f"on, {used / 1024:.0f} MiB used", "off", remedy)


def _neighbours(machine: Machine) -> Iterator[Finding]:
    load = os.getloadavg()[0]
    busy = load > BUSY * machine.cores
    remedy = "end other programs, or wait" if busy else ""
    needed = f"<= {BUSY * machine.cores:g}"
    yield Finding("load average", "warning" if busy else "ok", f"{load:.2f}", needed, remedy)
    others = _busy_processes()
    if others:
        found = ", ".join(f"{name} (process {pid}) {share:.0%}" for share, pid, name in others[:NAMED])
        remedy = "end them, or wait; shares are of one core"
        yield Finding("other busy processes", "warning", found, f"none above {BUSY_SHARE:.0%}", remedy)
    else:
        yield Finding("other busy processes", "ok", "none", f"none above {BUSY_SHARE:.0%}")
    if machine.container is None:
        yield Finding("container", "ok", "none recognised", "none")
    else:
        remedy = "other programs on the same host can disturb; records count stolen and throttled time"
        yield Finding("container", "note", machine.container, "none", remedy)


def _busy_processes() -> list[tuple[float, int, str]]:
    """Return share of one core, process id and name of other processes that are busy now, the busiest first."""
    watched = [process for process in psutil.process_iter(["name"]) if process.pid != os.getpid()]
    shares: list[tuple[float, int, str]] = []
    for interval_s in (0.0, WATCH_S):  # the first reading only starts psutil's clock
        sleep(interval_s)
        shares = []
        for process in watched:
            with suppress(psutil.Error):
                shares.append((process.cpu_percent() / 100, process.pid, process.info["name"] or "unnamed"))
    return sorted((one for one in shares if one[0] > BUSY_SHARE), reverse=True)


def _on_off(flag: bool | None) -> str | None:
    return None if flag is None else "on" if flag else "off"


def _shown(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))


def _setting(name: str, found: str | None, wanted: str, remedy: str) -> Finding:
    if found is None:
        return Finding(name, "note", NOT_REPORTED, wanted)
    good = found == wanted
    return Finding(name, "ok" if good else "warning", found, wanted, "" if good else remedy)
