import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from ablatrix.records import machine
from ablatrix.records.model import Machine
from ablatrix.records.noise import Noise
from ablatrix.trials.host.environment import (
    NoiseProbe,
    ProcessProbe,
    crowding_text,
    disturbance,
    environment_variables,
    git_state,
    installed_version,
    place_runs,
    read_machine,
    utc_now,
)


def _put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(directory), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    _put(tmp_path, "studies/study.yaml", "name: a\n")
    _put(tmp_path, "src/code.py", "x = 1\n")
    _put(tmp_path, ".gitignore", "ignored/\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_environment_of_this_machine_is_read_back() -> None:
    found = read_machine()
    assert 1 <= found.cores <= len(os.sched_getaffinity(0))
    assert found.memory_bytes == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.cpu


def test_environment_of_silent_kernel_is_null(tmp_path: Path) -> None:
    found: Machine = read_machine(tmp_path)
    assert (found.container, found.governor, found.turbo, found.smt) == (None, None, None, None)
    probe = NoiseProbe.read(tmp_path)
    assert probe == NoiseProbe(None, None, None, None, probe.at_s)
    noise = probe.until(NoiseProbe.read(tmp_path)).model_dump()
    assert noise.pop("span_s") >= 0
    assert set(noise.values()) == {None}


def test_governor_turbo_and_smt_are_read_from_allowed_cpus(tmp_path: Path) -> None:
    for cpu in machine.allowed_cpus():
        _put(tmp_path, f"{machine.CPU}/cpu{cpu}/cpufreq/scaling_governor", "powersave\n")
    _put(tmp_path, f"{machine.CPU}/cpu999/cpufreq/scaling_governor", "performance\n")
    _put(tmp_path, f"{machine.CPU}/intel_pstate/no_turbo", "1\n")
    _put(tmp_path, f"{machine.CPU}/cpufreq/boost", "1\n")
    _put(tmp_path, f"{machine.CPU}/smt/active", "1\n")
    assert machine.read_governor(tmp_path) == "powersave"
    assert machine.read_turbo(tmp_path) is False
    assert read_machine(tmp_path).smt is True
    (tmp_path / machine.CPU / "intel_pstate/no_turbo").unlink()
    assert machine.read_turbo(tmp_path) is True


@pytest.mark.parametrize(
    ("changed", "is_same"),
    [
        ({"cpu MHz": "2600.1", "processor": "1", "bogomips": "5000"}, True),
        ({"model name": "Other CPU"}, False),
        ({"stepping": "3"}, False),
        ({"flags": "fpu sse avx2 avx512f"}, False),
    ],
)
def test_processor_is_another_one_where_code_for_it_may_be(
    tmp_path: Path, changed: dict[str, str], is_same: bool
) -> None:
    facts = {"processor": "0", "model name": "Some CPU", "stepping": "2", "cpu MHz": "1000.0", "flags": "fpu sse avx2"}
    for name, given in (("one", facts), ("other", facts | changed)):
        _put(tmp_path / name, "proc/cpuinfo", "".join(f"{key}\t: {value}\n" for key, value in given.items()))
    one, other = (machine.processor_digest(tmp_path / name) for name in ("one", "other"))
    assert (one == other) is is_same


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".dockerenv", "", "docker"),
        ("run/.containerenv", "", "podman"),
        (".singularity.d/env", "", "apptainer"),
        ("proc/1/cgroup", "0::/kubepods/besteffort/pod1\n", "kubepods"),
        ("run/systemd/container", "lxc\n", "lxc"),
        ("proc/cpuinfo", "model name\t: Some CPU\nflags\t\t: fpu hypervisor sse\n", "hypervisor"),
        ("proc/sys/kernel/osrelease", "6.6.1-microsoft-standard-WSL2\n", "wsl"),
        ("proc/1/cgroup", "0::/init.scope\n", None),
    ],
)
def test_containers_and_hypervisors_are_recognised(tmp_path: Path, path: str, text: str, expected: str | None) -> None:
    _put(tmp_path, path, text)
    assert machine.recognise_container(tmp_path) == expected


def test_hypervisor_is_named_by_board_beside_container(tmp_path: Path) -> None:
    _put(tmp_path, ".dockerenv", "")
    _put(tmp_path, "proc/cpuinfo", "flags\t\t: fpu hypervisor\n")
    _put(tmp_path, "sys/class/dmi/id/sys_vendor", "QEMU\n")
    assert machine.recognise_container(tmp_path) == "docker, kvm"


def test_cpu_quota_is_smallest_of_all_levels_in_cgroup_v2(tmp_path: Path) -> None:
    _put(tmp_path, "proc/self/cgroup", "0::/outer/inner\n")
    _put(tmp_path, "sys/fs/cgroup/outer/cpu.max", "150000 100000\n")
    _put(tmp_path, "sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n")
    assert machine.cpu_quota(tmp_path) == 1.5
    assert machine.cores_allowed(tmp_path) == 1


def test_cpu_quota_is_read_from_cgroup_v1(tmp_path: Path) -> None:
    _put(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/job\n0::/\n")
    _put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n")
    _put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n")
    _put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    _put(tmp_path, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert machine.cpu_quota(tmp_path) == 2.5


def test_available_memory_is_limited_by_cgroup(tmp_path: Path) -> None:
    _put(tmp_path, "proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable:  3000000 kB\n")
    assert machine.available_bytes(tmp_path) == 3000000 * 1024
    _put(tmp_path, "proc/self/cgroup", "0::/job\n")
    _put(tmp_path, "sys/fs/cgroup/job/memory.max", "1000000\n")
    _put(tmp_path, "sys/fs/cgroup/job/memory.current", "400000\n")
    assert machine.available_bytes(tmp_path) == 600000


def test_noise_is_growth_of_counters_between_two_probes(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    _put(tmp_path, "proc/self/cgroup", "0::/job\n")

    def probe(load: str, steal: int, throttled_us: int, swapped: int) -> NoiseProbe:
        _put(tmp_path, "proc/loadavg", f"{load} 0.04 0.02 3/97 5001\n")
        _put(tmp_path, "proc/stat", f"cpu  8561 0 2465 217393 400 0 44 {steal} 0 0\ncpu0 1 1\n")
        _put(tmp_path, "sys/fs/cgroup/job/cpu.stat", f"usage_usec 5\nthrottled_usec {throttled_us}\n")
        _put(tmp_path, "proc/vmstat", f"pgpgin 1\npswpin {swapped}\npswpout 2\n")
        return NoiseProbe.read(tmp_path)

    noise = probe("0.50", 10, 1_000, 0).until(probe("1.25", 10 + ticks, 3_500, 7))
    assert noise.load_average_before == 0.5
    assert noise.load_average_after == 1.25
    assert noise.steal_ms == pytest.approx(1000)
    assert noise.throttled_ms == pytest.approx(2.5)
    assert noise.swapped_pages == 7


def test_counter_that_decreased_is_null() -> None:
    noise = NoiseProbe(0.1, 900.0, 5.0, 3, 0.0).until(NoiseProbe(0.1, 10.0, 5.0, 3, 1.0))
    assert noise.steal_ms is None
    assert noise.throttled_ms == 0.0


def test_throttling_of_cgroup_v1_is_in_nanoseconds(tmp_path: Path) -> None:
    _put(tmp_path, "proc/self/cgroup", "1:cpu:/\n")
    _put(tmp_path, "sys/fs/cgroup/cpu/cpu.stat", "nr_periods 0\nthrottled_time 4000000\n")
    assert NoiseProbe.read(tmp_path).throttled_ms == pytest.approx(4.0)


def _noise(**counters: float | None) -> Noise:
    quiet = {"load_average_before": 9.0, "load_average_after": 9.0, "steal_ms": 0, "throttled_ms": 0}
    return Noise.model_validate({**quiet, "swapped_pages": 0, **counters})


@pytest.mark.parametrize(
    ("counters", "wall_s", "word"),
    [
        ({}, 1.0, None),  # a high load average alone tells nothing of this trial
        ({"steal_ms": 39.9}, 2.0, None),
        ({"steal_ms": 40.1}, 2.0, "steal"),
        ({"steal_ms": 10.0}, 0.05, None),  # one tick of the counter, in a short trial
        ({"steal_ms": 20.0}, 0.05, "steal"),
        ({"steal_ms": 20.0}, 0.0, "steal"),
        ({"throttled_ms": 0.1}, 1.0, "throttled"),
        ({"swapped_pages": 1}, 1.0, "swapping"),
        ({"steal_ms": None, "throttled_ms": None, "swapped_pages": None}, 1.0, None),
    ],
)
def test_trial_is_disturbed_by_steal_over_1_percent_or_throttling(
    counters: dict[str, float | None], wall_s: float, word: str | None
) -> None:
    found = disturbance(_noise(**counters), wall_s, cores=2)
    assert (found is None) if word is None else (found is not None and found.startswith(word))


def test_noise_between_two_probes_reports_own_disturbance() -> None:
    quiet, swapped = NoiseProbe(0.1, 0.0, 0.0, 3, 10.0), NoiseProbe(0.1, 0.0, 0.0, 9, 12.5)
    assert quiet.until(swapped).disturbance == "swapping: 6 pages went in or out"
    assert quiet.until(swapped).span_s == 2.5
    assert quiet.until(quiet).disturbance is None


def test_switches_and_cpu_time_of_process_include_its_threads() -> None:
    before = ProcessProbe.read()
    waiting = [threading.Thread(target=time.sleep, args=(0.001,)) for _ in range(20)]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    used = before.until(ProcessProbe.read())
    assert used.voluntary_switches >= 20
    assert used.involuntary_switches >= 0
    assert used.cpu_s > 0
    Noise.model_validate({**_noise().model_dump(), **asdict(used)})


def test_machine_has_cpus_and_quota(tmp_path: Path) -> None:
    _put(tmp_path, "proc/cpuinfo", "model name\t: Some CPU\n")
    _put(tmp_path, "proc/self/cgroup", "0::/job\n")
    _put(tmp_path, "sys/fs/cgroup/job/cpu.max", "150000 100000\n")
    found = read_machine(tmp_path)
    assert found.cpus == sorted(os.sched_getaffinity(0))
    assert found.cpu_quota_cores == 1.5


def test_variables_are_kept_only_if_relevant_and_not_secret() -> None:
    environment = {
        "OMP_NUM_THREADS": "2",
        "TVM_NUM_THREADS": "1",
        "LD_PRELOAD": "libjemalloc.so",
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "HOME": "/home/someone",
        "TORCH_HUB_TOKEN": "hunter2",
        "MY_OMP_NUM_THREADS": "3",
        "CCACHE_DIR": "/x",
    }
    kept = environment_variables(environment)
    assert list(kept) == [
        "CUDA_VISIBLE_DEVICES",
        "LD_PRELOAD",
        "OMP_NUM_THREADS",
        "PYTHONHASHSEED",
        "TVM_NUM_THREADS",
    ]


def test_git_state_distinguishes_clean_and_changed_checkout(checkout: Path) -> None:
    commit = _git(checkout, "rev-parse", "HEAD")
    assert git_state(checkout / "studies") == (commit, False)
    _put(checkout, "src/code.py", "x = 2\n")
    assert git_state(checkout / "studies") == (commit, True)


def test_git_state_is_dirty_with_new_study_but_not_with_outside_results(checkout: Path) -> None:
    commit = _git(checkout, "rev-parse", "HEAD")
    _put(checkout, "out/results.jsonl", "{}\n")
    assert git_state(checkout / "studies") == (commit, False)
    _put(checkout, "studies/new.yaml", "name: b\n")
    assert git_state(checkout / "studies") == (commit, True)


def test_git_state_is_clean_where_python_left_what_it_compiled(checkout: Path) -> None:
    _put(checkout, "studies/__pycache__/model.cpython-311.pyc", "\0")
    assert git_state(checkout / "studies") == (_git(checkout, "rev-parse", "HEAD"), False)


def test_git_state_of_untracked_directory_has_no_commit(checkout: Path) -> None:
    _put(checkout, "ignored/site-packages/ablatrix/code.py", "x = 1\n")
    assert git_state(checkout / "ignored/site-packages/ablatrix") == (None, None)
    assert git_state(checkout / "absent") == (None, None)
    assert git_state(Path("/proc/self")) == (None, None)


def test_git_state_without_git_has_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_state(checkout) == (None, None)


def test_git_state_ignores_git_dir_of_hook(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert git_state(checkout)[1] is False


def test_versions_need_no_import_and_missing_package_is_none() -> None:
    assert installed_version("pydantic") is not None
    assert installed_version("no-such-package-as-this") is None


def test_trials_host_loads_without_torch_or_cpuinfo() -> None:
    code = (
        "import sys, ablatrix.trials.host.environment as e; e.read_machine();"
        "print(sorted({'torch', 'cpuinfo', 'psutil'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_cpus_for_runs_leave_one_free_and_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablatrix.trials.host.environment.allowed_cpus", lambda: [0, 2, 4, 6])
    monkeypatch.setattr("ablatrix.trials.host.environment.cores_allowed", lambda: 4)
    assert place_runs(None, None) == (3, [2, 4, 6])
    assert place_runs(1, None) == (1, [6])
    assert place_runs(4, None) == (4, [0, 2, 4, 6])
    assert place_runs(8, None) == (8, [0, 2, 4, 6])
    assert place_runs(None, [5, 1]) == (1, [1, 5])
    assert place_runs(2, [3]) == (2, [3])


def test_crowding_text_says_which_cpus_threads_share() -> None:
    assert crowding_text(2, [0, 1]) is None
    assert crowding_text(2, [3]) == "2 threads of a run share CPU 3: times are not those of 2 CPUs"
    assert crowding_text(8, [0, 2]) == "8 threads of a run share CPUs 0, 2: times are not those of 8 CPUs"


def test_cpus_with_single_cpu_or_small_quota_give_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ablatrix.trials.host.environment.allowed_cpus", lambda: [0, 1, 2, 3])
    monkeypatch.setattr("ablatrix.trials.host.environment.cores_allowed", lambda: 1)
    assert place_runs(None, None) == (1, [3])


def test_time_is_iso_8601_in_utc() -> None:
    assert len(utc_now()) == len("2026-01-01T00:00:00.000Z")
    assert utc_now().endswith("Z")
