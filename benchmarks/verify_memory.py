"""Peak memory and time of ``ablatrix verify`` on artifacts of growing size, made by the code under test.

The records are those of ``records_scale.py`` (25 workloads, two compilers, cold and hot, one failure in a hundred), but
every hot one has a line of raw samples of its own (10 bursts of 20 iterations) from which its times follow. Two things
are measured, each in a process of its own: ``checks`` is all that ``verify`` does but for making tables, figures, text
and page again, and ``command`` is ``ablatrix verify``, which makes them up to so many records and else says that it is
incomplete. The peak is the sum of the process and its children as seen ten times a second, or what the system says of
the largest of them, whichever is more. Time is that of processors, as others may use the machine.

    python benchmarks/verify_memory.py [--sizes 2000,20000] [--checks] [--keep DIRECTORY]
    python benchmarks/verify_memory.py --sizes 2000,20000,200000
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter, sleep
from typing import IO, Any

import numpy as np

from ablatrix.artifact.bundle import Origin, assemble
from ablatrix.artifact.checks import Extent, derive
from ablatrix.artifact.contents import MANIFEST_NAME, Reading
from ablatrix.canonical import canonical_json, digest_bytes
from ablatrix.study.load import read_study_digest
from records_scale import BLOCK, COMPILERS, WORKLOADS, configurations, split, template, tree_bytes, trial_values

TARGETS = {"peak_gib": 1.0, "cost_ratio": 1.5}
ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "studies/tiny.yaml"
BURSTS, ITERATIONS = 10, 20
CHECKS = """
import sys
from ablatrix.artifact.bundle import examine
from ablatrix.artifact.checks import Extent
from ablatrix.study.load import read_study_digest
found = examine(sys.argv[1], study_digest=read_study_digest, extent=Extent(records=0))
print(*found.problems, sep="\\n")
print(f"{found.files} files, {found.records} records: {len(found.problems)} problems, not checked: {found.unchecked}")
"""


def main(sizes: list[int], checks_alone: bool, keep: Path | None) -> None:
    """Make an artifact of each size, verify it, and print all figures as JSON."""
    figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "checks": {}, "command": {}}
    for size in sizes:
        place = Path(tempfile.mkdtemp(prefix="verify-memory-")) if keep is None else keep / str(size)
        os.environ["ABLATRIX_CACHE_DIR"] = str(place / "cache")
        artifact = place / "artifact"
        try:
            start = perf_counter()
            if not (artifact / MANIFEST_NAME).exists():
                # In a process of its own: the peak of a process counts what the one had that started it.
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as other:
                    made = other.submit(make_artifact, artifact, size, not checks_alone).result()
                print(f"{size} records: {made}", flush=True)
            print(f"made in {perf_counter() - start:.0f} s", flush=True)
            checks = [sys.executable, "-P", "-c", CHECKS, str(artifact)]
            figures["checks"][size] = measured(checks, r": 0 problems, not checked: \('tables", size)
            print(json.dumps({size: figures["checks"][size]}), flush=True)
            if not checks_alone:
                command = [sys.executable, "-P", "-m", "ablatrix", "verify", str(artifact)]
                expected = r": holds$" if size <= Extent().records else r"INCOMPLETE, no problem found"
                figures["command"][size] = measured(command, expected, size)
                print(json.dumps({size: figures["command"][size]}), flush=True)
        finally:
            if keep is None:
                shutil.rmtree(place)
    first, last = (figures["checks"][size]["ms_a_record"] for size in (sizes[0], sizes[-1]))
    figures["cost_ratio"] = last / first
    found = [*figures["checks"].values(), *figures["command"].values()]
    holds = (
        not checks_alone
        and all(one["peak_gib"] <= TARGETS["peak_gib"] and one["as_expected"] for one in found)
        and figures["cost_ratio"] <= TARGETS["cost_ratio"]
    )
    print(json.dumps({"benchmark": "verify_memory", "figures": figures, "targets": TARGETS, "holds": holds}))


def make_artifact(directory: Path, size: int, with_tables: bool) -> dict[str, Any]:
    """Make an artifact of so many trials; return lines, bytes of records, and bytes and files of samples."""
    directory.mkdir(parents=True)
    (directory / "samples").mkdir()
    digest = read_study_digest(STUDY)
    lines, planned = 0, []
    with (directory / "results.jsonl").open("w", encoding="utf-8") as file:
        for line, trial in made_lines(directory, size, digest):
            lines += 1
            file.write(line)
            if trial is not None:
                planned.append(trial)
    (directory / "design.json").write_text(json.dumps({"study_digest": digest, "trials": planned}, indent=1))
    if with_tables and lines <= Extent().records:
        derive(Reading(directory), directory)
    assemble(directory, Origin(study=STUDY))
    files = list((directory / "samples").iterdir())
    return {
        "lines": lines,
        "records_mib": (directory / "results.jsonl").stat().st_size / 2**20,
        "samples_mib": sum(one.stat().st_size for one in files) / 2**20,
        "samples_files": len(files),
    }


def made_lines(directory: Path, trials: int, digest: str) -> Iterator[tuple[str, dict[str, str] | None]]:
    """Yield each line of the records, with its trial in the design where it is the final one; write the samples."""
    rng = np.random.default_rng(7)
    sides = list(configurations())
    units = list(itertools.product(("cold", "hot"), range(WORKLOADS), COMPILERS))
    templates = {
        (unit, index, failed): split(of_study(template(*unit, *side, failed), digest))
        for unit in units
        for index, side in enumerate(sides)
        for failed in (False, True)
    }
    for block, begin in enumerate(range(0, trials, BLOCK)):
        unit = units[block % len(units)]
        noise = rng.normal(0.0, 0.01, (BLOCK, 8 + BURSTS)) + rng.normal(0.0, 0.03)
        chance = rng.random((BLOCK, 2))
        samples = None
        for index in range(min(BLOCK, trials - begin)):
            role, knobs = sides[index]
            failed, again = chance[index, 0] < 0.01, chance[index, 1] < 0.005
            values = trial_values(block, begin + index, unit[1], knobs, noise[index])
            for attempt, early in enumerate((True, False) if again else (False,)):
                values |= {"attempt": str(attempt), "final": "false" if early else "true"}
                values["record_id"] = f'"{begin + index:014x}{attempt:02x}"'
                if unit[0] == "hot" and not (failed or early):
                    samples = samples or (directory / json.loads(values["file"])).open("a", encoding="utf-8")
                    values |= sampled(values, rng, samples)
                pieces, names = templates[unit, index, bool(failed or early)]
                own = map(values.__getitem__, names)
                text = "".join(itertools.chain.from_iterable(zip(pieces, [*own, ""], strict=True)))
                trial = {"trial_id": json.loads(values["trial_id"]), "mode": unit[0], "role": role}
                yield text, None if early else trial
        if samples is not None:
            samples.close()


def of_study(line: str, digest: str) -> str:
    """Return the line of a template as one of this study, without what the bursts of another line gave."""
    record = json.loads(line)
    record["study_digest"] = digest
    if record["runtime"] is not None and record["mode"] == "hot":
        record["runtime"]["burst_ms_min"] = None
    return json.dumps(record, separators=(",", ":")) + "\n"


def sampled(values: dict[str, str], rng: np.random.Generator, samples: IO[str]) -> dict[str, str]:
    """Write raw samples of a trial about as fast as its values say, and return those that follow from them."""
    bursts = (float(values["p50"]) * rng.normal(1.0, 0.01, (BURSTS, ITERATIONS)).clip(0.9)).tolist()
    owner = {"trial_id": json.loads(values["trial_id"]), "attempt": int(values["attempt"])}
    line = canonical_json({**owner, "bursts_ms": bursts, "rewarming_ms": [], "warm_up_ms": []})
    samples.write(line + "\n")
    counted = [one for burst in bursts for one in burst]
    percents = {f"p{number}": float(np.percentile(counted, number)) for number in (50, 90, 95, 99)}
    figures = {**percents, "mean": statistics.fmean(counted), "min": min(counted)}
    return {name: repr(value) for name, value in figures.items()} | {
        "bursts": json.dumps([statistics.median(burst) for burst in bursts]),
        "digest": f'"{digest_bytes(line.encode())}"',
    }


def measured(command: list[str], expected: str, size: int) -> dict[str, Any]:
    """Run a command; return its seconds, its peak of memory and whether it said what is expected."""
    start, peak = perf_counter(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            peak = max(peak, tree_bytes(process.pid))
            sleep(0.1)
        seconds, used = perf_counter() - start, ended[2]
        process.returncode = os.waitstatus_to_exitcode(ended[1])
        output.seek(0)
        said = output.read().decode()
    cpu_s = used.ru_utime + used.ru_stime
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "ms_a_record": cpu_s / size * 1e3,
        "peak_gib": max(peak, used.ru_maxrss * 1024) / 2**30,
        "as_expected": re.search(expected, said, re.M) is not None,
        "said": said.splitlines()[-1],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="2000,20000", help="Numbers of trials, ascending.")
    parser.add_argument("--checks", action="store_true", help="Make no tables, and measure the checks alone.")
    parser.add_argument("--keep", type=Path, default=None, help="Directory for the artifacts, used again if there.")
    chosen = parser.parse_args()
    main([int(size) for size in chosen.sizes.split(",")], chosen.checks, chosen.keep)
