"""A container for an artifact: its recipe, and the wheels that are installed in it without a network.

The scripts are the same in every artifact (``artifact/data/container``). What differs is in two files that they read:
the recipe says which Debian, Python and day of its archive; ``wheels.txt`` says which wheels, with their digests.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ablatrix.doctor.shipped import package_key, versions_in
from ablatrix.errors import ArtifactError
from ablatrix.interpreter import interpreter
from ablatrix.regular_files import digest_regular

RELEASES: Mapping[tuple[int, int], str] = {(3, 11): "bookworm", (3, 13): "trixie"}
"""Python -> the release of Debian that has it (https://packages.debian.org/python3)."""
ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
PACKAGES = ("ca-certificates", "g++", "python3", "python3-dev", "python3-pip", "python3-venv")
WHEELS_SUFFIX = "-wheels"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Which Debian a container is made of.

    Attributes:
        suite: Its release.
        architecture: As Debian names it.
        day: The day of its archive, at midnight UTC.
    """

    suite: str
    architecture: str
    day: datetime

    @property
    def text(self) -> str:
        """The lines of ``container/recipe.txt``."""
        values = {
            "SUITE": self.suite,
            "ARCHITECTURE": self.architecture,
            "PACKAGES": ",".join(PACKAGES),
            "SNAPSHOT": f"{self.day:%Y%m%dT%H%M%SZ}",
            "EPOCH": str(int(self.day.timestamp())),
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())


def make_recipe(
    day: datetime, python: tuple[int, int] = (sys.version_info[0], sys.version_info[1]), machine: str = ""
) -> Recipe:
    """Return the recipe for the interpreter that runs this, whose wheels are those of the container.

    Args:
        day: When the study was run; the archive is that of the beginning of this day.
        python: Version of the interpreter.
        machine: Its architecture, as the kernel names it; that of this machine where it is left out.

    Raises:
        ArtifactError: No release of Debian has that Python, or it is another architecture than Debian's.
    """
    machine = machine or platform.machine()
    if python not in RELEASES:
        there = " or ".join(".".join(map(str, one)) for one in RELEASES)
        raise ArtifactError(
            f"--container: no release of Debian has Python {python[0]}.{python[1]}; run ablatrix with Python {there}"
        )
    if machine not in ARCHITECTURES:
        raise ArtifactError(f"--container: made for {' and '.join(ARCHITECTURES)}, and this machine is {machine}")
    start = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Recipe(suite=RELEASES[python], architecture=ARCHITECTURES[machine], day=start)


def wheels_beside(directory: Path) -> Path:
    """Return where the wheels of an artifact are kept: beside it, since they are many times as large."""
    return directory.with_name(directory.name + WHEELS_SUFFIX)


def gather_wheels(lock: str, directory: Path) -> None:
    """Fetch, or build, the wheel of each package of a lock that a folder lacks.

    Args:
        lock: Lines ``name==version``.
        directory: Where the wheels go.

    Raises:
        ArtifactError: pip is missing or failed; its last words are in the message.
    """
    directory.mkdir(parents=True, exist_ok=True)
    held = _held(directory)
    missing = [
        f"{name}=={version}" for name, version in versions_in(lock).items() if package_key(name, version) not in held
    ]
    if not missing:
        return
    if find_spec("pip") is None:
        raise ArtifactError("--container: this environment has no pip; to have it: python -m ensurepip")
    options = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--wheel-dir", str(directory))
    command = interpreter("-m", "pip", "wheel", *options, *missing)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise ArtifactError(
            f"--container: pip cannot fetch the wheels of {len(missing)} packages of the lock: {said[-1]}; those that "
            f"are in {directory} already are not asked for again"
        )


def wheels_text(lock: str, directory: Path) -> str:
    """Return ``container/wheels.txt``: each package of a lock with the digest of its wheel, as pip takes it.

    Raises:
        ArtifactError: The folder lacks the wheel of a package.
    """
    held, lines = _held(directory), []
    for name, version in versions_in(lock).items():
        found = held.get(package_key(name, version))
        if found is None:
            raise ArtifactError(f"{directory}: no wheel of {name}=={version}; run the command again to fetch it")
        lines.append(f"{name}=={found.version} --hash=sha256:{digest_regular(found.file)}\n")
    return "".join(lines)


@dataclass(frozen=True)
class _Wheel:
    file: Path
    version: str


def _held(directory: Path) -> dict[tuple[str, str], _Wheel]:
    """Return the wheels of a folder by name and release; a local label (``+cpu``) is part of the version alone."""
    return dict(_wheels(directory))


def _wheels(directory: Path) -> Iterator[tuple[tuple[str, str], _Wheel]]:
    for file in sorted(directory.glob("*.whl")):
        try:
            name, version, _, _ = parse_wheel_filename(file.name)
        except InvalidWheelFilename:
            continue
        yield package_key(name, str(version)), _Wheel(file, str(version))
