"""Memory that readers of a bundle take for files that were made to take much, each just within its bounds.

The shortest values of a JSON text take eighty times their text as objects, a model that refuses them keeps more than a
kilobyte for each, and a line of code becomes a tree: so a bound of the bytes alone is none of memory. Each file is read
as ``verify`` does, in a process of its own, and the peak of that process is what counts. Far smaller files of the same
kinds are in ``tests/artifact/test_bounds.py``, and what bundles of many records take is in ``verify_memory.py``.

    PYTHONPATH=. python benchmarks/bounds_memory.py [NAME ...]
"""

from __future__ import annotations

import json
import resource
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import process_time
from typing import Any

from tests.synthetic import broken, make_records

from ablatrix.analysis.table import planned
from ablatrix.artifact.bundle import examine
from ablatrix.artifact.checks import check_builds, check_findings, check_samples, samples_check
from ablatrix.artifact.contents import check_lines, make_environment, manifest, read_design, read_manifest
from ablatrix.artifact.documents import make_documents
from ablatrix.artifact.documents.facts import Facts
from ablatrix.errors import ArtifactError
from ablatrix.foreign_text import KEY, LIST, MAP, MOST_OBJECT_BYTES, VALUE
from ablatrix.plugin_sources import LARGEST, read_plugin_source
from ablatrix.records.archives import MOST_LIST_BYTES
from ablatrix.records.journal import record_line
from ablatrix.records.model import Record

TARGETS = {"peak_gib": 1.0}
ENTRY = f'{{"path":"a","role":"log","bytes":0,"sha256":"{"a" * 64}"}}'
TRIAL = '{"trial_id":"0123456789abcdef","mode":"cold","role":"twin"}'


def main(names: list[str]) -> None:
    """Read each file in a process of its own, and print all figures as JSON."""
    figures: dict[str, Any] = {}
    for name in names or list(READERS):
        done = subprocess.run([sys.executable, __file__, "--one", name], capture_output=True, text=True, check=True)
        figures[name] = json.loads(done.stdout.splitlines()[-1])
        print(json.dumps({name: figures[name]}), flush=True)
    holds = not names and all(one["peak_gib"] <= TARGETS["peak_gib"] for one in figures.values())
    print(json.dumps({"benchmark": "bounds_memory", "figures": figures, "targets": TARGETS, "holds": holds}))


def one(name: str) -> None:
    """Make a file, read it, and print what it took and what was said of it."""
    with tempfile.TemporaryDirectory() as scratch:
        said = READERS[name](Path(scratch))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"peak_gib": peak, "cpu_s": process_time(), "said": str(said)[:200]}))


def filled(value: str, cost: int, most: int) -> str:
    """Return a JSON list of as many times a value as its objects may take."""
    return "[" + ",".join([value] * (most // (cost + VALUE))) + "]"


def hot() -> Record:
    """Return a record of a hot trial."""
    return make_records(workloads=("attention",), blocks=1, modes=("hot",))[0]


def line_of(value: str, cost: int) -> Callable[[Path], object]:
    """Return a reader of a line of records with a list of one value."""

    def read(place: Path) -> object:
        data = json.loads(record_line(hot()))
        data["runtime"]["burst_ms_p50"] = "@"
        text = json.dumps(data).replace('"@"', filled(value, cost, MOST_OBJECT_BYTES - 2**20))
        (place / "results.jsonl").write_text(text + "\n")
        return check_lines(place)[1]

    return read


def line_of_keys(place: Path) -> object:
    """Read a line of records with unknown keys."""
    keys = {f"key{number}": 1 for number in range((MOST_OBJECT_BYTES - 2**20) // (KEY + VALUE))}
    (place / "results.jsonl").write_text(json.dumps(json.loads(record_line(hot())) | keys) + "\n")
    return check_lines(place)[1]


def samples_of(value: str, cost: int, *, nested: bool) -> Callable[[Path], object]:
    """Return a reader of a line of raw samples with one value, within a burst or in place of bursts."""

    def read(place: Path) -> object:
        record = hot()
        inner = filled(value, cost, samples_check.MOST_OBJECT_BYTES - 2**20)
        bursts = inner if nested else f"[{inner}]"
        line = f'{{"trial_id":"{record.trial_id}","attempt":0,"bursts_ms":{bursts}}}'.encode()
        (place / "samples").mkdir()
        (place / "samples/a.jsonl").write_bytes(line)
        assert record.runtime is not None
        assert record.runtime.samples is not None
        named = {"file": "samples/a.jsonl", "digest": sha256(line).hexdigest()}
        runtime = {"samples": record.runtime.samples.model_copy(update=named)}
        record = record.model_copy(update={"runtime": record.runtime.model_copy(update=runtime)})
        (place / "results.jsonl").write_text(record_line(record))
        return check_samples(place, check_lines(place)[0].samples)

    return read


def failed_trials(place: Path) -> object:
    """Read records whose messages are as long as may be, and make the documents of them."""
    record = broken(make_records(workloads=("attention",), blocks=1, modes=("cold",))[0], "crashed")
    assert record.error is not None
    long = record.error.model_copy(update={"message": "m" * (3 * 2**18)})
    with (place / "results.jsonl").open("w") as file:
        for number in range(60):
            own = {"error": long, "trial_id": f"{number:016x}", "record_id": f"{number:016x}"}
            file.write(record_line(record.model_copy(update=own)))
    recorded, problems = check_lines(place)
    facts = Facts(recorded=recorded, study={}, environment=make_environment([], None), entries=(), claims=())
    return sum(map(len, make_documents(facts).values())), problems


def design_of(value: str, cost: int) -> Callable[[Path], object]:
    """Return a reader of a design with a list of one value as its trials."""

    def read(place: Path) -> object:
        trials = filled(value, cost, planned.MOST_OBJECT_BYTES - 2**20)
        (place / "design.json").write_text(f'{{"trials":{trials}}}')
        return read_design(place)[1]

    return read


def manifest_of(text: Callable[[], str]) -> Callable[[Path], object]:
    """Return a reader of a manifest with a text."""

    def read(place: Path) -> object:
        (place / "MANIFEST.json").write_text(text())
        try:
            return read_manifest(place)
        except ArtifactError as error:
            return error

    return read


def entries() -> str:
    """Return a manifest of as many files as one may have."""
    head = {
        "manifest_version": "1.3", "study": "s", "study_digest": "a" * 64, "trials": 1, "records": 1,
        "ablatrix_commit": None, "ablatrix_dirty": None, "versions": {}, "commands": [], "root_digest": "a" * 64,
    }  # fmt: skip
    cost = MAP + 4 * KEY + 3 * VALUE
    return f'{json.dumps(head)[:-1]}, "files":{filled(ENTRY, cost, manifest.MOST_OBJECT_BYTES - 2**20)}}}'


def unknown_keys() -> str:
    """Return a manifest of unknown keys."""
    return "{" + ",".join(f'"{number}":1' for number in range(manifest.MOST_KEYS - 1)) + "}"


def locks_of(value: str, cost: int) -> Callable[[Path], object]:
    """Return a reader of locks of builds that are a list of one value."""

    def read(place: Path) -> object:
        (place / "builds.json").write_text(filled(value, cost, MOST_OBJECT_BYTES - 2**20))
        return check_builds(place, {})

    return read


def finding_of(value: str, cost: int) -> Callable[[Path], object]:
    """Return a reader of a finding of a search whose lines are one value."""

    def read(place: Path) -> object:
        (place / "findings").mkdir()
        lines = filled(value, cost, MOST_OBJECT_BYTES - 2**20)
        text = f'{{"kind":"bisect","title":"","command":"","lines":{lines}}}'
        (place / "findings/a.json").write_text(text)
        return check_findings(place)

    return read


def plugin(place: Path) -> object:
    """Read the code of a plug-in with as many statements as it may have."""
    (place / "plug.py").write_bytes(b"a;" * (LARGEST // 2))
    return read_plugin_source(place / "plug.py").digest


def members(place: Path) -> object:
    """Unpack a zip with as many members as its list may have."""
    one = b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    content = one * (MOST_LIST_BYTES // len(one))
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(content), 0, 0)
    (place / "x.zip").write_bytes(content + end)
    return examine(place / "x.zip").problems


READERS: dict[str, Callable[[Path], object]] = {
    "line of texts": line_of('""', 0),
    "line of maps": line_of("{}", MAP),
    "line of lists": line_of("[]", LIST),
    "line of unknown keys": line_of_keys,
    "samples": samples_of("0", 0, nested=False),
    "samples with a point": samples_of("0.5", 0, nested=False),
    "empty bursts": samples_of("[]", LIST, nested=True),
    "lists in lists of samples": samples_of("[" * 500 + "]" * 500, 500 * LIST, nested=True),
    "failed trials": failed_trials,
    "design of lists": design_of("[]", LIST),
    "design of trials": design_of(TRIAL, MAP + 3 * KEY + 2 * VALUE),
    "design of short trials": design_of('{"trial_id":"a"}', MAP + KEY),
    "manifest of files": manifest_of(entries),
    "manifest of unknown keys": manifest_of(unknown_keys),
    "locks of maps": locks_of("{}", MAP),
    "locks of numbers": locks_of("1", 0),
    "finding of numbers": finding_of("1", 0),
    "code of a plug-in": plugin,
    "members of a zip": members,
}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2])
    else:
        main(sys.argv[1:])
