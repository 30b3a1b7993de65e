"""The container of a bundle: a shell reads its recipe and pip its wheels, so these may have nothing but that."""

import re
from collections.abc import Iterator
from pathlib import Path

from ablatrix.artifact.contents import RECIPE_NAME, WHEELS_NAME, Problem
from ablatrix.doctor.shipped import package_key, versions_in
from ablatrix.records.names import LOCK_NAME
from ablatrix.regular_files import MEBIBYTE, read_regular

RECIPE = re.compile(
    r"SUITE=[a-z]+\nARCHITECTURE=[a-z0-9]+\nPACKAGES=[a-z0-9+,-]+\nSNAPSHOT=\d{8}T\d{6}Z\nEPOCH=\d{1,12}\n", re.ASCII
)
WHEEL = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9.!+_-]+) --hash=sha256:[0-9a-f]{64}", re.ASCII
)
SHOWN = 5


def check_container(directory: Path) -> list[Problem]:
    """Return what is wrong with a bundle's container; nothing where it has none.

    Args:
        directory: The bundle.
    """
    recipe, wheels, lock = (_text(directory / name) for name in (RECIPE_NAME, WHEELS_NAME, LOCK_NAME))
    problems = []
    if recipe is not None and RECIPE.fullmatch(recipe) is None:
        problems.append(Problem(RECIPE_NAME, "invalid", "it has lines that no recipe has; read it before you use it"))
    if wheels is not None:
        problems += [Problem(WHEELS_NAME, "invalid", text) for text in _wheel_faults(wheels, lock or "")][:SHOWN]
    return problems


def _wheel_faults(wheels: str, lock: str) -> Iterator[str]:
    wanted = {package_key(name, version) for name, version in versions_in(lock).items()}
    found = set()
    for number, line in enumerate(wheels.splitlines(), 1):
        one = WHEEL.fullmatch(line)
        if one is None:
            yield f"line {number} is no NAME==VERSION --hash=sha256:DIGEST, so it may install anything: {line[:80]!r}"
            continue
        key = package_key(one["name"], one["version"])
        found.add(key)
        if key not in wanted:
            yield f"line {number}: {LOCK_NAME} has no {one['name']}=={one['version']}"
    yield from (f"it lacks {name}=={version} of {LOCK_NAME}" for name, version in sorted(wanted - found))


def _text(file: Path) -> str | None:
    """Return the text of a file; None where it cannot be read, which is reported by who compares files."""
    try:
        return read_regular(file, MEBIBYTE).decode()
    except (OSError, UnicodeDecodeError):
        return None
