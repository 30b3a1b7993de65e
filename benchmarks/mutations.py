"""Does ``ablatrix verify`` find any single change of an artifact?

    python benchmarks/mutations.py ARTIFACT [--count 200] [--resealed 60] [--zipped 40] [--hostile 0] [--archives 0]

Works on copies. Each mutation (flip, drop, add, swap, rename, truncate, in turn) is random with its number as seed, so
that what was missed can be made again. ``--resealed``: a file that follows from the records is changed, and then a
manifest is made that fits. ``--zipped``: one bit of the zip is flipped, or it is cut. ``--hostile``: what somebody does
who means harm (``tests/artifact/hostile_mutations.py``: links, pipes, names, bombs, numbers, times, ...), with a
manifest that fits; ``--archives``: zips of that kind. What ``verify`` makes anew from the records is kept for the same
records, claims and template: it is a function of them alone, and takes longest.

Each must be found, as a listed problem, within 60 s; the process may not grow beyond 1 GiB over what it held when the
artifact as it is was verified. Prints a table and one JSON object, and exits 1 when a change was not found.
"""

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.artifact.conftest import reseal
from tests.artifact.hostile_mutations import hostile_zip, mutate_hostile
from tests.artifact.mutations import MUTATIONS, mutate

from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks.remake import DERIVED_ROLES, derive
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.manifest import read_manifest
from ablatrix.artifact.contents.names import DOCUMENT_NAMES
from ablatrix.artifact.contents.reading import Reading
from ablatrix.canonical import digest_bytes
from ablatrix.study.load import read_study_digest

MOST_S, MOST_BYTES = 60.0, 2**30
INPUTS = ("results.jsonl", "design.json", "claims.yaml", "template.yaml")


class Kept:
    """`derive`, which keeps what it made for the same inputs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, reading: Reading, out: Path) -> None:
        """Make tables, figures and text, or copy them when they were made of the same inputs before."""
        artifact = reading.directory
        read = [(artifact / name).read_bytes() if (artifact / name).exists() else b"" for name in INPUTS]
        kept = self._directory / digest_bytes(b"|".join(digest_bytes(data).encode() for data in read))
        if not kept.exists():
            made = Path(tempfile.mkdtemp(dir=self._directory))
            derive(reading, made)
            made.rename(kept)
        shutil.copytree(kept, out, dirs_exist_ok=True)


class Judge:
    """Verifies mutated artifacts, and counts what was found and what was missed."""

    def __init__(self, derive: Kept) -> None:
        self.found: Counter[str] = Counter()
        self.missed: list[str] = []
        self.slowest_s = 0.0
        self._derive = derive
        self._held = _peak()

    @property
    def grown_bytes(self) -> int:
        """By how much the process has grown since the beginning, at its peak."""
        return _peak() - self._held

    def __call__(self, kind: str, path: Path, what: str) -> None:
        """Verify one artifact, or a zip."""
        began = monotonic()
        try:
            problems = examine(path, derive=self._derive, study_digest=read_study_digest).problems
            fault = "" if problems else "not found"
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        seconds = monotonic() - began
        self.slowest_s = max(self.slowest_s, seconds)
        fault = fault or (f"{seconds:.0f} s" if seconds > MOST_S else "")
        fault = fault or ("more than 1 GiB" if self.grown_bytes > MOST_BYTES else "")
        if fault:
            self.missed.append(f"{kind}: {what}: {fault}")
        else:
            self.found[kind] += 1
        if not (done := sum(self.found.values()) + len(self.missed)) % 10:
            print(f"{done} tried, {len(self.missed)} missed {self.missed[-1:]}", file=sys.stderr, flush=True)


def main() -> int:
    """Mutate, verify, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    numbers = (("--count", 200), ("--resealed", 60), ("--zipped", 40), ("--hostile", 0), ("--archives", 0))
    for name, count in numbers:
        parser.add_argument(name, type=int, default=count)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first of each")
    asked = parser.parse_args()
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="ablatrix-mutations-") as scratch:
        directory = Path(scratch, "kept")
        directory.mkdir()
        kept = Kept(directory)
        whole = examine(asked.artifact, derive=kept, study_digest=read_study_digest)
        if whole.problems:
            print(f"{asked.artifact} does not verify to begin with: {whole.problems[0]}", file=sys.stderr)
            return 2
        judge = Judge(kept)
        _judge_all(judge, asked, Path(scratch))
    count = sum(judge.found.values())
    print(f"{'mutation':10} found")
    for kind, number in judge.found.items():
        print(f"{kind:10} {number:5}")
    print(f"{count} of {count + len(judge.missed)} found in {monotonic() - started:.0f} s")
    for line in judge.missed:
        print(f"MISSED {line}")
    figures = {
        "found": count,
        "missed": len(judge.missed),
        "slowest_s": round(judge.slowest_s, 1),
        "grown_mib": round(judge.grown_bytes / 2**20),
        "s": round(monotonic() - started),
    }
    holds = not judge.missed
    print(json.dumps({"benchmark": "mutations", "figures": figures, "targets": {"missed": 0}, "holds": holds}))
    return int(not holds)


def _judge_all(judge: Judge, asked: argparse.Namespace, scratch: Path) -> None:
    artifact, first = asked.artifact, asked.first
    zipped = scratch / archive_path(artifact).name
    for seed in range(first, first + asked.count):
        copy = shutil.copytree(artifact, scratch / "copy")
        what = mutate(copy, seed)
        judge(list(MUTATIONS)[seed % len(MUTATIONS)], copy, what)
        shutil.rmtree(copy)
    entries = read_manifest(artifact).files
    derived = [entry.path for entry in entries if entry.role in DERIVED_ROLES or entry.path in DOCUMENT_NAMES]
    for seed in range(first, first + asked.resealed):
        copy = shutil.copytree(artifact, scratch / "copy")
        judge("resealed", copy, _change_and_reseal(copy, derived, random.Random(seed)))
        shutil.rmtree(copy)
    for seed in range(first, first + asked.hostile):
        copy = shutil.copytree(artifact, scratch / "copy")
        kind, what = mutate_hostile(copy, seed)
        judge(kind, copy, f"{seed}: {what}")
        shutil.rmtree(copy)
    for seed in range(first, first + asked.archives):
        judge("archive", zipped, f"{seed}: {hostile_zip(artifact, zipped, seed)}")
    whole = archive_path(artifact).read_bytes()
    for seed in range(first, first + asked.zipped):
        zipped.write_bytes(_damaged(whole, random.Random(seed), cut=seed % 8 == 0))
        judge("zip", zipped, f"seed {seed}")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _change_and_reseal(copy: Path, derived: list[str], rng: random.Random) -> str:
    path = copy / rng.choice(derived)
    data = bytearray(path.read_bytes())
    position = rng.randrange(len(data))
    data[position] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    reseal(copy)
    return f"byte {position} of {path.name}"


def _damaged(data: bytes, rng: random.Random, cut: bool) -> bytes:
    if cut:
        return data[: rng.randrange(len(data))]
    position = rng.randrange(len(data))
    return data[:position] + bytes([data[position] ^ 1 << rng.randrange(8)]) + data[position + 1 :]


if __name__ == "__main__":
    sys.exit(main())
