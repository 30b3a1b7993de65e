"""Does Ray beside a trial change it? Ray's processes are stopped and let go on, by turns, while a slot measures.

A study runs in a slot of a Ray cluster of this host alone. Its compiler (`beside_ray.py`) is TVM with one knob more,
``ray``: before a burst of ``stopped`` it stops every process of Ray here, the actor of the slot included, and before
one of ``running`` it lets them go on. Both are timed in one block some tenths of a second apart, so that a machine
whose speed wanders by several per cent a minute still answers within a fraction of one. In truth nothing else differs:
an interval of the knob's effect, as ``ablatrix effects`` prints it, without 1 is a false verdict, or Ray's doing.

Ray that was stopped does at once what it missed, so that a burst beside it has a little more of Ray than usual.

    python benchmarks/cluster_same.py [--runs 8] [--blocks 5] [--keep DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import log
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

from ablatrix.statistics.ratio import Ratio, paired_ratio
from beside_ray import RUNS, STATE, STOPPED, opened, processes, switch

TARGETS = {"mean_difference": 0.003, "false_verdicts": 0.05}
STUDY = """\
name: beside
plugins: [beside_ray.py]
workloads:
  - mlp
  - {{name: encoder, parameters: {{layers: 2, hidden: 64, tokens: 32, vocabulary: 256}}}}
  - {{name: attention, parameters: {{tokens: 32}}}}
  - {{name: convolution, parameters: {{blocks: 1, channels: 16}}}}
compilers: [beside_ray]
modes: [hot]
stages:
  - name: primary
    factorial: {{ray: [stopped, running]}}
checks: {{input_sets: 1}}
protocol:
  hot:
    blocks: {blocks}
    max_blocks: {blocks}
    burst_ms: 20
    burst_iterations: 1000
    timeout_s: 300
"""
PORT, READY_S = 6399, 120.0
LOOK_S, LONGEST_S = 0.2, 2.0
"""How often we look whether Ray is stopped, and after what time without a change it goes on."""


def main(arguments: list[str] | None = None) -> int:
    """Make the runs that are missing, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="directory of all results; runs that are there are not made again")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ablatrix-same-") as temporary:
        place = (chosen.keep or Path(temporary)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        (place / "beside.yaml").write_text(STUDY.format(blocks=chosen.blocks))
        shutil.copy(Path(__file__).with_name("beside_ray.py"), place)
        made = [place / str(number) for number in range(chosen.runs)]
        with cluster(), watched():
            for out in made:
                run(place / "beside.yaml", out)
        return told([effects(out) for out in made])


def told(runs: Sequence[Mapping[str, Ratio]]) -> int:
    """Print a row a run and workload, and the figures as JSON."""
    found = [one for run in runs for one in run.values()]
    for number, run in enumerate(runs):
        for workload, one in run.items():
            print(f"{number:>3} {workload:<12} {one.value:.4f} ({one.low:.4f} to {one.high:.4f})")
    false = [one for one in found if not (one.low or 0.0) <= 1.0 <= (one.high or 0.0)]
    whole = paired_ratio([log(one.value) for one in found])
    figures = {
        "effects": len(found),
        "mean_difference": whole.value - 1.0,
        "mean_ends": [None if end is None else end - 1.0 for end in (whole.low, whole.high)],
        "largest_difference": max(abs(one.value - 1.0) for one in found),
        "false_verdicts": len(false) / len(found),
        "of_them_slower": sum(one.value > 1.0 for one in false),
    }
    holds = abs(whole.value - 1.0) <= TARGETS["mean_difference"] and len(false) <= TARGETS["false_verdicts"] * len(
        found
    )
    print(json.dumps({"benchmark": "cluster_same", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


def run(study: Path, out: Path) -> None:
    """Run the study in a slot of the cluster."""
    words = [sys.executable, "-m", "ablatrix", "run", str(study), "--out", str(out), "--slots", "ray", "--quiet"]
    subprocess.run(words, check=True, env=environment())


def effects(out: Path) -> dict[str, Ratio]:
    """Return the knob's effect on each workload, as printed."""
    words = [sys.executable, "-m", "ablatrix", "effects", str(out), "--json"]
    printed: dict[str, Any] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return {
        one["workload"]: Ratio(one["ratio"], one["ratio_low"], one["ratio_high"], one["blocks"])
        for one in printed["effects"]
        if (one["scope"], one["metric"], one["effect"]) == ("workload", "run_ms_paired", "main")
    }


def environment() -> dict[str, str]:
    """Return the variables of a driver of the cluster."""
    return {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_ADDRESS": f"127.0.0.1:{PORT}"}


@contextmanager
def cluster() -> Iterator[None]:
    """Have a Ray cluster of this host."""
    ray = str(Path(sys.executable).with_name("ray"))
    own = ["--num-cpus=0", "--disable-usage-stats", '--resources={"ablatrix_slot": 1}', "--include-dashboard=false"]
    head = subprocess.Popen(
        [ray, "start", "--head", f"--port={PORT}", "--node-ip-address=127.0.0.1", *own, "--block"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(head)
        yield
    finally:
        head.terminate()  # and with it all that it started; `ray stop` would end every cluster of this machine
        head.wait()


@contextmanager
def watched() -> Iterator[None]:
    """Let Ray go on where nothing has been timed for a while, as between blocks, and at the end."""
    STATE.write_bytes(bytes((RUNS, 0)))
    state, ended = opened(), Event()

    def watch() -> None:
        seen, since = state[1], monotonic()
        while not ended.wait(LOOK_S):
            if state[1] != seen:
                seen, since = state[1], monotonic()
            elif state[0] == STOPPED and monotonic() - since > LONGEST_S:
                switch(state, processes(), RUNS)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        switch(state, processes(), RUNS)
        STATE.unlink()


def wait_for_port(head: subprocess.Popen[bytes]) -> None:
    """Wait until a cluster answers."""
    ends = monotonic() + READY_S
    while monotonic() < ends and head.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1.0):
            sleep(5.0)  # its node is there a little later
            return
        sleep(0.5)
    raise SystemExit("the cluster did not start")


if __name__ == "__main__":
    sys.exit(main())
