"""How much of a run's wall time is work: preparing, compiling, checking, warming up, timing; and where the rest goes.

Useful seconds are the preparation of workloads, and the time in which the runner waits for a worker that plans,
compiles, loads, checks, warms up or is timed (``wall_s`` of every record, superseded ones omitted). Of these, records
report the stages of compiling, and files of samples what was warmed up, re-warmed and timed; the rest of a worker's
time is checks, its first messages and last clean-up. The rest of the wall is itemised by calls into the engine.

    python benchmarks/efficiency.py [STUDY] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import ablatrix
from ablatrix.cli.progress import watch

Seconds = defaultdict[str, float]
TARGETS = {"useful_share": 0.85}
STUDY = Path(__file__).parents[1] / "studies" / "quick.yaml"
PREPARE = "prepare workloads"
# Calls of the engine that are no work of a trial. An inner one is taken from the outer one's time.
CALLS = {
    "ablatrix.trials.run.preparation:Preparation.make": PREPARE,
    "ablatrix.trials.client.client:ForkServer.__init__": "start fork servers (import frameworks)",
    "ablatrix.trials.client.client:ForkServer.await_ready": "start fork servers (import frameworks)",
    "ablatrix.trials.client.client:LoadingServer.finish": "load prepared programs",
    "ablatrix.trials.client.client:ForkServer.close": "end fork servers",
    "ablatrix.trials.client.client:WorkloadServer.start": "fork workers",
    "ablatrix.trials.client.client:Worker.pause": "pause workers",
    "ablatrix.trials.client.client:Worker.resume": "resume workers",
    "ablatrix.trials.client.client:Worker.end": "end workers",
    "ablatrix.trials.results.ledger:Ledger.make": "make records",
    "ablatrix.trials.results.ledger:Ledger.write": "write samples and records",
    "ablatrix.trials.run.stopping:HotProgress.decide": "decide on further blocks",
    "ablatrix.trials.results.recording:Scene.read": "read the machine",
    "ablatrix.trials.host.environment:NoiseProbe.read": "read noise counters",
    "ablatrix.trials.results.directory:ResultDirectory.known": "read the journal",
}


def main(path: Path, out: Path | None) -> None:
    """Run the study from nothing and print the verdict as JSON."""
    resolved = ablatrix.load_study(path)
    with ExitStack() as stack:
        directory = out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        progress = stack.enter_context(watch(quiet=False))
        start = perf_counter()
        calls = stack.enter_context(Calls().counted())
        calls.seconds["import the engine"] = perf_counter() - start
        summary = ablatrix.run(resolved, directory, progress=progress)
        wall_s = perf_counter() - start
        records = list(ablatrix.read_records(summary.results))
        samples = sampled_s(directory, {(record.trial_id, record.attempt) for record in records if record.final})
    work_s = sum(record.wall_s for record in records if record.final)
    useful_s = work_s + calls.seconds[PREPARE]
    stages = {**compiled_s(records), **samples}
    rest = {name: seconds for name, seconds in calls.seconds.items() if name != PREPARE}
    figures: dict[str, Any] = {
        "study": resolved.study.name,
        "trials": len(records),
        "ok": sum(record.final and record.status == "ok" for record in records),
        "wall_s": wall_s,
        "useful_s": useful_s,
        "useful_share": useful_s / wall_s,
        "useful": {
            PREPARE: calls.seconds[PREPARE],
            **stages,
            "check, first and last message": work_s - sum(stages.values()),
        },
        "rest": {
            **rest,
            "trials that were repeated": sum(record.wall_s for record in records if not record.final),
            "everything else": wall_s - useful_s - sum(rest.values()),
        },
        "not_counted": sorted(calls.missing),
    }
    for part in ("useful", "rest"):
        for name, seconds in sorted(figures[part].items(), key=lambda item: -item[1]):
            print(f"{part:>6} {seconds:9.2f} s {seconds / wall_s:7.2%}  {name}")
    holds = figures["useful_share"] >= TARGETS["useful_share"]
    print(json.dumps({"benchmark": "efficiency", "figures": figures, "targets": TARGETS, "holds": holds}))


def compiled_s(records: list[ablatrix.Record]) -> Seconds:
    """Return the seconds of the stages that records report, over all final records."""
    seconds: Seconds = defaultdict(float)
    for record in records:
        if not record.final:
            continue
        if record.plan is not None:
            seconds["plan"] += record.plan.plan_ms / 1e3
        if record.compile is not None:
            for stage, milliseconds in record.compile.compile_ms.items():
                seconds[stage] += milliseconds / 1e3
        if record.runtime is not None and record.runtime.run_ms_cold is not None:
            seconds["first run"] += record.runtime.run_ms_cold / 1e3
    return seconds


def sampled_s(directory: Path, final: set[tuple[str, int]]) -> Seconds:
    """Return the seconds that workers warmed up, re-warmed and were timed, from the raw samples."""
    seconds: Seconds = defaultdict(float)
    for file in sorted((directory / "samples").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            value = json.loads(line)
            if (value["trial_id"], value["attempt"]) not in final:
                continue
            seconds["warm up"] += sum(value["warm_up_ms"]) / 1e3
            seconds["re-warm"] += sum(map(sum, value["rewarming_ms"])) / 1e3
            seconds["timed"] += sum(map(sum, value["bursts_ms"])) / 1e3
    return seconds


class Calls:
    """Wall time of calls into the engine, each without the counted calls inside it."""

    def __init__(self) -> None:
        self.seconds: Seconds = defaultdict(float)
        self.missing: list[str] = []
        self._inner = [0.0]

    @contextmanager
    def counted(self) -> Iterator[Calls]:
        """Count while entered. A call that the engine no longer has is listed in ``missing``."""
        replaced = []
        for reference, name in CALLS.items():
            module, _, path = reference.partition(":")
            owner_name, _, method = path.partition(".")
            owner = getattr(importlib.import_module(module), owner_name, None)
            before = None if owner is None else owner.__dict__.get(method)
            if before is None:
                self.missing.append(reference)
                continue
            is_class_method = isinstance(before, classmethod)
            timed = self._timed(before.__func__ if is_class_method else before, name)
            setattr(owner, method, classmethod(timed) if is_class_method else timed)
            replaced.append((owner, method, before))
        try:
            yield self
        finally:
            for owner, method, before in replaced:
                setattr(owner, method, before)

    def _timed(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*given: Any, **named: Any) -> Any:
            start = perf_counter()
            self._inner.append(0.0)
            try:
                return call(*given, **named)
            finally:
                whole = perf_counter() - start
                inner = self._inner.pop()
                self._inner[-1] += whole
                self.seconds[name] += whole - inner

        return timed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("study", type=Path, nargs="?", default=STUDY)
    parser.add_argument("--out", type=Path, help="a new directory to keep the results in")
    arguments = parser.parse_args()
    main(arguments.study, arguments.out)
