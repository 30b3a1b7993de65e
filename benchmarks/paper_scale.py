"""Time and memory of the whole paper over many records: ``ablatrix paper``, beside reading the records alone.

The records are those of ``records_scale.py``. Both are measured in processes of their own, in the same run: what
``tidy`` takes is the floor of any command that reads the records, so the ratio shows what tables, figures, text, macros
and provenance add.

    python benchmarks/paper_scale.py [trials]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from records_scale import measured, write_run

TARGETS = {"seconds": 120.0, "peak_gib": 8.0}
FULL = 1_000_000


def main(trials: int) -> None:
    """Make the records, then read them and make their paper, and print all figures as JSON."""
    directory = Path(tempfile.mkdtemp(prefix="paper-scale-"))
    try:
        start = perf_counter()
        made = write_run(directory, trials)
        os.sync()  # else the writing goes on while the reading is timed
        print(f"{trials} trials: {made} in {perf_counter() - start:.0f} s", flush=True)
        results = directory / "results.jsonl"
        figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), **made}
        figures["tidy"] = measured(read, results)
        print(json.dumps(figures["tidy"]), flush=True)
        figures["paper"] = measured(paper, results)
    finally:
        shutil.rmtree(directory)
    figures["ratio"] = figures["paper"]["seconds"] / figures["tidy"]["seconds"]
    holds = trials >= FULL and all(figures["paper"][name] <= most for name, most in TARGETS.items())
    print(json.dumps({"benchmark": "paper_scale", "figures": figures, "targets": TARGETS, "holds": holds}))


def read(results: Path) -> dict[str, float]:
    """Read the records alone."""
    from ablatrix.analysis.table.trials_table import tidy

    return {"trials": tidy([results]).trials.height}


def paper(results: Path) -> dict[str, float]:
    """Make the paper of the records as the command does; return the seconds that each part takes."""
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table.trials_table import tidy
    from ablatrix.paper.make import make_paper

    laps = [perf_counter()]
    found = tidy([results])
    laps.append(perf_counter())
    written = make_paper(Findings(found), None, results.parent / "paper").files
    laps.append(perf_counter())
    provenance = json.loads((results.parent / "paper" / "provenance.json").read_text(encoding="utf-8"))
    return {
        "trials": found.trials.height,
        "tidy_s": laps[1] - laps[0],
        "make_s": laps[2] - laps[1],
        "files": len(written),
        "bytes": sum(file.stat().st_size for file in written),
        **{name: len(provenance[name]) for name in ("numbers", "sentences", "left_out")},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="?", type=int, default=FULL)
    main(parser.parse_args().trials)
