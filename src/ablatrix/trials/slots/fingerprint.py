"""What a host has that can change what is measured there, and how two hosts differ.

Software that differs is refused: the difference would be taken for one of hosts. Hardware that differs makes a stratum:
effects are estimated within hosts, and no times are compared over hosts.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from ablatrix.canonical import content_id, digest_bytes, digest_value
from ablatrix.records.machine import ROOT, cpu_model, read_machine, read_text
from ablatrix.trials.slots.environment import compared_variables
from ablatrix.trials.slots.messages import Fingerprint

ROOTS = (
    "ablatrix", "torch", "torchao", "transformers", "apache-tvm", "apache-tvm-ffi", "onnx", "onnxruntime", "onnxscript",
    "jax", "jaxlib", "torchax", "openvino", "numpy", "scipy", "pydantic", "polars",
)  # fmt: skip
"""Distributions whose own and whose requirements' versions are compared, where they are installed."""
HARDWARE = ("cpu", "microcode", "smt", "cores", "memory_gib")
SHOWN_DIGITS = 8
GIB = 2**30
MOST = 4  # differences that one line names


def read_fingerprint(
    variables: Mapping[str, str] | None = None, root: Path = ROOT, path: Iterable[str] | None = None
) -> Fingerprint:
    """Return the fingerprint of this process's host and interpreter.

    Args:
        variables: The environment; that of this process by default.
        root: Directory under which ``proc`` and ``sys`` lie.
        path: Directories of installed distributions; those of this interpreter by default.
    """
    machine = read_machine(root)
    microcode = re.search(r"^microcode\s*:\s*(\S+)", read_text(root / "proc/cpuinfo") or "", re.M)
    return Fingerprint(
        python=f"{platform.python_version()} {platform.python_implementation()} ({platform.python_compiler()})",
        packages=dict(_packages(None if path is None else list(path))),
        variables=compared_variables(os.environ if variables is None else variables),
        source=_own_source(),
        kernel=(read_text(root / "proc/sys/kernel/osrelease") or platform.release()).strip(),
        libc=" ".join(platform.libc_ver()),
        governor=machine.governor,
        turbo=machine.turbo,
        cpu=cpu_model(root),
        microcode=None if microcode is None else microcode[1],
        smt=machine.smt,
        cores=os.cpu_count() or 1,
        memory_gib=round(machine.memory_bytes / GIB),
    )


def differences(reference: Fingerprint, other: Fingerprint) -> list[str]:
    """Return how the software of a host differs from that of the reference, a clause each; none where it is alike."""
    one, two = asdict(reference), asdict(other)
    found: list[str] = []
    for name, here in one.items():
        if name in HARDWARE or here == two[name]:
            continue
        if isinstance(here, dict):
            what = "package" if name == "packages" else "variable"
            found += [
                f"{what} {key} is {two[name].get(key, 'absent')!s}, not {here.get(key, 'absent')!s}"
                for key in sorted({*here, *two[name]})
                if here.get(key) != two[name].get(key)
            ]
        else:
            found.append(f"{name} is {_shown(two[name])}, not {_shown(here)}")
    return found


def difference_text(reference: Fingerprint, other: Fingerprint) -> str:
    """Return how the software of a host differs, in one line; empty where it is alike."""
    found = differences(reference, other)
    rest = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return "; ".join(found[:MOST]) + rest


def stratum_of(fingerprint: Fingerprint) -> str:
    """Return the id of the stratum of a host: hosts of one have hardware and software in common."""
    return content_id(asdict(fingerprint))


def choose_reference(own: Fingerprint, hosts: Iterable[Fingerprint]) -> Fingerprint:
    """Return what all hosts are compared with.

    Interpreter, packages and variables are those of the run itself, which made the design. What belongs to a machine
    is that of most hosts (of equally many, the smallest): the run's own machine need not measure anything.

    Args:
        own: Of the process that runs the study.
        hosts: Of the hosts.
    """
    there = list(hosts)
    if not there:
        return own
    settings = [(one.kernel, one.libc, one.governor, one.turbo) for one in there]
    kernel, libc, governor, turbo = max(sorted(set(settings), key=repr), key=settings.count)
    held = {**asdict(own), "kernel": kernel, "libc": libc, "governor": governor, "turbo": turbo}
    return Fingerprint(**held)


def _packages(path: list[str] | None) -> Iterator[tuple[str, str]]:
    """Yield name and version of what ablatrix and the compilers need, with the start of the digest of its files."""
    found: dict[str, metadata.Distribution] = {}
    for one in metadata.distributions() if path is None else metadata.distributions(path=path):
        found.setdefault(_normal(one.metadata["Name"] or ""), one)  # the first is the one that is imported
    wanted, seen = [name for name in ROOTS if name in found], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in found:
            continue
        seen.add(name)
        needed = (re.match(r"[\w.-]+", text) for text in found[name].requires or () if "extra ==" not in text)
        wanted += [_normal(one[0]) for one in needed if one is not None]
    for name in sorted(seen):
        if name != "ablatrix":  # its code is compared itself: one checkout has many states of one version
            yield name, f"{found[name].version} sha256:{_wheel_digest(found[name])[:SHOWN_DIGITS]}"


def _wheel_digest(distribution: metadata.Distribution) -> str:
    """Return a digest of the files of a wheel, by the hashes that the installer kept; not of what it added itself."""
    rows = (line.split(",") for line in (distribution.read_text("RECORD") or "").splitlines())
    own = (row for row in rows if len(row) > 2 and row[1] and not row[0].startswith("..") and _is_own(row[0]))
    kept = sorted(f"{name} {digest}" for name, digest, *_ in own)
    return digest_bytes("\n".join(kept).encode())


def _is_own(name: str) -> bool:
    return Path(name).name not in {"INSTALLER", "REQUESTED", "direct_url.json"}


def _own_source() -> str:
    """Return a digest of ablatrix's own code."""
    room = Path(__file__).parents[2]
    files = sorted(room.rglob("*.py"))
    digests = {str(file.relative_to(room)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return digest_value(digests)[: 2 * SHOWN_DIGITS]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _shown(value: object) -> str:
    return "unknown" if value is None else str(value)
