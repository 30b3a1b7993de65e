"""The bundle that a file lies in, if any: what its manifest lists, without asking whether the bundle holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ablatrix.records.names import LARGEST_MANIFEST, MANIFEST_NAME, WORK_NAME
from ablatrix.regular_files import digest_regular, read_regular


@dataclass(frozen=True)
class Bundle:
    """A directory with a manifest: an artifact, of whoever made it."""

    directory: Path

    @property
    def work(self) -> Path | None:
        """The working files of a run in it (programs and caches, which are loaded as code), None where it has none."""
        work = self.directory / WORK_NAME
        return work if work.is_dir() else None

    def lists(self, file: Path) -> bool:
        """Return whether the manifest lists a file with the bytes that it has."""
        try:
            path = file.resolve().relative_to(self.directory.resolve()).as_posix()
            return self._digests.get(path) == digest_regular(file)
        except (OSError, ValueError):
            return False

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """SHA-256 of each file that the manifest lists, by path; empty where it cannot be read."""
        try:
            held: Any = json.loads(read_regular(self.directory / MANIFEST_NAME, LARGEST_MANIFEST))
            return {str(entry["path"]): str(entry["sha256"]) for entry in held["files"]}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}


def bundle_of(path: Path) -> Bundle | None:
    """Return the bundle that a file or directory is in: the nearest directory above, or itself, with a manifest."""
    path = path.resolve()
    return next((Bundle(one) for one in (path, *path.parents) if (one / MANIFEST_NAME).exists()), None)
