"""Does ``ablatrix verify`` find any single change of an artifact?

    python benchmarks/mutations.py ARTIFACT [--count 200] [--resealed 60] [--zipped 40]

Works on copies. Each mutation (flip, drop, add, swap, rename, truncate, in turn) is random with its number as seed, so
that what was missed can be made again. ``--resealed``: a file that follows from the records is changed, and then a
manifest is made that fits. ``--zipped``: one bit of the zip is flipped, or it is cut. What ``verify`` makes anew from
the records is kept for the same records, claims and template: it is a function of them alone, and takes longest.

Prints a table and one JSON object, and exits 1 when a change was not found.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.artifact.conftest import reseal
from tests.artifact.mutations import MUTATIONS, mutate

from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks.remake import DERIVED_ROLES, derive
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.manifest import read_manifest
from ablatrix.artifact.contents.names import DOCUMENT_NAMES
from ablatrix.artifact.contents.reading import Reading
from ablatrix.canonical import digest_bytes

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
    for name, count in (("--count", 200), ("--resealed", 60), ("--zipped", 40)):
        parser.add_argument(name, type=int, default=count)
    asked = parser.parse_args()
    found: Counter[str] = Counter()
    missed: list[str] = []
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="ablatrix-mutations-") as scratch:
        directory = Path(scratch, "kept")
        directory.mkdir()
        kept = Kept(directory)
        whole = examine(asked.artifact, derive=kept)
        if whole.problems:
            print(f"{asked.artifact} does not verify to begin with: {whole.problems[0]}", file=sys.stderr)
            return 2

        def judge(kind: str, path: Path, what: str) -> None:
            if examine(path, derive=kept).problems:
                found[kind] += 1
            else:
                missed.append(f"{kind}: {what}")

        for seed in range(asked.count):
            copy = shutil.copytree(asked.artifact, Path(scratch, "copy"))
            what = mutate(copy, seed)
            judge(list(MUTATIONS)[seed % len(MUTATIONS)], copy, what)
            shutil.rmtree(copy)
        entries = read_manifest(asked.artifact).files
        derived = [entry.path for entry in entries if entry.role in DERIVED_ROLES or entry.path in DOCUMENT_NAMES]
        for seed in range(asked.resealed):
            copy = shutil.copytree(asked.artifact, Path(scratch, "copy"))
            judge("resealed", copy, _change_and_reseal(copy, derived, random.Random(seed)))
            shutil.rmtree(copy)
        for seed in range(asked.zipped):
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
    figures = {"found": sum(found.values()), "missed": len(missed), "s": round(monotonic() - started)}
    print(json.dumps({"benchmark": "mutations", "figures": figures, "targets": {"missed": 0}, "holds": not missed}))
    return int(bool(missed))


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
