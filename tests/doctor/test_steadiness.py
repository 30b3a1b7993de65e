import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.doctor import steadiness
from ablatrix.doctor.finding import Finding
from ablatrix.doctor.steadiness import check_steadiness, cpu_numbers
from ablatrix.records.machine import allowed_cpus, read_machine
from ablatrix.records.model import Machine


@pytest.fixture(autouse=True)
def _short_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steadiness, "WATCH_S", 0.05)


def _machine(**facts: object) -> Machine:
    quiet = {"governor": "performance", "turbo": False, "smt": False, "container": None, "cpu_quota_cores": None}
    return Machine.model_validate(read_machine().model_dump() | quiet | facts)


def _look(root: Path, **facts: object) -> dict[str, Finding]:
    findings = list(check_steadiness(_machine(**facts), root))
    assert len({finding.name for finding in findings}) == len(findings)
    return {finding.name: finding for finding in findings}


def _put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("path", "text", "name", "level", "remedy"),
    [
        ("proc/sys/kernel/randomize_va_space", "0\n", "address space randomisation", "warning", "randomize_va_space=2"),
        ("proc/sys/kernel/randomize_va_space", "2\n", "address space randomisation", "ok", ""),
        ("proc/sys/kernel/nmi_watchdog", "1\n", "kernel watchdog", "warning", "nmi_watchdog=0"),
        ("proc/sys/kernel/numa_balancing", "1\n", "NUMA balancing", "warning", "numa_balancing=0"),
        ("proc/sys/kernel/perf_event_max_sample_rate", "100000\n", "perf sampling", "note", "max_sample_rate=1"),
        ("proc/sys/kernel/perf_event_max_sample_rate", "1\n", "perf sampling", "ok", ""),
        (
            "sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never\n",
            "transparent huge pages",
            "note",
            "m",
        ),
        ("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n", "transparent huge pages", "ok", ""),
        ("sys/kernel/mm/ksm/run", "1\n", "same-page merging", "warning", "ksm/run"),
        ("sys/class/power_supply/AC/online", "0\n", "power supply", "warning", "plug"),
        ("sys/class/power_supply/AC/online", "1\n", "power supply", "ok", ""),
        ("proc/swaps", "Filename Type Size Used Priority\n", "swap", "ok", ""),
        ("proc/swaps", "Filename Type Size Used Priority\n/s file 2097148 0 -2\n", "swap", "note", "swapoff"),
        ("proc/swaps", "Filename Type Size Used Priority\n/s file 2097148 512000 -2\n", "swap", "warning", "swapoff"),
        ("sys/devices/system/cpu/isolated", "\n", "isolated CPUs", "note", "isolcpus="),
        ("sys/devices/system/cpu/isolated", "900-901\n", "isolated CPUs", "warning", "taskset -c 900-901"),
    ],
)
def test_steadiness_judges_each_setting_and_gives_its_remedy(
    tmp_path: Path, path: str, text: str, name: str, level: str, remedy: str
) -> None:
    _put(tmp_path, path, text)
    finding = _look(tmp_path)[name]
    assert finding.level == level, finding
    assert remedy in finding.remedy
    assert bool(finding.remedy) == (level != "ok")


def test_steadiness_with_silent_kernel_gives_note(tmp_path: Path) -> None:
    found = _look(tmp_path)
    for name in ("address space randomisation", "kernel watchdog", "NUMA balancing", "swap", "isolated CPUs"):
        assert (found[name].level, found[name].found) == ("note", "not reported by the kernel")


def test_steadiness_on_isolated_cpus_is_good_and_counts_interrupts(tmp_path: Path) -> None:
    mine = ",".join(map(str, allowed_cpus()))
    _put(tmp_path, "sys/devices/system/cpu/isolated", mine + "\n")
    _put(tmp_path, "proc/irq/24/smp_affinity_list", "0-1023\n")
    _put(tmp_path, "proc/irq/25/smp_affinity_list", "1023\n")
    found = _look(tmp_path)
    assert found["isolated CPUs"].level == "ok"
    assert (found["interrupts on isolated CPUs"].level, found["interrupts on isolated CPUs"].found) == ("warning", "1")


def test_steadiness_with_cpu_quota_warns(tmp_path: Path) -> None:
    finding = _look(tmp_path, cpu_quota_cores=1.5)["affinity"]
    assert (finding.level, finding.found) == ("warning", "CPU quota of 1.5 cores")


def test_steadiness_names_turbo_switch_of_present_driver(tmp_path: Path) -> None:
    assert "cpufreq/boost" in _look(tmp_path, turbo=True)["turbo"].remedy
    _put(tmp_path, "sys/devices/system/cpu/intel_pstate/no_turbo", "0\n")
    assert (
        "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo" in _look(tmp_path, turbo=True)["turbo"].remedy
    )


def test_steadiness_names_busy_process_with_its_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steadiness, "WATCH_S", 0.3)
    monkeypatch.setattr(steadiness, "NAMED", 1000)
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        finding = _look(tmp_path)["other busy processes"]
    finally:
        process.kill()
        process.wait()
    assert finding.level == "warning"
    assert f"(process {process.pid})" in finding.found


def test_cpu_list_in_kernel_format_is_parsed() -> None:
    assert cpu_numbers("0-2,5\n") == {0, 1, 2, 5}
    assert cpu_numbers("\n") == set()
