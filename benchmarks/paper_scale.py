"""Time and memory of the commands that read many records: effects, paper, page, verdict; the first time and later.

The records are those of ``records_scale.py``. Each command runs in a process of its own, as often as a user would: the
first one of all parses and validates every line and keeps a columnar copy, the later ones read that. What drawing takes
does not depend on the number of records and is printed apart (``drawing_s``, and of processors ``drawing_cpu_s``):
composing and saving the paper's figures with matplotlib, and building the page's charts with Altair and vl-convert's
script. pandas and DuckDB do their naive version of ``effects`` on the same file.

    python benchmarks/paper_scale.py [trials] [largest size for pandas]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from records_peers import analyse_by_duckdb, analyse_by_pandas
from records_scale import measured, write_run

TARGETS = {"first_read_s": 60.0, "later_beyond_drawing_s": 20.0, "paper_s": 75.0, "peak_gib": 8.0}
FULL = 1_000_000


def main(trials: int, largest_pandas: int) -> None:
    """Make the records, run each command, and print all figures as JSON."""
    directory = Path(tempfile.mkdtemp(prefix="paper-scale-"))
    os.environ["ABLATRIX_CACHE_DIR"] = str(directory / "cache")
    works = {"first_read": read, "effects": effects, "paper": paper, "page": page, "verdict": verdict}
    try:
        start = perf_counter()
        made = write_run(directory, trials)
        os.sync()  # else the writing goes on while the reading is timed
        print(f"{trials} trials: {made} in {perf_counter() - start:.0f} s", flush=True)
        results = directory / "results.jsonl"
        figures: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), **made}
        for name, work in {**works, "duckdb": analyse_by_duckdb, "pandas": analyse_by_pandas}.items():
            if name != "pandas" or trials <= largest_pandas:
                figures[name] = measured(work, results)
                print(json.dumps({name: figures[name]}), flush=True)
    finally:
        shutil.rmtree(directory)
    later = [figures[name] for name in works if name != "first_read"]
    holds = (
        trials >= FULL
        and figures["first_read"]["seconds"] <= TARGETS["first_read_s"]
        and all(one["seconds"] - one["drawing_s"] <= TARGETS["later_beyond_drawing_s"] for one in later)
        and figures["paper"]["seconds"] <= TARGETS["paper_s"]
        and all(one["peak_gib"] <= TARGETS["peak_gib"] for one in later)
    )
    print(json.dumps({"benchmark": "paper_scale", "figures": figures, "targets": TARGETS, "holds": holds}))


def read(results: Path) -> dict[str, float]:
    """Read the records alone."""
    from ablatrix.analysis.table import tidy

    return {"trials": tidy([results]).trials.height}


def effects(results: Path) -> dict[str, float]:
    """Estimate all effects of the main metrics."""
    from ablatrix.analysis.effects import Question, gather
    from ablatrix.analysis.table import tidy

    laps = [perf_counter()]
    found = tidy([results])
    laps.append(perf_counter())
    count = sum(len(one.effects) for one in gather(found, Question()))
    laps.append(perf_counter())
    return {"trials": found.trials.height, **_laps(laps, "tidy_s", "effects_s"), **_spent([]), "effects": count}


def paper(results: Path) -> dict[str, float]:
    """Make the paper of the records."""
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.paper.make import make_paper

    drawing = _timed_figures()
    laps = [perf_counter()]
    found = tidy([results])
    laps.append(perf_counter())
    written = make_paper(Findings(found), None, results.parent / "paper").files
    laps.append(perf_counter())
    provenance = json.loads((results.parent / "paper" / "provenance.json").read_text(encoding="utf-8"))
    return {
        "trials": found.trials.height,
        **_laps(laps, "tidy_s", "make_s"),
        **_spent(drawing),
        "files": len(written),
        "bytes": sum(file.stat().st_size for file in written),
        **{name: len(provenance[name]) for name in ("numbers", "sentences", "left_out")},
    }


def page(results: Path) -> dict[str, float]:
    """Write the page of the records."""
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.table import tidy
    from ablatrix.page.write import write_page

    drawing = _timed_charts()
    laps = [perf_counter()]
    found = tidy([results])
    laps.append(perf_counter())
    size = write_page(Findings(found), (), results.parent / "report.html", [results]).stat().st_size
    laps.append(perf_counter())
    return {"trials": found.trials.height, **_laps(laps, "tidy_s", "write_s"), **_spent(drawing), "bytes": size}


def verdict(results: Path) -> dict[str, float]:
    """Decide whether the study is done."""
    from ablatrix.verdict import reach_verdict

    drawing = _timed_figures()
    start = perf_counter()
    found = reach_verdict([results])
    seconds = perf_counter() - start
    trials = found.criteria[0].numbers["trials"]
    return {"trials": trials, "verdict_s": seconds, **_spent(drawing), "notes": len(found.notes)}


Spent = list[tuple[float, float]]
"""Seconds by the clock, and of processors, of each piece of drawing."""


def _timed_figures() -> Spent:
    """Return a list that gets what each figure takes that is composed or saved in this process."""
    from ablatrix.paper.figures import write

    spent: Spent = []
    _time(write, [name for name in dir(write) if name.startswith("compose_") or name == "save_pages"], spent)
    return spent


def _timed_charts() -> Spent:
    """Return a list that gets what each chart of the page takes, and the script that draws them."""
    import vl_convert

    from ablatrix.page import cold_chart, effects_charts

    spent: Spent = []
    for module in (cold_chart, effects_charts):
        _time(module, [name for name in dir(module) if name.endswith("_layers") or name == "finished"], spent)
    _time(vl_convert, ["javascript_bundle"], spent)
    return spent


def _time(module: Any, names: list[str], spent: Spent) -> None:
    def timed(draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*arguments: Any) -> Any:
            start, before = perf_counter(), process_time()
            try:
                return draw(*arguments)
            finally:
                spent.append((perf_counter() - start, process_time() - before))

        return drawn

    for name in names:
        setattr(module, name, timed(getattr(module, name)))


def _spent(drawing: Spent) -> dict[str, float]:
    return {"drawing_s": sum(one for one, _ in drawing), "drawing_cpu_s": sum(own for _, own in drawing)}


def _laps(laps: list[float], *names: str) -> dict[str, float]:
    return {name: after - before for name, before, after in zip(names, laps, laps[1:], strict=False)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trials", nargs="?", type=int, default=FULL)
    parser.add_argument("largest_pandas", nargs="?", type=int, default=100_000)
    chosen = parser.parse_args()
    main(chosen.trials, chosen.largest_pandas)
