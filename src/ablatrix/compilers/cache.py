"""Task-level compile cache: in memory first, then on disk, with every look-up counted.

An entry on disk is a directory named by its key::

    <key>/artifact.so  what the compiler built, with the suffix that it came with
    <key>/entry.json   the facts that the key was made of, what the compiler reported about it, its sha256

Its name is made of the compiler's own key and of the cache's scope: compiler, code, versions, the processor, and the
level of each knob that may change code. A compiler has no way to find what another configuration built, whatever its
keys leave out.

It is written elsewhere in the same file system and renamed into place, so that a reader sees a whole entry
or none, and two processes that store the same key do not disturb each other. When an entry is loaded its
artifact is hashed again; one that does not agree with its side file is set aside and rebuilt.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablatrix.canonical import canonical_json, content_id, digest_bytes, digest_value
from ablatrix.compilers.built_task import class_digest
from ablatrix.compilers.catalogue.model import CompilerEntry, Level, SettingValue
from ablatrix.compilers.settings.applied import Applied
from ablatrix.records.machine import processor_digest

if TYPE_CHECKING:
    from ablatrix.compilers.adapter import Compiler

ARTIFACT = "artifact"
CONTENTS = ".contents"
"""Beside the caches of configurations: the artifacts that probes built, each once."""
SIDE_FILE = "entry.json"


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """Look-ups in a cache so far. ``later - earlier`` is what happened in between.

    Attributes:
        hits_memory, hits_disk: Times that an entry was found.
        misses: Times that none could be used, so that the task had to be built; fails are among them.
        fails: Entries on disk that were found damaged or stale and were set aside.
    """

    hits_memory: int = 0
    hits_disk: int = 0
    misses: int = 0
    fails: int = 0

    def __sub__(self, earlier: CacheCounters) -> CacheCounters:
        return CacheCounters(*(getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A stored artifact.

    Attributes:
        path: File of the artifact.
        digest: SHA-256 of the file.
        extra: What the compiler stored beside it.
    """

    path: Path
    digest: str
    extra: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose entries a cache holds: what code depends on whatever the compiler's own keys say.

    Attributes:
        compiler: Its name in the catalogue.
        code: SHA-256 of the compiler's own code: its adapter, its plug-in or its program.
        versions: Versions of what generates or runs code.
        processor: Digest of the processor that code may be tuned to: a folder of caches that comes from another machine
            holds nothing for this one.
        knobs: Level of each knob that may change code, of those that the adapter itself acts on.
        settings: Value of each setting that may change code, by address; one that is left as it is is not there.
    """

    compiler: str = ""
    code: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    processor: str = ""
    knobs: Mapping[str, Level] = field(default_factory=dict)
    settings: Mapping[str, SettingValue] = field(default_factory=dict)

    @classmethod
    def of(cls, entry: CompilerEntry, compiler: Compiler, knobs: Mapping[str, Level]) -> Scope:
        """Return the scope of one configuration.

        Args:
            entry: The compiler's entry in the catalogue.
            compiler: Its adapter.
            knobs: Level of every knob. One that the entry does not have counts as one that may change code.
        """
        return cls(
            compiler=entry.name,
            code=digest_value({"adapter": class_digest(type(compiler)), "source": entry.program_digest}),
            versions=dict(compiler.versions()),
            processor=processor_digest(),
            knobs={
                name: level
                for name, level in knobs.items()
                if entry.may_change_code(name) and name not in entry.addresses
            },
            settings=Applied.of(entry, knobs).by_address(),
        )


def task_key(facts: Mapping[str, Any]) -> str:
    """Return the key (SHA-256) of a task, made of everything that its code depends on, as plain values."""
    return digest_value(dict(facts))


class TaskCache:
    """A compile cache of one process: ``memory`` may be shared by several caches, ``directory`` by processes.

    Args:
        directory: Where entries lie on disk; None for a cache that is in memory only.
        memory: Entries in memory by name; a fresh dictionary when None.
        scope: Whose entries are looked for and stored; nobody's in particular when None.
    """

    def __init__(
        self, directory: Path | None, memory: dict[str, CacheEntry] | None = None, scope: Scope | None = None
    ) -> None:
        self.directory = directory
        self._scope = asdict(scope or Scope())
        self._memory = {} if memory is None else memory
        self._asked: set[str] = set()
        self._counts = {one.name: 0 for one in fields(CacheCounters)}

    @property
    def counters(self) -> CacheCounters:
        """Counters of the look-ups so far."""
        return CacheCounters(**self._counts)

    @property
    def key_set_size(self) -> int:
        """Number of distinct entries asked for."""
        return len(self._asked)

    @property
    def key_set_digest(self) -> str:
        """Content id of the sorted names of the entries asked for."""
        return content_id(sorted(self._asked))

    def get(self, key: str) -> CacheEntry | None:
        """Return the entry of a key, or None when the task has to be built."""
        name = _entry_name(self._scope, key)
        self._asked.add(name)
        if name in self._memory:
            self._counts["hits_memory"] += 1
            return self._memory[name]
        entry = None if self.directory is None else self._load(self.directory / name)
        self._counts["misses" if entry is None else "hits_disk"] += 1
        if entry is not None:
            self._memory[name] = entry
        return entry

    def put(self, key: str, facts: Mapping[str, Any], file: Path, extra: Mapping[str, Any]) -> CacheEntry:
        """Store a built artifact and return its entry. Without a directory the file stays where it is.

        Args:
            key: ``task_key(facts)``.
            facts: What the key was made of; kept so that a key can be explained.
            file: The artifact; it is copied.
            extra: Plain values to be found beside the artifact on a later hit.
        """
        digest = digest_bytes(file.read_bytes())
        name, artifact = _entry_name(self._scope, key), ARTIFACT + file.suffix
        path = file
        if self.directory is not None:
            side = {
                "scope": self._scope,
                "facts": dict(facts),
                "artifact": artifact,
                "artifact_sha256": digest,
                "extra": dict(extra),
            }
            path = _store(self.directory, name, file, artifact, canonical_json(side)) / artifact
        self._memory[name] = entry = CacheEntry(path, digest, dict(extra))
        return entry

    def publish_to(self, directory: Path, contents: Path | None = None) -> int:
        """Copy all entries asked for into another cache's directory.

        This is how a cold trial with a private cache passes on what it built. Returns how many were new there.

        Args:
            directory: The other cache's.
            contents: Where artifacts are kept by their digest; equal ones of several caches are then one file. None:
                each cache has its own copy.
        """
        new = 0
        for name in sorted(self._asked):
            source = None if self.directory is None else self.directory / name
            if source is None or not source.is_dir() or (directory / name).exists():
                continue
            side = (source / SIDE_FILE).read_text(encoding="utf-8")
            held = json.loads(side)
            artifact = source / held["artifact"]
            if contents is not None:
                artifact = _kept_once(contents, artifact, held["artifact_sha256"])
            _store(directory, name, artifact, held["artifact"], side, link=contents is not None)
            new += 1
        return new

    def _load(self, directory: Path) -> CacheEntry | None:
        """Read an entry; set it aside when it is damaged or does not match its name."""
        if not directory.is_dir():
            return None
        try:
            side = json.loads((directory / SIDE_FILE).read_text(encoding="utf-8"))
            path = directory / Path(side["artifact"]).name
            digest = digest_bytes(path.read_bytes())
            named = _entry_name(side["scope"], task_key(side["facts"])) == directory.name
            whole = named and digest == side["artifact_sha256"]
            extra = side["extra"]
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if whole:
            return CacheEntry(path, digest, extra)
        self._counts["fails"] += 1
        aside = tempfile.mkdtemp(prefix=".damaged-", dir=directory.parent)
        # Another process may have set it aside at the same moment, which is just as good.
        if directory.exists():
            directory.rename(Path(aside) / directory.name)
        return None


def _entry_name(scope: Mapping[str, Any], key: str) -> str:
    """Return the name (SHA-256) of an entry from the cache's scope and the compiler's own key."""
    return digest_value({"scope": dict(scope), "key": key})


def _kept_once(contents: Path, artifact: Path, digest: str) -> Path:
    """Return the file that has the content of an artifact, made where it is the first one with it."""
    kept = contents / digest
    if not kept.exists():
        contents.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=contents)
        os.close(handle)
        shutil.copyfile(artifact, draft)
        Path(draft).replace(kept)
    return kept


def _linked(file: Path, name: Path) -> bool:
    """Give a file another name; return whether the file system could."""
    try:
        os.link(file, name)
    except OSError:  # it has no such links, or no more of one file
        return False
    return True


def _store(directory: Path, entry: str, artifact: Path, name: str, side: str, link: bool = False) -> Path:
    """Write an entry under a temporary name and rename it; when another process was first, its entry is kept."""
    directory.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=directory))
    if not (link and _linked(artifact, draft / name)):
        shutil.copyfile(artifact, draft / name)
    (draft / SIDE_FILE).write_text(side, encoding="utf-8")
    stored = directory / entry
    try:
        os.rename(draft, stored)  # noqa: PTH104 - Path.rename would hide that this is the atomic step
    except OSError:
        shutil.rmtree(draft)
        if not stored.is_dir():
            raise
    return stored
