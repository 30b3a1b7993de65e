#!/usr/bin/env python3
"""Is every changed file read or refused, in bounded time and memory? ``scripts/fuzz.py --documents 100000``.

Each reader of files that others hand over gets documents with random changes; see ``tests/fuzz``. A document is drawn
from its number, so that one that failed can be made again: ``--reader records --from 1234 --documents 1 --show``. With
``--keep FILE`` a call goes on where the one before ended, and its figures are those of all; documents that had a fault
are given again, and count as mended where they have none now. ``--guided`` looks at which
code of ours a document reaches, and changes those that reach more (needs atheris; documents have no numbers then).
Prints a traceback for each kind of fault, a line for each reader and one JSON object; the exit code is 1 where there is
a fault.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("POLARS_MAX_THREADS", "1")  # tables here have a few lines

from tests.fuzz.fuzz import document, read_all  # noqa: E402 - after the path is set
from tests.fuzz.kept import Kept, Stretch, code_version, kind_of, totals  # noqa: E402
from tests.fuzz.targets import targets  # noqa: E402
from tests.fuzz.values import as_yaml  # noqa: E402

STRETCH_S = 10.0
"""About so long takes what is noted at once."""
MOST_MEMORY = 4 * 2**30
"""Bytes that a process may hold: a document that asks for more ends in a ``MemoryError``, not the machine."""


def main() -> int:
    """Read documents, and return the exit code."""
    given = _arguments()
    if given.show:
        for name in given.reader:
            target, content = document(name, given.first or 0)
            sys.stdout.buffer.write((as_yaml(content) if target.form == "values" else content) + b"\n")
        return 0
    if given.guided:
        from tests.fuzz.guided import search

        return search(given.reader or [*targets()], given.seconds, given.keep)
    kept = Kept(given.keep)
    code = code_version()
    mended = _mended(kept.stretches)
    seen: set[str] = set()
    began, before = time.monotonic(), len(kept.stretches)
    with Runner(given.jobs) as run:
        for name in given.reader or targets():
            first = kept.next_number(name) if given.first is None else given.first
            for stretch in _stretches(run, name, first, given.documents, given.seconds, given.jobs, code):
                kept.add(stretch)
                _show_faults(stretch, seen)
            own = [one for one in kept.stretches[before:] if one.reader == name]
            if own:
                held = totals(own)[name]
                print(f"{name}: {asdict(held)}, {1000 * held.cpu_s / held.documents:.2f} processor ms each", flush=True)
    figures = {name: asdict(held) for name, held in totals(kept.stretches, mended).items()}
    found = sum(one["faults"] for one in figures.values())
    print(f"{time.monotonic() - began:.0f} s, {sum(one['documents'] for one in figures.values())} documents in all")
    print(json.dumps({"benchmark": "fuzz", "figures": figures, "targets": {"faults": 0}, "holds": not found}))
    return int(bool(found))


def _mended(stretches: list[Stretch]) -> set[tuple[str, int]]:
    """Return the documents, by reader and number, that had a fault and have none now."""
    numbers: dict[str, list[int]] = {}
    for one in stretches:
        numbers.setdefault(one.reader, []).extend(one.faults)
    return {
        (reader, number)
        for reader, held in numbers.items()
        for number, ending in zip(held, read_all(reader, held), strict=True)
        if ending.fault is None
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", action="append", choices=[*targets()], help="default: all, in turn")
    parser.add_argument("--documents", type=int, default=10_000, help="how many for each reader")
    parser.add_argument("--from", type=int, dest="first", help="number of the first one; default: the next, or 0")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most about so long for each reader")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, help="file of what was tried; with --guided: folder of documents")
    parser.add_argument("--show", action="store_true", help="print the document --from of each --reader instead")
    parser.add_argument("--guided", action="store_true", help="search by coverage; needs atheris")
    return parser.parse_args()


def _stretches(
    run: Callable[..., Future[Stretch]], name: str, first: int, count: int, seconds: float, jobs: int, code: str
) -> Iterator[Stretch]:
    """Yield stretches of documents of a reader until there are enough, or the time is over."""
    began, end, size = time.monotonic(), first + count, 50
    waiting: set[Future[Stretch]] = set()
    while waiting or (first < end and time.monotonic() - began < seconds):
        while first < end and len(waiting) < jobs and time.monotonic() - began < seconds:
            numbers = range(first, min(end, first + size))
            waiting.add(run(_read_stretch, name, numbers, code))
            first = numbers.stop
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            stretch = future.result()
            yield stretch
            # As many as fit, so that little is lost where the machine stops.
            size = max(50, min(100_000, int(STRETCH_S * stretch.documents / max(stretch.s, 1e-3))))


def _read_stretch(name: str, numbers: range, code: str) -> Stretch:
    targets()  # made before the clock runs
    began, worked, taken, slowest = time.monotonic(), time.process_time(), 0, 0.0
    faults: dict[int, str] = {}
    for ending in read_all(name, numbers):
        taken += ending.taken
        slowest = max(slowest, ending.seconds)
        if ending.fault is not None:
            faults[ending.fault.number] = ending.fault.what
    seconds, cpu_s = round(time.monotonic() - began, 3), round(time.process_time() - worked, 3)
    return Stretch(
        reader=name, first=numbers.start, documents=len(numbers), read=taken, faults=faults,
        slowest_s=round(slowest, 3), s=seconds, cpu_s=cpu_s, code=code,
    )  # fmt: skip


class Runner:
    """Runs stretches in this process, or in several new ones."""

    def __init__(self, jobs: int) -> None:
        self._pool = None
        if jobs > 1:
            # Not forked: the tables' library has threads.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin)
        else:
            _begin()

    def __enter__(self) -> Callable[..., Future[Stretch]]:
        return self._here if self._pool is None else partial(self._pool.submit)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if kind is BrokenProcessPool:
            print("a process ended: the last stretch, with --jobs 1, says at which document", file=sys.stderr)

    def _here(self, read: Callable[..., Stretch], *arguments: object) -> Future[Stretch]:
        future: Future[Stretch] = Future()
        future.set_result(read(*arguments))
        return future


def _begin() -> None:
    """Bound the memory of a process, and have what is there already not looked through for garbage again."""
    targets()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    gc.collect()
    gc.freeze()


def _show_faults(stretch: Stretch, seen: set[str]) -> None:
    for number, what in stretch.faults.items():
        if kind_of(what) not in seen:
            seen.add(kind_of(what))
            print(f"{stretch.reader} {number}: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
