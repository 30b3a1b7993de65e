"""Does ``ablatrix verify`` find any single change of an artifact?

    python benchmarks/mutations.py [ARTIFACT] [--count 200] [--resealed 60] [--zipped 40] [--hostile 0] [--archives 0]
        [--jobs 1] [--keep FILE]

Works on copies; without ARTIFACT, of a small one that has every kind of file (``tests/artifact/made_bundle.py``). Each
mutation (flip, drop, add, swap, rename, truncate, in turn) is random with its number as seed, so that what was missed
can be made again. ``--resealed``: a file that follows from the records is changed, and then a manifest is made that
fits. ``--zipped``: one bit of the zip is flipped, or it is cut. ``--hostile``: what somebody does who means harm
(``tests/artifact/hostile_mutations.py``: links, pipes, names, bombs, numbers, times, ...), with a manifest that fits;
``--archives``: zips of that kind. What ``verify`` makes anew from the records is kept for the same records, claims,
template and findings: it is a function of them alone, and takes longest.

With ``--keep FILE`` each is noted with the version of the code; a later call goes on behind the last one of each kind,
and its figures are those of all.

Each must be found, as a listed problem, within 60 s; the process may not grow beyond 1 GiB over what it held when the
artifact as it is was verified. Prints a table and one JSON object, and exits 1 when a change was not found.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import monotonic

from tests.artifact.conftest import reseal
from tests.artifact.hostile_mutations import hostile_zip, mutate_hostile
from tests.artifact.made_bundle import make_bundle
from tests.artifact.mutations import MUTATIONS, mutate
from tests.fuzz.kept import code_version

from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks.remake import DERIVED_ROLES, derive
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.manifest import list_files, read_manifest
from ablatrix.artifact.contents.names import DOCUMENT_NAMES
from ablatrix.artifact.contents.reading import Reading
from ablatrix.canonical import digest_bytes
from ablatrix.records.kept_findings import FINDINGS
from ablatrix.study.load import read_study_digest

MOST_S, MOST_BYTES = 60.0, 2**30
HANGS_S = 4 * MOST_S
INPUTS = ("results.jsonl", "design.json", "claims.yaml", "template.yaml")
MEMORY = Path("/dev/shm")
STRETCH = 20
"""Mutations that a process is given at once."""
DEFAULTS = {"count": 200, "resealed": 60, "hostile": 0, "archives": 0, "zipped": 40}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What ``verify`` made of one mutation.

    Attributes:
        series: Of `SERIES`.
        seed: Its number there.
        kind: Its kind.
        what: What was changed.
        fault: What is wrong with how it ended; empty if it was found.
        s: Time of ``verify``.
        grown_bytes: Growth of the process's peak since it began, by then.
        code: Version of the code.
    """

    series: str
    seed: int
    kind: str
    what: str
    fault: str
    s: float
    grown_bytes: int
    code: str


class KeptResults:
    """`derive`, which keeps what it made for the same inputs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, reading: Reading, out: Path) -> None:
        """Make tables, figures and text, or copy them when they were made of the same inputs before."""
        artifact = reading.directory
        files = [*(artifact / name for name in INPUTS), *sorted((artifact / FINDINGS).glob("*.json"))]
        read = [path.read_bytes() if path.is_file() else b"" for path in files]
        kept = self._directory / digest_bytes(b"|".join(digest_bytes(data).encode() for data in read))
        if not kept.exists():
            made = Path(tempfile.mkdtemp(dir=self._directory))
            derive(reading, made)
            made.rename(kept)
        shutil.copytree(kept, out, dirs_exist_ok=True)


class Judge:
    """Changes copies of an artifact, and verifies them."""

    def __init__(self, artifact: Path, scratch: Path) -> None:
        """Verify the artifact as it is.

        Raises:
            ValueError: It has a problem.
        """
        self._artifact, self._scratch = artifact, scratch
        (scratch / "kept").mkdir()
        (scratch / "temporary").mkdir()
        tempfile.tempdir = str(scratch / "temporary")
        self._derive = KeptResults(scratch / "kept")
        whole = examine(artifact, derive=self._derive, study_digest=read_study_digest)
        if whole.problems:
            raise ValueError(f"{artifact} does not verify to begin with: {whole.problems[0]}")
        self._held = _peak()

    def judge(self, series: str, seed: int, code: str) -> Verdict:
        """Return what becomes of one mutation."""
        copy = shutil.copytree(self._artifact, self._scratch / "copy" / self._artifact.name)
        try:
            kind, what, path = SERIES[series](self._artifact, copy, seed)
            fault, seconds = self._verify(path)
        finally:
            shutil.rmtree(self._scratch / "copy")
        return Verdict(
            series=series, seed=seed, kind=kind, what=what, fault=fault, s=round(seconds, 3),
            grown_bytes=_peak() - self._held, code=code,
        )  # fmt: skip

    def _verify(self, path: Path) -> tuple[str, float]:
        """Return what is wrong with how ``verify`` ends, and its time."""
        began = monotonic()
        signal.setitimer(signal.ITIMER_REAL, HANGS_S)
        try:
            found = examine(path, derive=self._derive, study_digest=read_study_digest).problems
            fault = "" if found else "not found"
        except (Exception, HangError) as error:
            fault = f"{type(error).__name__}: {error}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        seconds = monotonic() - began
        fault = fault or (f"{seconds:.0f} s" if seconds > MOST_S else "")
        return fault or ("more than 1 GiB" if _peak() - self._held > MOST_BYTES else ""), seconds


class HangError(BaseException):
    """``verify`` was at one artifact for `HANGS_S`."""


Mutated = tuple[str, str, Path]
"""Kind of a mutation, what it was, and what is to be verified: the copy, or a zip."""


def _count(artifact: Path, copy: Path, seed: int) -> Mutated:
    return list(MUTATIONS)[seed % len(MUTATIONS)], mutate(copy, seed), copy


def _resealed(artifact: Path, copy: Path, seed: int) -> Mutated:
    rng = random.Random(seed)
    path = copy / rng.choice(_derived_files(artifact))
    data = bytearray(path.read_bytes())
    position = rng.randrange(len(data))
    data[position] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    reseal(copy)
    return "resealed", f"byte {position} of {path.name}", copy


@cache
def _derived_files(artifact: Path) -> tuple[str, ...]:
    entries = read_manifest(artifact).files
    return tuple(entry.path for entry in entries if entry.role in DERIVED_ROLES or entry.path in DOCUMENT_NAMES)


def _hostile(artifact: Path, copy: Path, seed: int) -> Mutated:
    kind, what = mutate_hostile(copy, seed)
    return kind, what, copy


def _archives(artifact: Path, copy: Path, seed: int) -> Mutated:
    zipped = copy.parent / archive_path(artifact).name
    return "archive", hostile_zip(artifact, zipped, seed), zipped


def _zipped(artifact: Path, copy: Path, seed: int) -> Mutated:
    zipped = copy.parent / archive_path(artifact).name
    data, rng = archive_path(artifact).read_bytes(), random.Random(seed)
    if seed % 8 == 0:
        zipped.write_bytes(data[: rng.randrange(len(data))])
    else:
        position = rng.randrange(len(data))
        zipped.write_bytes(data[:position] + bytes([data[position] ^ 1 << rng.randrange(8)]) + data[position + 1 :])
    return "zip", f"seed {seed}", zipped


SERIES: Mapping[str, Callable[[Path, Path, int], Mutated]] = {
    "count": _count,
    "resealed": _resealed,
    "hostile": _hostile,
    "archives": _archives,
    "zipped": _zipped,
}


def main() -> int:
    """Mutate, verify, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path, nargs="?")
    for name, count in DEFAULTS.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--from", type=int, dest="first", help="number of the first of each; default: the next, or 0")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, help="file of what was tried")
    asked = parser.parse_args()
    verdicts = _kept(asked.keep)
    started, code = monotonic(), code_version()
    with tempfile.TemporaryDirectory(prefix="ablatrix-mutations-", dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        try:
            artifact = _artifact(asked.artifact, Path(scratch, "artifact"))
            for verdict in _judged(artifact, _todo(asked, verdicts), code, asked.jobs, Path(scratch)):
                verdicts.append(verdict)
                if asked.keep is not None:
                    with asked.keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(verdict)) + "\n")
                if len(verdicts) % 50 == 0:
                    missed = [one for one in verdicts if one.fault]
                    print(f"{len(verdicts)} tried, {len(missed)} missed {missed[-1:]}", file=sys.stderr, flush=True)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
    return _show(verdicts, monotonic() - started)


def _artifact(given: Path | None, place: Path) -> Path:
    if given is not None:
        return given
    place.mkdir()
    made = make_bundle(place)
    size = sum((made / name).stat().st_size for name in list_files(made)[0])
    print(f"an artifact of {len(list_files(made)[0])} files, {size / 2**20:.1f} MiB", file=sys.stderr)
    return made


def _kept(path: Path | None) -> list[Verdict]:
    if path is None or not path.exists():
        return []
    return [Verdict(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _todo(asked: argparse.Namespace, verdicts: Sequence[Verdict]) -> Iterator[tuple[str, range]]:
    """Yield stretches of mutations: their series, and their numbers."""
    for series in SERIES:
        first = asked.first
        if first is None:
            first = max((one.seed + 1 for one in verdicts if one.series == series), default=0)
        end = first + getattr(asked, series)
        for start in range(first, end, STRETCH):
            yield series, range(start, min(end, start + STRETCH))


def _judged(
    artifact: Path, todo: Iterator[tuple[str, range]], code: str, jobs: int, scratch: Path
) -> Iterator[Verdict]:
    if jobs == 1:
        _begin(artifact, scratch)
        for series, numbers in todo:
            yield from (_judge().judge(series, seed, code) for seed in numbers)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(artifact, scratch)) as pool:
        for done in pool.map(_judge_stretch, *zip(*((*one, code) for one in todo), strict=True)):
            yield from done


_JUDGES: list[Judge] = []


def _begin(artifact: Path, scratch: Path) -> None:
    """Make the judge of this process."""
    place = scratch / str(os.getpid())
    place.mkdir()
    signal.signal(signal.SIGALRM, _stop)
    _JUDGES.append(Judge(artifact, place))


def _stop(*_: object) -> None:
    raise HangError(f"more than {HANGS_S:.0f} s")


def _judge() -> Judge:
    return _JUDGES[0]


def _judge_stretch(series: str, numbers: range, code: str) -> list[Verdict]:
    return [_judge().judge(series, seed, code) for seed in numbers]


def _show(verdicts: Sequence[Verdict], seconds: float) -> int:
    found = Counter(one.kind for one in verdicts if not one.fault)
    missed = [one for one in verdicts if one.fault]
    print(f"{'mutation':10} found")
    for kind, number in found.items():
        print(f"{kind:10} {number:5}")
    print(f"{found.total()} of {len(verdicts)} found; this call took {seconds:.0f} s")
    for one in missed:
        print(f"MISSED {one.kind}: {one.seed}: {one.what}: {one.fault}")
    figures = {
        "found": found.total(),
        "missed": len(missed),
        "slowest_s": max((one.s for one in verdicts), default=0.0),
        "grown_mib": round(max((one.grown_bytes for one in verdicts), default=0) / 2**20),
        "verify_s": round(sum(one.s for one in verdicts)),
    }
    print(json.dumps({"benchmark": "mutations", "figures": figures, "targets": {"missed": 0}, "holds": not missed}))
    return int(bool(missed))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    sys.exit(main())
