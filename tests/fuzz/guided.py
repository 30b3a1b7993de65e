"""A search for documents by the code that they reach (Atheris, libFuzzer), in a process for each reader.

Documents have no numbers then: those that reach new code, and those with a fault, are files in a folder, from which a
later search goes on. The changes are those of `tests.fuzz.changes`.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOMS = ("documents", "study", "records", "artifact", "paper.template", "analysis.claims", "analysis.table", "builds")
INSTRUMENTED = [*(f"ablatrix.{room}" for room in ROOMS), "ablatrix.pull_request.policy", "ruamel.yaml"]
"""What is looked at: the readers, and the parser of YAML. More would take minutes to begin."""
LONGEST = 16 * 1024
MOST_S, MOST_MIB = 70, 4096
"""Bounds of a document that libFuzzer holds; a little beyond those of `tests.fuzz.fuzz`, which name the fault."""
FOLDER = Path("fuzz-documents")


def search(readers: list[str], seconds: float, folder: Path | None) -> int:
    """Search for so many seconds for each reader, one after the other, and return the exit code.

    Args:
        readers: Their names.
        seconds: For each of them.
        folder: Where documents are kept; default: `FOLDER`.
    """
    held = folder or FOLDER
    found = 0
    for name in readers:
        words = [sys.executable, "-m", "tests.fuzz.guided", name, str(held), str(min(seconds, 1e6))]
        ended = subprocess.run(words, cwd=Path(__file__).parents[2], check=False).returncode
        faults = len([*(held / name / "faults").iterdir()])
        print(f"{name}: {len([*(held / name / 'reached').iterdir()])} documents, {faults} faults", flush=True)
        found += faults or ended
    return int(bool(found))


def main(name: str, folder: Path, seconds: float) -> None:
    """Search for one reader; does not return, as libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.fuzz import Reading
        from tests.fuzz.targets import targets

    from tests.fuzz.changes import changed

    target = targets()[name]
    reached, faults = folder / name / "reached", folder / name / "faults"
    for place in (reached, faults):
        place.mkdir(parents=True, exist_ok=True)
    for content in target.seeds:
        (reached / hashlib.sha1(content).hexdigest()).write_bytes(content)
    reading = Reading(name)
    known: set[str] = set()

    def change(data: bytes, most: int, seed: int) -> bytes:
        return changed(random.Random(seed), bytes(data), target.form, target.seeds)[:most]

    def read(data: bytes) -> None:
        if target.form == "values" and not _is_json(data):
            return
        fault = reading.end(0, data).fault
        if fault is not None:
            _keep(fault.what, data, faults, known)

    limits = {"max_total_time": int(seconds), "max_len": LONGEST, "timeout": MOST_S, "rss_limit_mb": MOST_MIB}
    # Signals are ours: a reader that takes too long is stopped where it is.
    options = {**limits, "handle_alrm": 0, "artifact_prefix": f"{faults}/"}
    words = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([name, *words, str(reached)], read, custom_mutator=change)
    atheris.Fuzz()


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _keep(what: str, data: Any, faults: Path, known: set[str]) -> None:
    from tests.fuzz.kept import kind_of

    if kind_of(what) not in known:
        known.add(kind_of(what))
        (faults / hashlib.sha1(data).hexdigest()).write_bytes(data)
        print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
