"""The machine as the system reports it, read back and never guessed: what the kernel does not report is null.

Every reader takes ``root``, the directory under which ``proc`` and ``sys`` lie, so that a recorded tree can
stand in for the live one. Sources: proc(5), cgroups(7), ``Documentation/admin-guide/cgroup-v2.rst`` and
``Documentation/admin-guide/pm/{cpufreq,intel_pstate}.rst`` of the Linux kernel.
"""

import functools
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

from ablatrix.canonical import digest_value
from ablatrix.records.model import Machine

ROOT = Path("/")
CPU = "sys/devices/system/cpu"
CONTAINER_FILES = {".dockerenv": "docker", "run/.containerenv": "podman", ".singularity.d": "apptainer"}
CONTAINER_GROUPS = re.compile(r"kubepods|docker|libpod|lxc|containerd|garden")
VECTOR_EXTENSIONS = {
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "avx": "AVX",
    "sse4_2": "SSE4.2",
    "sve2": "SVE2",
    "sve": "SVE",
    "asimd": "NEON",
    "neon": "NEON",
}
"""Vector extensions by their flag in ``/proc/cpuinfo``, the widest of each architecture first."""
HYPERVISORS = {
    "qemu": "kvm",
    "kvm": "kvm",
    "vmware": "vmware",
    "virtualbox": "virtualbox",
    "xen": "xen",
    "microsoft corporation": "hyper-v",
    "amazon ec2": "amazon ec2",
    "google": "google compute engine",
}


def read_machine(root: Path = ROOT) -> Machine:
    """Return the machine's facts as they are now."""
    return Machine(
        host=platform.node(),
        cpu=cpu_model(root),
        cores=cores_allowed(root),
        memory_bytes=memory_bytes(root),
        kernel=platform.release(),
        container=recognise_container(root),
        governor=read_governor(root),
        turbo=read_turbo(root),
        smt=_flag(root / CPU / "smt/active"),
        cpus=allowed_cpus(),
        cpu_quota_cores=cpu_quota(root),
        isa=instruction_set(root),
        os=operating_system(root),
    )


@functools.cache
def cpu_model(root: Path = ROOT) -> str:
    """Return the CPU's name; ``unknown`` when nothing reports it.

    py-cpuinfo starts processes and takes about a second, so it is asked only where the kernel's file has no
    name (most ARM machines, and systems other than Linux).
    """
    found = re.search(r"^(?:model name|Hardware|cpu)\s*:\s*(\S.*)$", read_text(root / "proc/cpuinfo") or "", re.M)
    if found:
        return found[1].strip()
    import cpuinfo  # slow to import, and rarely needed

    return str(cpuinfo.get_cpu_info().get("brand_raw") or platform.processor() or "unknown")


def instruction_set(root: Path = ROOT) -> str:
    """Return the instruction set with its widest vector extension: ``x86_64, AVX2``; without one, the former alone."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", read_text(root / "proc/cpuinfo") or "", re.M)
    flags = set(found[1].split()) if found else set()
    widest = next((name for flag, name in VECTOR_EXTENSIONS.items() if flag in flags), None)
    return ", ".join(filter(None, (platform.machine(), widest)))


@functools.cache
def processor_digest(root: Path = ROOT) -> str:
    """Return a digest of what code may be tuned to on this host: the model of its processor, and all that it can do."""
    kept = re.findall(
        r"^((?:vendor_id|cpu family|model|model name|stepping|cpu|Hardware|CPU \w+|flags|Features)\s*:.*)$",
        read_text(root / "proc/cpuinfo") or "",
        re.M,
    )
    return digest_value([platform.machine(), *sorted({" ".join(line.split()) for line in kept})])


def operating_system(root: Path = ROOT) -> str | None:
    """Return the name of the operating system by os-release(5); None where nothing tells it."""
    for file in ("etc/os-release", "usr/lib/os-release"):
        found = re.search(r"^PRETTY_NAME=(.*)$", read_text(root / file) or "", re.M)
        if found and (name := found[1].strip().strip("\"'")):
            return name
    return None


def cores_allowed(root: Path = ROOT) -> int:
    """Return how many whole cores this process can keep busy: its affinity, cut by its CPU quota."""
    cores = len(allowed_cpus())
    quota = cpu_quota(root)
    return cores if quota is None else max(1, min(cores, int(quota)))


def allowed_cpus() -> list[int]:
    """Return the numbers of the CPUs that this process may be scheduled on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return the smallest CPU quota, in cores, of this process's cgroups; None without one."""
    quotas = []
    for group in cgroup_directories("cpu", root):
        limit = (read_text(group / "cpu.max") or "").split()
        if not limit:
            limit = [(read_text(group / f"cpu.cfs_{part}_us") or "").strip() for part in ("quota", "period")]
        if len(limit) == 2 and limit[0].isdigit() and limit[1].isdigit():  # "max" and -1 mean no limit
            quotas.append(int(limit[0]) / int(limit[1]))
    return min(quotas, default=None)


def memory_bytes(root: Path = ROOT) -> int:
    """Return the physical memory in bytes."""
    total = _meminfo("MemTotal", root)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if total is None else total


def available_bytes(root: Path = ROOT) -> int | None:
    """Return the memory in bytes that can be used without swapping, cut by the cgroup's limit."""
    bounds = [_meminfo("MemAvailable", root)]
    for group in cgroup_directories("memory", root):
        for limit_file, usage_file in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            limit, usage = _number(group / limit_file), _number(group / usage_file)
            if limit is not None and usage is not None:
                bounds.append(max(0, limit - usage))
    return min((bound for bound in bounds if bound is not None), default=None)


def recognise_container(root: Path = ROOT) -> str | None:
    """Return the container and the hypervisor around this process, comma between; None for neither."""
    parts = [part for part in (_container(root), _hypervisor(root)) if part is not None]
    return ", ".join(parts) or None


def read_governor(root: Path = ROOT) -> str | None:
    """Return the frequency governor of the allowed CPUs (several joined by ``+``); None when not reported."""
    texts = (read_text(root / CPU / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in allowed_cpus())
    return "+".join(sorted({text.strip() for text in texts if text})) or None


def read_turbo(root: Path = ROOT) -> bool | None:
    """Return whether the CPU may exceed its nominal frequency; None when not reported."""
    forbidden = _flag(root / CPU / "intel_pstate/no_turbo")
    return _flag(root / CPU / "cpufreq/boost") if forbidden is None else not forbidden


def cgroup_directories(controller: str, root: Path = ROOT) -> Iterator[Path]:
    """Yield the directories of this process's cgroup for a controller and of all above it, innermost first.

    Inside a container the path that the kernel prints may be the host's; levels that do not exist are
    skipped.
    """
    for line in (read_text(root / "proc/self/cgroup") or "").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            mounts = ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
        elif controller in controllers.split(","):
            mounts = [f"sys/fs/cgroup/{controllers}", f"sys/fs/cgroup/{controller}"]
        else:
            continue
        mount = next((root / mount for mount in mounts if (root / mount).is_dir()), None)
        if mount is not None:
            inner = mount / path.lstrip("/")
            levels = [inner, *inner.parents]
            yield from (level for level in levels if level.is_relative_to(mount) and level.is_dir())


def read_text(path: Path) -> str | None:
    """Return a file's text; None when it is missing or may not be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _container(root: Path) -> str | None:
    for name, container in CONTAINER_FILES.items():
        if (root / name).exists():
            return container
    named = (read_text(root / "run/systemd/container") or "").strip()
    found = CONTAINER_GROUPS.search(read_text(root / "proc/1/cgroup") or "")
    return named or (found[0] if found else None)


def _hypervisor(root: Path) -> str | None:
    if "microsoft" in (read_text(root / "proc/sys/kernel/osrelease") or "").lower():
        return "wsl"
    reported = (read_text(root / "sys/hypervisor/type") or "").strip()
    if reported:
        return reported
    dmi = root / "sys/class/dmi/id"
    board = " ".join(read_text(dmi / name) or "" for name in ("sys_vendor", "product_name")).lower()
    if re.search(r"^flags\s*:.*\bhypervisor\b", read_text(root / "proc/cpuinfo") or "", re.M):
        return next((name for mark, name in HYPERVISORS.items() if mark in board), "hypervisor")
    return None


def _meminfo(field: str, root: Path) -> int | None:
    found = re.search(rf"^{field}:\s*(\d+) kB$", read_text(root / "proc/meminfo") or "", re.M)
    return int(found[1]) * 1024 if found else None


def _number(path: Path) -> int | None:
    text = (read_text(path) or "").strip()
    return int(text) if text.isdigit() else None


def _flag(path: Path) -> bool | None:
    return {"0": False, "1": True}.get((read_text(path) or "").strip())
