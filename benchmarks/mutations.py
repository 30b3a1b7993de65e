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


def main() -> int:
    """Mutate, verify, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    numbers = (("--count", 200), ("--resealed", 60), ("--zipped", 40), ("--hostile", 0), ("--archives", 0))
    for name, count in numbers:
        parser.add_argument(name, type=int, default=count)
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first of each")
    asked = parser.parse_args()
    found: Counter[str] = Counter()
    missed: list[str] = []
    slowest = 0.0
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="ablatrix-mutations-") as scratch:
        directory = Path(scratch, "kept")
        directory.mkdir()
        kept = Kept(directory)
        whole = examine(asked.artifact, derive=kept, study_digest=read_study_digest)
        if whole.problems:
            print(f"{asked.artifact} does not verify to begin with: {whole.problems[0]}", file=sys.stderr)
            return 2

        held = _peak()

        def judge(kind: str, path: Path, what: str) -> None:
            nonlocal slowest
            began, fault = monotonic(), ""
            try:
                problems = examine(path, derive=kept, study_digest=read_study_digest).problems
                fault = "" if problems else "not found"
            except Exception as error:
                fault = f"{type(error).__name__}: {error}"
            slowest = max(slowest, monotonic() - began)
            fault = fault or (f"{monotonic() - began:.0f} s" if monotonic() - began > MOST_S else "")
            fault = fault or ("more than 1 GiB" if _peak() - held > MOST_BYTES else "")
            if fault:
                missed.append(f"{kind}: {what}: {fault}")
            else:
                found[kind] += 1

        for seed in range(asked.first, asked.first + asked.count):
            copy = shutil.copytree(asked.artifact, Path(scratch, "copy"))
            what = mutate(copy, seed)
            judge(list(MUTATIONS)[seed % len(MUTATIONS)], copy, what)
            shutil.rmtree(copy)
        entries = read_manifest(asked.artifact).files
        derived = [entry.path for entry in entries if entry.role in DERIVED_ROLES or entry.path in DOCUMENT_NAMES]
        for seed in range(asked.first, asked.first + asked.resealed):
            copy = shutil.copytree(asked.artifact, Path(scratch, "copy"))
            judge("resealed", copy, _change_and_reseal(copy, derived, random.Random(seed)))
            shutil.rmtree(copy)
        for seed in range(asked.first, asked.first + asked.hostile):
            copy = shutil.copytree(asked.artifact, Path(scratch, "copy"))
            kind, what = mutate_hostile(copy, seed)
            judge(kind, copy, f"{seed}: {what}")
            shutil.rmtree(copy)
        for seed in range(asked.first, asked.first + asked.archives):
            path = Path(scratch, archive_path(asked.artifact).name)
            judge("archive", path, f"{seed}: {hostile_zip(asked.artifact, path, seed)}")
        for seed in range(asked.first, asked.first + asked.zipped):
            path = Path(scratch, archive_path(asked.artifact).name)
            path.write_bytes(
                _damaged(archive_path(asked.artifact).read_bytes(), random.Random(seed), cut=seed % 8 == 0)
            )
            judge("zip", path, f"seed {seed}")
    print(f"{'mutation':10} found")
    for kind, count in found.items():
        print(f"{kind:10} {count:5}")
    print(f"{sum(found.values())} of {sum(found.values()) + len(missed)} found in {monotonic() - started:.0f} s")
    for line in missed:
        print(f"MISSED {line}")
    figures = {
        "found": sum(found.values()),
        "missed": len(missed),
        "slowest_s": round(slowest, 1),
        "grown_mib": round((_peak() - held) / 2**20),
        "s": round(monotonic() - started),
    }
    print(json.dumps({"benchmark": "mutations", "figures": figures, "targets": {"missed": 0}, "holds": not missed}))
    return int(bool(missed))


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
