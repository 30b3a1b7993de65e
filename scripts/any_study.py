#!/usr/bin/env python3
"""Does any study come out? Made-up studies, each read by every command: ``scripts/any_study.py --studies 2000``.

Each study is drawn from its number (see ``tests/made_study.py``), so that one that fails can be made again:
``--from 1234 --studies 1``. Prints a line for each fault and a summary; the exit code is 1 where there is a fault.
Several of these commands can run at once, each on numbers of its own. Every ``--figures-every``-th study gets all
figures, the page, and an artifact that is verified as well; the others get ``effects``, ``diagnose`` and the text in
both languages.
"""

import argparse
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]


def check(task: tuple[int, bool]) -> tuple[int, list[str]]:
    """Return the number of a study, and its faults."""
    sys.path.insert(0, str(ROOT))
    from tests.any_study import check_seed

    seed, figures = task
    with tempfile.TemporaryDirectory(prefix="any-study-") as directory:
        try:
            return seed, check_seed(seed, Path(directory), figures)
        except Exception:
            return seed, [traceback.format_exc()]


def main() -> int:
    """Check studies, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first one")
    parser.add_argument("--figures-every", type=int, default=10, help="0: none of them")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    every = given.figures_every
    tasks = [(seed, every > 0 and seed % every == 0) for seed in range(given.first, given.first + given.studies)]
    began, failed, shown = time.monotonic(), 0, 0
    with ProcessPoolExecutor(given.processes) as pool:
        for done, (seed, faults) in enumerate(pool.map(check, tasks, chunksize=1), start=1):
            failed += bool(faults)
            for fault in faults:
                print(f"study {seed}: {fault}", flush=True)
            if done * 10 // len(tasks) > shown:
                shown = done * 10 // len(tasks)
                print(f"{done} of {len(tasks)} studies, {failed} with faults", file=sys.stderr, flush=True)
    seconds = time.monotonic() - began
    whole = sum(figures for _, figures in tasks)
    print(f"{len(tasks)} studies ({whole} with figures, page and artifact) in {seconds:.0f} s: {failed} have faults")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
