"""A plug-in that derives from a shipped adapter: its knobs' code stays apart, and edits of its files are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from tests.cli.conftest import Ablatrix, with_programs

PLUGIN = '''
"""TVM with a knob of its own, of which neither its options nor its keys know."""

from dataclasses import replace

from ablatrix.compilers.catalogue import PARTITION, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.compilers.tvm.compiler import TvmCompiler


class Mine(TvmCompiler):
    def compile(self, request):
        import mine_helper

        mine_helper.wait()
        return super().compile(request)

    def build(self, request, options, task, key):
        return super().build(request, replace(options, fusion=request.knobs["merge"] == "on"), task, key)


LEVELS = (LevelEntry("off", "Apart."), LevelEntry("on", "Merged."))
MERGE = KnobEntry(name="merge", kind="secondary", summary="Merges.", levels=LEVELS, default="off", affects="code")
ENTRY = CompilerEntry(
    name="mine", summary="Mine.", modules=("tvm",), extra="", adapter="mine_plug:Mine", knobs=(PARTITION, MERGE)
)
COMPILERS = [ENTRY]
'''
HELPER = "import time\n\n\ndef wait():\n    time.sleep(0.2)\n"
STUDY = """\
name: mine
plugins: [mine_plug.py]
workloads:
  - name: mlp
    parameters: {layers: 1, hidden: 16, batch: 2}
compilers: [mine]
modes: [cold, hot]
stages:
  - name: primary
    factorial: {partition: [whole]}
  - name: further
    around: {}
    vary: {merge: [off, on]}
checks: {input_sets: 2}
protocol:
  repeats: 0
  cold: {replicates: 1, timeout_s: 120}
  hot: {blocks: 1, max_blocks: 1, rounds: 3, burst_ms: 1, warm_up_ms: 1, timeout_s: 120}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("mine")
    for name, text in (("mine_plug.py", PLUGIN), ("mine_helper.py", HELPER), ("study.yaml", STUDY)):
        (directory / name).write_text(text)
    return directory


@pytest.fixture(scope="module")
def records(place: Path, ablatrix: Ablatrix, finished: Path) -> list[Record]:
    done = ablatrix("run", place / "study.yaml", "--out", with_programs(finished, place / "out"))
    assert done.returncode == 0, done.stderr.decode()
    return [one for one in read_records(place / "out" / "results.jsonl") if one.config.compiler == "mine"]


def code_of(records: list[Record], mode: str, level: str) -> set[str]:
    of_level = [one for one in records if one.mode == mode and one.config.knobs["merge"] == level]
    return {one.compile.artifact_digest for one in of_level if one.compile is not None}


def test_subclass_with_own_knob_times_code_of_its_level(records: list[Record]) -> None:
    assert {one.status for one in records} == {"ok"}
    cold = {level: code_of(records, "cold", level) for level in ("off", "on")}
    assert [len(digests) for digests in cold.values()] == [1, 1]
    assert cold["off"] != cold["on"]
    assert {level: code_of(records, "hot", level) for level in cold} == cold
    hot = [one for one in records if one.mode == "hot"]
    assert {one.correctness and one.correctness.timed_digest for one in hot} == cold["off"] | cold["on"]


def test_time_of_subclass_outside_phases_is_in_its_cold_time(records: list[Record]) -> None:
    for record in (one for one in records if one.mode == "cold"):
        assert record.runtime is not None
        assert (record.runtime.other_ms or 0) > 190
        assert (record.runtime.compile_first_run_ms or 0) > 190


def test_records_have_digest_of_plugin(records: list[Record]) -> None:
    (digest,) = {one.config.compiler_digest for one in records}
    assert digest is not None
    assert len(digest) == 64


def test_edited_plugin_is_refused_on_resume(records: list[Record], place: Path, ablatrix: Ablatrix) -> None:
    message = b"plug-in mine_plug.py, or a file beside it that it imports, has changed since these res"
    for edited in ("mine_plug.py", "mine_helper.py"):
        file = place / edited
        before = file.read_text()
        file.write_text(before + "\n# edited\n")
        refused = ablatrix("run", place / "study.yaml", "--out", place / "out")
        file.write_text(before)
        assert refused.returncode == 2, edited
        assert message in refused.stderr, edited
    assert ablatrix("run", place / "study.yaml", "--out", place / "out").returncode == 0
