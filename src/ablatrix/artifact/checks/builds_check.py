"""Builds of a bundle: each that its records name must be in the locks, as the one that was measured."""

from collections.abc import Mapping
from pathlib import Path

from ablatrix.artifact.contents import Problem
from ablatrix.builds import read_locks
from ablatrix.errors import BuildError
from ablatrix.records.names import BUILDS_NAME


def check_builds(directory: Path, measured: Mapping[str, str]) -> list[Problem]:
    """Return where the builds of records and their locks differ.

    Args:
        directory: The bundle.
        measured: Digest of each build that its records name, by its name.
    """
    try:
        locked = {one.name: one.digest for one in read_locks(directory / BUILDS_NAME)}
    except BuildError as error:
        return [Problem(BUILDS_NAME, "invalid", str(error))]
    if measured and not locked:
        named = ", ".join(sorted(measured))
        return [Problem(BUILDS_NAME, "missing", f"it must have the locks of the builds {named}, which records name")]
    return [
        Problem(
            BUILDS_NAME,
            "invalid",
            f"build '{name}' has the digest {(locked.get(name) or 'of none')[:12]}, and records have {digest[:12]}",
        )
        for name, digest in sorted(measured.items())
        if locked.get(name) != digest
    ]
