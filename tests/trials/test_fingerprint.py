"""Fingerprints of hosts: software that differs is refused with its difference, hardware that differs is a stratum."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ablatrix.records import machine
from ablatrix.trials.slots import choose_reference, difference_text, read_fingerprint, stratum_of
from ablatrix.trials.slots.environment import clean_environment
from ablatrix.trials.slots.messages import Fingerprint

DISTRIBUTIONS: Mapping[str, str] = {
    "torch": "2.13.0+cpu",
    "sympy": "1.14.0",
    "apache-tvm": "0.27.0",
    "onnxruntime": "1.30.0",
    "openvino": "2026.4.0",
    "numpy": "2.4.0",
    "black": "25.1.0",
}
REQUIRES = {"torch": ("sympy>=1.13", "nvidia-nccl; extra == 'cuda'")}
SYS = "sys/devices/system/cpu"


@dataclass(frozen=True)
class Planted:
    """What a host has, as files and variables."""

    versions: Mapping[str, str] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def read(self, directory: Path) -> Fingerprint:
        root, packages = directory / "root", directory / "packages"
        files = {
            "proc/cpuinfo": "processor : 0\nmodel name : Example 9000\nmicrocode : 0x11\n",
            "proc/meminfo": "MemTotal: 33554432 kB\n",
            "proc/sys/kernel/osrelease": "6.12.1\n",
            f"{SYS}/cpu0/cpufreq/scaling_governor": "performance\n",
            f"{SYS}/intel_pstate/no_turbo": "1\n",
            f"{SYS}/smt/active": "0\n",
            **self.files,
        }
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        for name, version in {**DISTRIBUTIONS, **self.versions}.items():
            if name not in self.absent:
                self._install(packages, name, version)
        machine.cpu_model.cache_clear()
        variables = {"PATH": "/bin", "HOME": "/home/one", "OMP_NUM_THREADS": "1", **self.variables}
        return read_fingerprint(variables, root, [str(packages)])

    def _install(self, packages: Path, name: str, version: str) -> None:
        info = packages / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        needs = "".join(f"Requires-Dist: {one}\n" for one in REQUIRES.get(name, ()))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        content = self.contents.get(name, "code")
        (info / "RECORD").write_text(f"{name}/core.so,sha256={content},1\n../../bin/{name},sha256=own{name},1\n")


SKEWS: Mapping[str, tuple[Planted, str]] = {
    "build of torch": (Planted(versions={"torch": "2.13.0+cu126"}), "package torch is 2.13.0+cu126 sha256:"),
    "wheel of torch": (Planted(contents={"torch": "other"}), "package torch is 2.13.0+cpu sha256:"),
    "version of tvm": (Planted(versions={"apache-tvm": "0.26.0"}), "package apache-tvm is 0.26.0"),
    "wheel of tvm": (Planted(contents={"apache-tvm": "built here"}), "package apache-tvm is 0.27.0"),
    "version of onnxruntime": (Planted(versions={"onnxruntime": "1.29.0"}), "package onnxruntime is 1.29.0"),
    "wheel of onnxruntime": (Planted(contents={"onnxruntime": "x"}), "package onnxruntime is 1.30.0"),
    "no openvino": (Planted(absent=("openvino",)), "package openvino is absent, not 2026.4.0"),
    "version of numpy": (Planted(versions={"numpy": "2.3.5"}), "package numpy is 2.3.5"),
    "what torch needs": (Planted(versions={"sympy": "1.13.3"}), "package sympy is 1.13.3"),
    "jax beside it": (Planted(versions={"jax": "0.10.0"}), "package jax is 0.10.0"),
    "threads of tvm": (Planted(variables={"TVM_NUM_THREADS": "2"}), "variable TVM_NUM_THREADS is 2, not absent"),
    "preloaded library": (Planted(variables={"LD_PRELOAD": "/x.so"}), "variable LD_PRELOAD is /x.so, not absent"),
    "allocator": (Planted(variables={"MALLOC_ARENA_MAX": "1"}), "variable MALLOC_ARENA_MAX is 1, not absent"),
    "flags of xla": (Planted(variables={"XLA_FLAGS": "--a"}), "variable XLA_FLAGS is --a, not absent"),
    "hash seed": (Planted(variables={"PYTHONHASHSEED": "0"}), "variable PYTHONHASHSEED is 0, not absent"),
    "tunables": (Planted(variables={"GLIBC_TUNABLES": "a=1"}), "variable GLIBC_TUNABLES is a=1, not absent"),
    "governor": (
        Planted(files={f"{SYS}/cpu0/cpufreq/scaling_governor": "powersave\n"}),
        "governor is powersave, not performance",
    ),
    "turbo": (Planted(files={f"{SYS}/intel_pstate/no_turbo": "0\n"}), "turbo is True, not False"),
    "kernel": (Planted(files={"proc/sys/kernel/osrelease": "6.8.0\n"}), "kernel is 6.8.0, not 6.12.1"),
}


@pytest.fixture(autouse=True)
def one_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "allowed_cpus", lambda: [0])


@pytest.mark.parametrize("skew", SKEWS)
def test_planted_skew_is_refused_with_its_difference(tmp_path: Path, skew: str) -> None:
    reference = Planted().read(tmp_path / "one")
    planted, told = SKEWS[skew]
    text = difference_text(reference, planted.read(tmp_path / "two"))
    assert text.startswith(told)
    assert "\n" not in text


def test_other_patch_of_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = Planted().read(tmp_path / "one")
    monkeypatch.setattr(platform, "python_version", lambda: "3.11.99")
    text = difference_text(reference, Planted().read(tmp_path / "two"))
    assert text.startswith("python is 3.11.99 CPython")


@pytest.mark.parametrize(
    "planted",
    [
        Planted(),
        Planted(variables={"OMP_NUM_THREADS": "64", "RAY_JOB_ID": "1", "CUDA_VISIBLE_DEVICES": "", "MKL_X": "1"}),
        Planted(variables={"HOME": "/home/two"}),
        Planted(versions={"black": "24.0.0"}),
    ],
    ids=["the same", "what a cluster sets", "another user", "a package that nothing needs"],
)
def test_what_changes_no_measurement_is_not_refused(tmp_path: Path, planted: Planted) -> None:
    one, two = Planted().read(tmp_path / "one"), planted.read(tmp_path / "two")
    assert difference_text(one, two) == ""
    assert stratum_of(one) == stratum_of(two)


@pytest.mark.parametrize(
    "files",
    [
        {"proc/cpuinfo": "processor : 0\nmodel name : Example 5000\nmicrocode : 0x11\n"},
        {"proc/cpuinfo": "processor : 0\nmodel name : Example 9000\nmicrocode : 0x12\n"},
        {f"{SYS}/smt/active": "1\n"},
        {"proc/meminfo": "MemTotal: 67108864 kB\n"},
    ],
    ids=["model", "microcode", "threads of a core", "memory"],
)
def test_other_hardware_is_a_stratum_of_its_own(tmp_path: Path, files: dict[str, str]) -> None:
    one, two = Planted().read(tmp_path / "one"), Planted(files=files).read(tmp_path / "two")
    assert difference_text(one, two) == ""
    assert stratum_of(one) != stratum_of(two)


def test_machine_that_starts_the_run_need_not_be_like_hosts(tmp_path: Path) -> None:
    host = Planted().read(tmp_path / "one")
    own = replace(host, kernel="5.0", governor=None)
    odd = replace(host, governor="powersave")
    reference = choose_reference(own, [odd, host, host])
    assert difference_text(reference, host) == ""
    assert difference_text(reference, odd) == "governor is powersave, not performance"


def test_many_differences_are_counted(tmp_path: Path) -> None:
    one = Planted().read(tmp_path / "one")
    two = replace(one, variables={f"TVM_{number}": "1" for number in range(9)})
    assert difference_text(one, two).endswith("and 5 more")


def test_clean_environment_keeps_what_no_cluster_sets() -> None:
    inherited = {
        "PATH": "/bin",
        "RAY_ADDRESS": "x",
        "OMP_NUM_THREADS": "1",
        "SLURM_JOB_ID": "7",
        "TVM_NUM_THREADS": "2",
    }
    assert clean_environment(inherited) == {"PATH": "/bin", "TVM_NUM_THREADS": "2"}
