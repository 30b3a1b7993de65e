"""Does Ray beside a trial change it? The same study on one host, without Ray and in a slot of Ray, by turns.

A session runs the study twice: once as on any machine, with no process of Ray there, and once in a slot of a Ray
cluster of this host alone, in an order that alternates. Both have the processors of a slot, which leaves the first
one to Ray: two processors instead of one are another experiment (here 4 %, and 14 % of eager PyTorch). For each
configuration the time with Ray is taken relative to the time without, and for each knob its effect with Ray relative
to its effect without, session by session. In truth nothing differs, so that an interval without 1 is a false verdict.

It needs a machine with nothing else to do: other load differs between the two by more than the target.

    python benchmarks/cluster_same.py [--sessions 6] [--blocks 4] [--keep DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import suppress
from math import log
from pathlib import Path
from time import monotonic, sleep

from ablatrix.records.journal import read_records
from ablatrix.statistics.ratio import Ratio, paired_ratio
from ablatrix.trials.slots import leave_a_cpu

TARGETS = {"mean_difference": 0.003, "false_verdicts": 0.05}
STUDY = """\
name: same
workloads:
  - {{name: encoder, parameters: {{layers: 2, hidden: 64, tokens: 32, vocabulary: 256}}}}
  - {{name: attention, parameters: {{tokens: 32}}}}
compilers: [tvm]
modes: [hot]
stages:
  - name: primary
    factorial: {{fusion: [off, on], partition: [whole, regions]}}
checks: {{input_sets: 1}}
protocol:
  hot: {{blocks: {blocks}, max_blocks: {blocks}, effect_width: 0.5, cell_width: 0.5, timeout_s: 300}}
"""
PORT, READY_S = 6399, 120.0
Times = dict[tuple[str, str], float]


def main(arguments: list[str] | None = None) -> int:
    """Run the sessions that are missing, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=6)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="directory of all results; sessions that are there are not run again")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ablatrix-same-") as temporary:
        place = (chosen.keep or Path(temporary)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        study = place / "same.yaml"
        study.write_text(STUDY.format(blocks=chosen.blocks))
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for number in range(chosen.sessions):
            sides = ("local", "ray") if number % 2 == 0 else ("ray", "local")
            times = {side: times_of(run(study, place / f"{number}-{side}", side)) for side in sides}
            for key, time in times["local"].items():
                if key in times["ray"]:
                    found[key].append(log(times["ray"][key] / time))
            print(f"session {number + 1} of {chosen.sessions} is there", flush=True)
    return told(found)


def told(found: dict[tuple[str, str], list[float]]) -> int:
    """Print a row a configuration, and the figures as JSON."""
    ratios: list[Ratio] = []
    for (workload, configuration), logs in found.items():
        ratios.append(paired_ratio(logs))
        print(f"{workload:<12} {configuration:<40} {ratios[-1].value:.4f}")
    off = [abs(one.value - 1.0) for one in ratios]
    known = [one for one in ratios if one.low is not None and one.high is not None]
    false = [one for one in known if not (one.low or 0.0) <= 1.0 <= (one.high or 0.0)]
    sessions = min(map(len, found.values()))
    whole = paired_ratio([statistics.fmean(logs[number] for logs in found.values()) for number in range(sessions)])
    share = len(false) / len(known) if known else None
    figures = {
        "configurations": len(ratios),
        "mean_difference": whole.value - 1.0,
        "median_difference": statistics.median(off),
        "largest_difference": max(off),
        "false_verdicts": share,
    }
    is_small = abs(whole.value - 1.0) <= TARGETS["mean_difference"]
    holds = is_small and share is not None and share <= TARGETS["false_verdicts"]
    print(json.dumps({"benchmark": "cluster_same", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


def run(study: Path, out: Path, side: str) -> Path:
    """Run the study, in a slot of Ray or without, and return its results."""
    words = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out), "--quiet"]
    if side == "local":
        subprocess.run(words, check=True, preexec_fn=leave_a_cpu)
        return out
    ray = str(Path(sys.executable).with_name("ray"))
    own = ["--num-cpus=0", "--disable-usage-stats", '--resources={"ablatrix_slot": 1}', "--include-dashboard=false"]
    there = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_ADDRESS": f"127.0.0.1:{PORT}"}
    head = subprocess.Popen(
        [ray, "start", "--head", f"--port={PORT}", "--node-ip-address=127.0.0.1", *own, "--block"],
        env=there,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(head)
        subprocess.run([*words, "--slots", "ray"], check=True, env=there)
    finally:
        head.terminate()  # and with it all that it started; `ray stop` would end every cluster of this machine
        head.wait()
    return out


def wait_for_port(head: subprocess.Popen[bytes]) -> None:
    """Wait until a cluster answers."""
    ends = monotonic() + READY_S
    while monotonic() < ends and head.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1.0):
            sleep(5.0)  # its node is there a little later
            return
        sleep(0.5)
    raise SystemExit("the cluster did not start")


def times_of(results: Path) -> Times:
    """Return the median over blocks of each configuration's time, of its twin as well."""
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in read_records(results / "results.jsonl"):
        if record.final and record.status == "ok" and record.runtime and record.runtime.run_ms_p50:
            levels = ",".join(
                f"{knob}={level}" for knob, level in sorted(record.config.knobs.items()) if level is not None
            )
            shown = f"{record.role}:{levels}" if record.role != "measured" else levels
            times[record.workload.name, shown].append(record.runtime.run_ms_p50)
    return {key: statistics.median(held) for key, held in times.items()}


if __name__ == "__main__":
    sys.exit(main())
