#!/usr/bin/env python3
"""Is every changed file read or refused, in bounded time and memory? ``scripts/fuzz.py --documents 100000``.

Each reader of files that others hand over gets documents with random changes; see ``tests/fuzz``. A document is drawn
from its number, so that one that failed can be made again: ``--reader records --from 1234 --documents 1``. Prints a
traceback for each kind of fault, a line for each reader and one JSON object; the exit code is 1 where there is a fault.
"""

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Read documents, and return the exit code."""
    from tests.fuzz.fuzz import read_all
    from tests.fuzz.targets import targets

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", action="append", choices=[*targets()], help="default: all, in turn")
    parser.add_argument("--documents", type=int, default=10_000, help="how many for each reader")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each reader")
    given = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    for name in given.reader or targets():
        began, taken, count, slowest = time.monotonic(), 0, 0, 0.0
        kinds: dict[str, list[int]] = {}
        for ending in read_all(name, range(given.first, given.first + given.documents)):
            count += 1
            taken += ending.taken
            slowest = max(slowest, ending.seconds)
            if ending.fault is not None:
                kind = "\n".join(ending.fault.what.strip().splitlines()[-3:])
                if kind not in kinds:
                    print(f"{name} {ending.fault.number}: {ending.fault.what}", flush=True)
                kinds.setdefault(kind, []).append(ending.fault.number)
            if time.monotonic() - began > given.seconds:
                break
        faults = sum(map(len, kinds.values()))
        figures[name] = {
            "documents": count, "read": taken, "faults": faults, "kinds": len(kinds),
            "slowest_s": round(slowest, 3), "s": round(time.monotonic() - began, 1),
        }  # fmt: skip
        print(name, figures[name], flush=True)
    found = sum(one["faults"] for one in figures.values())
    print(json.dumps({"benchmark": "fuzz", "figures": figures, "targets": {"faults": 0}, "holds": not found}))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
