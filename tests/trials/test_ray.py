"""Slots on a real Ray cluster of this machine, each node of which counts as a host; skipped where Ray is not installed.

The long form, with kills of everything: benchmarks/cluster_kills.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from ablatrix.records.journal import read_records
from ablatrix.trials.host import descendants_of
from ablatrix.trials.slots import read_slot_states

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ablatrix[ray]'")

STUDY = """\
name: rayed
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [tvm]
modes: [cold, hot]
stages:
  - name: primary
    factorial:
      fusion: [off, on]
checks: {input_sets: 1}
protocol:
  repeats: 0
  cold: {replicates: 2, timeout_s: 120}
  hot: {blocks: 2, max_blocks: 2, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""
SMALL: dict[str, Any] = {"num_gpus": 0, "include_dashboard": False, "object_store_memory": 100 * 2**20}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # whatever token the user has
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **SMALL})
        for number, variables in enumerate(({}, {}, {"TVM_NUM_THREADS": "2"})):
            labels = {"ablatrix-host": f"test{number}"}
            resources = {"ablatrix_slot": 1}
            made.add_node(num_cpus=0, resources=resources, labels=labels, env_vars=variables or None, **SMALL)
        yield made
        made.shutdown()


def ablatrix(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ablatrix", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def runners(cluster: Any) -> list[int]:
    """Return the runners of slots below the raylets of this test's cluster."""
    raylets = [info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes["raylet"]]
    below = [process for raylet in raylets for process in descendants_of(raylet)]
    return [process for process in below if "slot_process" in words_of(process)]


def words_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


def test_check_says_which_hosts_may_take_part(cluster: Any) -> None:
    process = ablatrix("cluster", "check", f"ray://{cluster.address}")
    output = process.communicate(timeout=180)[0].decode()
    assert process.returncode == 1
    assert "2 of 4 hosts may take part" in output
    text = " ".join(output.split())
    assert "variable TVM_NUM_THREADS is 2, not absent" in text
    assert "its node does not have the resource ablatrix_slot" in text


def test_run_whose_runner_is_killed_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    study, out = tmp_path / "rayed.yaml", tmp_path / "out"
    study.write_text(STUDY)
    process = ablatrix("run", str(study), "--out", str(out), "--quiet", "--slots", f"ray://{cluster.address}")
    deadline = monotonic() + 180
    while not (found := runners(cluster)) and monotonic() < deadline:
        sleep(0.5)
    sleep(2)
    os.kill(found[0], signal.SIGKILL)
    output = process.communicate(timeout=500)[0].decode()
    assert process.returncode == 0, output
    records = list(read_records(out / "results.jsonl"))
    issued = {trial["trial_id"] for trial in json.loads((out / "design.json").read_text())["trials"]}
    final = Counter(record.trial_id for record in records if record.final)
    assert set(final) == issued
    assert set(final.values()) == {1}
    assert max(Counter((record.trial_id, record.attempt) for record in records).values()) == 1
    lost = [record for record in records if record.status == "node_lost"]
    assert lost
    assert all("SIGKILL" in record.error.message for record in lost if record.error)
    assert all(record.meta.noise.cluster_cpu_s is not None for record in records if record.final)
    assert all(not {"RAY_JOB_ID", "OMP_NUM_THREADS"} & set(record.meta.environment) for record in records)
    assert len({record.meta.place.host_id for record in records if record.meta.place}) == 2
    assert sorted(one.state for one in read_slot_states(out)) == ["closed", "closed", "refused", "refused"]
    while runners(cluster) and monotonic() < deadline + 400:
        sleep(0.5)
    assert runners(cluster) == []
