# ruff: noqa: RUF001 - Chinese punctuation is meant
"""Sentences on the set-up: every compiler by its name and version, knobs with what they are, baselines as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import Paper, each, write_paper
from tests.synthetic import make_records


def written(directory: Path, *changes: Callable[[Record], Record], language: str = "en") -> Paper:
    """Write the text of one workload on as many compilers as there are changes."""
    runs = []
    for place, change in enumerate(changes):
        records = make_records(workloads=["attention"], blocks=1, modes=["cold"], seed=place)
        runs.append(each(records, change))
    paper = write_paper(directory, *runs, language=language, claims=False)
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
    return paper


def on(compiler: str, versions: dict[str, str], **config: Any) -> Callable[[Record], Record]:
    """Return a change of records: another compiler, with versions, and other facts about its configuration."""

    def change(record: Record) -> Record:
        meta = record.meta.model_copy(update={"versions": {**record.meta.versions, **versions}})
        if record.role == "reference":
            return record.model_copy(update={"meta": meta})
        held = record.config.model_copy(update={"compiler": compiler, **config})
        return record.model_copy(update={"meta": meta, "config": held})

    return change


def without(record: Record, name: str) -> Record:
    versions = {key: text for key, text in record.meta.versions.items() if key != name}
    return record.model_copy(update={"meta": record.meta.model_copy(update={"versions": versions})})


def test_software_names_each_compiler_with_what_carries_its_version(tmp_path: Path) -> None:
    xla = on("xla", {"jaxlib": "0.10.2"})
    inductor = on("inductor", {"g++": "g++ (Debian 12.2.0-14) 12.2.0"})
    said = written(tmp_path / "xla", lambda record: without(xla(record), "tvm")).sentences["setup: software"]
    assert said.startswith("We evaluate XLA (jaxlib 0.10.2), using ")
    said = written(tmp_path / "inductor", lambda record: without(inductor(record), "tvm")).sentences["setup: software"]
    assert said.startswith("We evaluate TorchInductor (PyTorch 2.13.0), using ")
    assert "GCC 12.2.0" in said
    assert said.count("PyTorch") == 1


def test_software_names_compiler_without_a_version(tmp_path: Path) -> None:
    said = written(tmp_path, on("mine", {})).sentences["setup: software"]
    assert said.startswith("We evaluate mine, using ")


def test_knobs_with_same_levels_share_them(tmp_path: Path) -> None:
    paper = written(tmp_path / "en", on("tvm", {}))
    assert paper.sentences["setup: knobs"] == (
        "We vary 4 knobs of TVM: partition (whole or regions), reuse (keep or release), memory_plan and fusion (each "
        "off or on). The level listed first is that of the baseline."
    )
    said = written(tmp_path / "zh", on("tvm", {}), language="zh").sentences["setup: knobs"]
    assert said.endswith("reuse（keep 或 release）、memory_plan 和 fusion（均为 off 或 on）；各开关以首个取值为基线。")


def test_settings_come_with_what_their_compiler_calls_them(tmp_path: Path) -> None:
    paper = written(tmp_path, on("tvm", {}, settings={"fusion": "config:relax.Fuse2"}))
    assert "memory_plan (off or on) and fusion (relax.Fuse2; off or on)" in paper.sentences["setup: knobs"]
    assert "`fusion` (`relax.Fuse2`; off or on)" in (paper.directory / "text" / "setup.md").read_text(encoding="utf-8")
    latex = (paper.directory / "text" / "setup.tex").read_text(encoding="utf-8")
    assert r"\texttt{memory\_\allowbreak{}plan}" in latex


def test_departures_of_knobs_that_are_switched_alike_are_one(tmp_path: Path) -> None:
    apart = {"fusion": "on", "memory_plan": "on", "schedule": "default"}
    said = written(tmp_path, on("tvm", {}, departures=apart)).sentences["setup: departures"]
    assert said == (
        "The baseline differs from the compiler defaults in fusion and memory_plan (both off) and schedule "
        "(vectorised instead of default)."
    )


def test_machines_that_differ_in_their_system_alone_are_told_apart(tmp_path: Path) -> None:
    def change(record: Record) -> Record:
        system = "Debian 12" if record.role == "reference" else "Debian 13"
        machine = record.meta.machine.model_copy(update={"os": system})
        return record.model_copy(update={"meta": record.meta.model_copy(update={"machine": machine})})

    said = written(tmp_path, change).sentences["setup: machine"]
    assert "Debian 12" in said
    assert "Debian 13" in said
