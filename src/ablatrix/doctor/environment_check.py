"""Can this machine run a study, and will its numbers be comparable to those of another machine?

What may be missing is checked here, what makes numbers scatter in ``steadiness``. Nothing heavy is imported:
packages are looked up by their metadata.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

from ablatrix.doctor.finding import Finding, Level
from ablatrix.doctor.modules import ModuleNeed, check_modules
from ablatrix.doctor.shipped import locked_versions
from ablatrix.doctor.steadiness import check_steadiness
from ablatrix.records.machine import ROOT, available_bytes, read_machine
from ablatrix.records.model import Machine
from ablatrix.records.origin import installed_version

PYTHON = (3, 11)
GIBIBYTE = 1 << 30
MEMORY_BYTES = (1 * GIBIBYTE, 4 * GIBIBYTE)  # below the first: fatal; below the second: warning
DISK_BYTES = (GIBIBYTE // 4, 2 * GIBIBYTE)
CORES = 2
TRANSFORMERS = "workloads decoder, encoder, resnet and hf:..."
PACKAGES_OF_COMPILER: Mapping[str, tuple[str, ...]] = {
    "eager": ("torch",),
    TRANSFORMERS: ("transformers",),
    "tvm": ("apache-tvm", "apache-tvm-ffi"),
    "inductor": ("torch",),
    "onnxruntime": ("onnx", "onnxruntime", "onnxscript"),
    "xla": ("jax", "torchax"),
    "openvino": ("openvino",),
}
SHOWN = 6  # of the packages whose version differs from the lock, this many are named


def check_environment(
    out: Path | None = None,
    compilers: Iterable[str] = (),
    machine: Machine | None = None,
    root: Path = ROOT,
    needs: Iterable[ModuleNeed] = (),
) -> list[Finding]:
    """Check the machine and the installation.

    Args:
        out: Directory that results will be written to (it need not exist); None omits the check that it is writable,
            and takes the free disk space of the working directory.
        compilers: Compilers that the study needs: what they lack is fatal, as is what eager lacks, the reference of
            every study; what others lack is a note.
        machine: The machine to check; None reads this one.
        root: Directory that contains ``proc`` and ``sys``, for what makes times scatter.
        needs: Modules that the study's plug-ins need.
    """
    machine = machine or read_machine()
    named = set(compilers)
    needed = {"eager", *named} | ({TRANSFORMERS} if named else set())
    return [
        _python(),
        *_core_packages(),
        *_compiler_packages(needed),
        *check_modules(needs),
        _locked(),
        _cxx(),
        _git(),
        *_resources(machine, out or Path.cwd()),
        *([] if out is None else [_writable(out)]),
        *check_steadiness(machine, root),
    ]


def _python() -> Finding:
    needed = ".".join(map(str, PYTHON)) + " or later"
    good = sys.version_info >= PYTHON
    return Finding("python", "ok" if good else "fatal", platform.python_version(), needed, "" if good else "install it")


def _core_packages() -> Iterator[Finding]:
    for requirement in metadata.requires("ablatrix") or []:
        found = re.fullmatch(
            r"([A-Za-z0-9._-]+)>=([0-9.]+)", requirement
        )  # requirements of extras have a marker and do not match
        if found:
            yield _package(found[1], "fatal", found[2])


def _compiler_packages(needed: set[str]) -> Iterator[Finding]:
    users: dict[str, list[str]] = {}
    for compiler, packages in PACKAGES_OF_COMPILER.items():
        for package in packages:
            users.setdefault(package, []).append(compiler)
    for package, compilers in users.items():
        yield _package(package, "note" if needed.isdisjoint(compilers) else "fatal", used_by=", ".join(compilers))


def _locked() -> Finding:
    """Compare what is installed with the lock; what is missing is reported by `_package`, where something needs it."""
    needed = "the versions of requirements.lock"
    locked = locked_versions()
    if not locked:
        return Finding("locked versions", "note", "this installation has no requirements.lock", needed, "none needed")
    found = {name: installed_version(name) for name in locked}
    others = [
        f"{name} {version} (locked: {locked[name]})"
        for name, version in found.items()
        if version is not None and version.partition("+")[0] != locked[name]
    ]
    if not others:
        return Finding("locked versions", "ok", f"{sum(map(bool, found.values()))} packages as locked", needed)
    rest = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    remedy = (
        "pip install -r requirements.lock, in a clone of ablatrix or an artifact; or expect other numbers, and tables "
        "that differ in the last digits"
    )
    return Finding("locked versions", "warning", ", ".join(others[:SHOWN]) + rest, needed, remedy)


def _package(name: str, level: Level, least: str = "", used_by: str = "") -> Finding:
    version = installed_version(name)
    needed = " ".join(filter(None, [f">= {least}" if least else "", f"for {used_by}" if used_by else ""]))
    if version is not None and _numbers(version) >= _numbers(least):
        return Finding(f"package {name}", "ok", version, needed)
    remedy = f"pip install '{name}{f'>={least}' if least else ''}'"
    return Finding(f"package {name}", level, version or "not installed", needed, remedy)


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"[0-9]+(?:\.[0-9]+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _cxx() -> Finding:
    needed = "one that compiles and links a shared library"
    remedy = "install one (Debian: apt install g++) or name it in CXX"
    names = [name for name in (os.environ.get("CXX"), "g++", "c++", "clang++") if name]
    path = next((path for path in map(shutil.which, names) if path), None)
    if path is None:
        return Finding("C++ compiler", "fatal", f"none of {', '.join(names)}", needed, remedy)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "probe.cc")
        source.write_text('#include <vector>\nextern "C" int probe() { return std::vector<int>(3).size(); }\n')
        command = [path, "-std=c++17", "-shared", "-fPIC", "-o", str(source.with_suffix(".so")), str(source)]
        complaint = _complaint(command)
    if complaint is not None:
        return Finding("C++ compiler", "fatal", f"{path} fails on a small library: {complaint}", needed, remedy)
    return Finding("C++ compiler", "ok", path, needed)


def _complaint(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no message"])[0]


def _git() -> Finding:
    path = shutil.which("git")
    remedy = "" if path else "install git; without it records have no commit"
    return Finding("git", "ok" if path else "note", path or "not found", "any", remedy)


def _resources(machine: Machine, out: Path) -> Iterator[Finding]:
    enough = machine.cores >= CORES
    remedy = "" if enough else "expect longer and less steady runs; with more than one thread, threads share a core"
    yield Finding("cores", "ok" if enough else "warning", str(machine.cores), f">= {CORES}", remedy)
    memory = available_bytes()
    yield _amount("free memory", memory, MEMORY_BYTES, "end other programs or choose smaller workloads")
    disk = shutil.disk_usage(_existing(out)).free
    yield _amount("free disk", disk, DISK_BYTES, "free space or choose another --out")


def _amount(name: str, found: int | None, limits: tuple[int, int], remedy: str) -> Finding:
    needed = f">= {limits[1] / GIBIBYTE:g} GiB"
    if found is None:
        return Finding(name, "note", "not reported by the system", needed)
    level: Level = "fatal" if found < limits[0] else "warning" if found < limits[1] else "ok"
    return Finding(name, level, f"{found / GIBIBYTE:.1f} GiB", needed, "" if level == "ok" else remedy)


def _existing(path: Path) -> Path:
    """Return the path or its nearest ancestor that exists."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _writable(out: Path) -> Finding:
    directory = _existing(out)
    try:
        with tempfile.TemporaryFile(dir=directory):
            return Finding("output directory", "ok", str(out), "writable")
    except OSError as error:
        found = f"{directory}: {error.strerror}"
        return Finding("output directory", "fatal", found, "writable", "choose another --out")
