"""For double-blind review: names of hosts and users and home directories are replaced consistently everywhere.

What the program wrote is replaced. What people wrote (study, claims, template) is not: a name found there is reported
with its location, and no bundle is made. At the end `find_names` searches every byte of the artifact once more.
"""

import functools
import getpass
import os
import platform
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.artifact.contents import Problem, Source, list_files, members_of
from ablatrix.canonical import content_id, digest_bytes
from ablatrix.documents.about import About
from ablatrix.errors import ArtifactError
from ablatrix.records.model import Failure, Record
from ablatrix.records.origin import SOURCES
from ablatrix.records.place import Place, read_host_id

HOME = re.compile(r"(?:/home|/Users|/var/home|/export/home|/data/home)/([A-Za-z0-9._-]+)|/root(?![A-Za-z0-9._-])")
COMMON_NAMES = frozenset({
    "admin", "debian", "default", "docker", "ec2-user", "host", "localdomain", "localhost", "me", "nobody", "root",
    "runner", "test", "ubuntu", "user", "users", "vagrant", "vm",
})  # fmt: skip
MIN_IN_BYTES = 6  # characters: a shorter name can occur in compressed bytes by chance


@dataclass(frozen=True)
class Pseudonyms:
    """What is replaced by what.

    Attributes:
        hosts: Host name -> ``host-1`` and so on.
        users: User name -> ``user-1`` and so on.
        homes: Home directories; each becomes ``~``.
        commits: Commits of the study's repository, which a search would find -> ``commit-1`` and so on.
        host_ids: Id of a host, by which other bundles of the same host could be found -> that of its pseudonym.
        slots: Slot, which may be named after a host or an address -> ``slot-1`` and so on.
    """

    hosts: dict[str, str]
    users: dict[str, str]
    homes: tuple[str, ...]
    commits: dict[str, str]
    host_ids: dict[str, str]
    slots: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """What must not occur anywhere: homes, commits, and the names that identify somebody."""
        homes = [home for home in self.homes if home != "/root"]
        identifying = [name for name in (*self.hosts, *self.users) if not is_ordinary(name)]
        return (*homes, *identifying, *self.commits, *self.host_ids)

    def hide(self, text: str) -> str:
        """Return the text with every name replaced; longer names first, so that no part of one remains."""
        for home in sorted(self.homes, key=len, reverse=True):
            text = re.sub(rf"{re.escape(home)}(?![A-Za-z0-9._-])", "~", text)
        text = HOME.sub("~", text)
        known = {**self.users, **self.hosts, **self.commits, **self.slots}
        for name in sorted(known, key=len, reverse=True):
            if not is_ordinary(name):
                text = _word(name).sub(known[name], text)
        return text

    def hide_value(self, value: Any) -> Any:
        """Return a plain value with every text in it hidden; keys stay."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {key: self.hide_value(inner) for key, inner in value.items()}
        return [self.hide_value(inner) for inner in value] if isinstance(value, list | tuple) else value


@functools.cache
def is_ordinary(name: str) -> bool:
    """Return whether a name identifies nobody, and is kept where it occurs as a separate word.

    These are accounts that every system has, names of one or two characters, and words that ablatrix itself uses
    (somebody may be called ``max``).
    """
    if len(name) < 3 or name.lower() in COMMON_NAMES:
        return True
    word = _word(name)
    return any(word.search(path.read_text(encoding="utf-8")) for path in SOURCES.rglob("*.py"))


def find_pseudonyms(records: Iterable[Record]) -> Pseudonyms:
    """Collect the names in the records and of this machine, in the order of the records."""
    hosts: dict[str, None] = {}
    homes: dict[str, None] = {}
    users: dict[str, None] = {}
    ids: dict[str, None] = {}
    slots: dict[str, None] = {}
    commits: dict[str, None] = {}
    for record in records:
        meta = record.meta
        hosts[meta.machine.host] = None
        for match in (match for text in _free_texts(record) for match in HOME.finditer(text)):
            homes[match[0]] = None
            if match[1]:
                users[match[1]] = None
        if meta.place is not None:
            ids[meta.place.host_id] = None
            if meta.place.slot is not None:
                slots[meta.place.slot] = None
        if meta.study_commit:
            commits[meta.study_commit] = None
    hosts |= dict.fromkeys(_own_hosts())
    homes |= dict.fromkeys(_own_homes())
    users |= dict.fromkeys(_own_users())
    ids |= {read_host_id(): None}
    return Pseudonyms(
        hosts={host: f"host-{number}" for number, host in enumerate(hosts, 1)},
        users={user: f"user-{number}" for number, user in enumerate(users, 1)},
        homes=tuple(homes),
        commits={commit: f"commit-{number}" for number, commit in enumerate(commits, 1)},
        host_ids={one: content_id(f"host-{number}") for number, one in enumerate(ids, 1)},
        slots={slot: f"slot-{number}" for number, slot in enumerate(slots, 1)},
    )


def _hide_place(place: Place | None, pseudonyms: Pseudonyms) -> Place | None:
    """Return where a trial was placed, as far as that names nobody: hosts and slots are told apart, and no more."""
    if place is None:
        return None
    slot = None if place.slot is None else pseudonyms.slots[place.slot]
    return place.model_copy(update={"host_id": pseudonyms.host_ids[place.host_id], "slot": slot})


def hide_records(records: Iterable[Record], pseudonyms: Pseudonyms) -> Iterator[Record]:
    """Yield the records with the names in them replaced.

    Ids stay: they are made from trial and attempt. A name could be recovered from a traceback's digest by guessing, so
    the digest is made anew; records that shared the old one share the new one.
    """
    digests: dict[str, str] = {}
    for record in records:
        meta, machine = record.meta, record.meta.machine
        hidden = {
            "machine": machine.model_copy(update={"host": pseudonyms.hosts[machine.host]}),
            "place": _hide_place(meta.place, pseudonyms),
            "environment": pseudonyms.hide_value(meta.environment),
            "spawned_because": pseudonyms.hide_value(meta.spawned_because),
            "noise": meta.noise.model_copy(update={"disturbance": pseudonyms.hide_value(meta.noise.disturbance)}),
            "study_commit": pseudonyms.commits.get(meta.study_commit or "", meta.study_commit),
            "ablatrix_commit": pseudonyms.commits.get(meta.ablatrix_commit or "", meta.ablatrix_commit),
        }
        if meta.build is not None:  # one of the study's own repository
            commit = pseudonyms.commits.get(meta.build.commit or "", meta.build.commit)
            hidden["build"] = meta.build.model_copy(update={"commit": commit})
        update: dict[str, Any] = {"meta": meta.model_copy(update=hidden)}
        if record.error is not None:
            update["error"] = _hide_failure(record.error, pseudonyms, digests)
        for part, field in (("compile", "reasons"), ("runtime", "reasons"), ("correctness", "note")):
            held = getattr(record, part)
            if held is not None:
                update[part] = held.model_copy(update={field: pseudonyms.hide_value(getattr(held, field))})
        yield record.model_copy(update=update)


def refuse_identity(about: About | None, study: Path) -> None:
    """Refuse a study whose block ``about:`` would tell a reviewer who made it; what people wrote is not rewritten.

    Raises:
        ArtifactError: It gives authors, a DOI or a repository.
    """
    keys = () if about is None else about.identifying
    if keys:
        raise ArtifactError(
            f"{study}: 'about' gives {', '.join(keys)}, which an anonymous artifact must not have; take "
            f"{'it' if len(keys) == 1 else 'them'} out until review is over: the records stay valid, as 'about' is no "
            "part of the study's digest"
        )


def find_names(directory: Path, pseudonyms: Pseudonyms) -> list[Problem]:
    """Search every byte of a directory for names that must not occur there."""
    files = ((path, (directory / path).read_bytes()) for path in list_files(directory)[0])
    return [problem for path, data in files for problem in _names_in(path, data, pseudonyms)]


def find_names_in_source(source: Source, pseudonyms: Pseudonyms) -> list[Problem]:
    """Search the members of the file that contains ablatrix itself."""
    return [
        problem
        for name, data in members_of(source).items()
        for problem in _names_in(f"{source.name}!{name}", data, pseudonyms)
    ]


def _names_in(path: str, data: bytes, pseudonyms: Pseudonyms) -> Iterator[Problem]:
    try:
        data.decode()
        least = 0
    except UnicodeDecodeError:
        least = MIN_IN_BYTES
    for name in pseudonyms.names:
        pattern = re.compile(_word(name).pattern.encode(), re.IGNORECASE)
        found = pattern.search(data) if len(name) >= least else None
        if found is not None or pattern.search(path.encode()):
            line = data.count(b"\n", 0, found.start()) + 1 if found else 0
            location = f"line {line}" if line else "its name"
            detail = (
                f"{location} contains '{name}', which must not occur in an anonymous artifact; remove it at its source"
            )
            yield Problem(path, "invalid", detail)


def _hide_failure(error: Failure, pseudonyms: Pseudonyms, digests: dict[str, str]) -> Failure:
    hidden = {field: pseudonyms.hide_value(getattr(error, field)) for field in ("message", "traceback", "output_tail")}
    if error.traceback_digest is not None and error.traceback is not None:
        fresh = digests.setdefault(error.traceback_digest, digest_bytes(str(hidden["traceback"]).encode()))
        hidden["traceback_digest"] = fresh
    return error.model_copy(update=hidden)


def _free_texts(record: Record) -> Iterator[str]:
    """Yield the free texts of a record, which may contain anything."""
    yield from record.meta.environment.values()
    error = record.error
    if error is not None:
        yield from (text for text in (error.message, error.traceback, error.output_tail) if text)


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])")


def _own_hosts() -> Iterator[str]:
    yield from filter(None, (platform.node(), socket.gethostname()))


def _own_homes() -> Iterator[str]:
    yield from {str(Path.home()), os.environ.get("HOME", "")} - {"", "/"}


def _own_users() -> Iterator[str]:
    names = {os.environ.get(variable, "") for variable in ("USER", "LOGNAME", "SUDO_USER")}
    with suppress(KeyError, OSError):  # a container whose user has no name
        names.add(getpass.getuser())
    yield from sorted(names - {""})
