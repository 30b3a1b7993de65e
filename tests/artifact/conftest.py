import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.artifact.contents.gathering import gather
from ablatrix.artifact.contents.manifest import (
    Command,
    Manifest,
    list_files,
    make_manifest,
    manifest_text,
    read_entry,
    read_manifest,
)
from ablatrix.artifact.contents.reading import Reading, read_artifact
from ablatrix.artifact.documents.facts import read_facts
from ablatrix.artifact.documents.make import make_documents
from ablatrix.doctor.finding import Finding
from ablatrix.records.journal import read_records
from ablatrix.records.model import Record
from tests.synthetic import make_records, write_records

COMMAND = Command(
    argv=["/home/me/.venv/bin/ablatrix", "artifact", "/home/me/study.yaml", "--out=/data/out"],
    started_utc="2026-01-01T00:00:00.000Z",
    seconds=12.5,
    exit_code=0,
)
FINDING = Finding("cores", "ok", "2", ">= 2")


def derive_little(reading: Reading, out: Path) -> None:
    """A table, a figure and a text that follow from the records, without the seconds that plotting takes."""
    records = list(read_records(reading.records))
    (out / "tables").mkdir()
    with (out / "tables/times.csv").open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["workload", "trial_id", "ms"])
        rows.writerows([record.workload.name, record.trial_id, milliseconds(record)] for record in records)
    (out / "figures").mkdir()
    heights = bytes(int(milliseconds(record) or 0) % 256 for record in records)
    (out / "figures/times.png").write_bytes(b"\x89PNG" + heights)
    (out / "text").mkdir()
    (out / "text/summary.txt").write_text(f"{len(records)} records\nall ok\n")


def milliseconds(record: Record) -> float | None:
    return record.runtime.compile_first_run_ms if record.runtime else None


def write_results(directory: Path, records: list[Record]) -> None:
    """What a run leaves behind: records and design."""
    write_records(directory / "results.jsonl", records)
    fields = ("trial_id", "cell_id", "block_id", "mode", "role")
    trials = {record.trial_id: {field: getattr(record, field) for field in fields} for record in records}
    design = {"study_digest": records[0].study_digest, "trials": list(trials.values())}
    (directory / "design.json").write_text(json.dumps(design))


def reseal(directory: Path, documents: bool = False) -> Manifest:
    """Make a manifest that fits the directory as it is now, as somebody who covers up a change would.

    With ``documents`` the documents are made to fit as well: what is left to be found is what follows from the records.
    """
    if documents:
        entries = [read_entry(directory, path) for path in list_files(directory)[0]]
        facts = read_facts(read_artifact(directory), gather(read_records(directory / "results.jsonl")), entries)
        for name, text in make_documents(facts).items():
            (directory / name).write_text(text, encoding="utf-8")
    old = read_manifest(directory)
    kept = old.model_dump(exclude={"files", "root_digest", "manifest_version"})
    lines = (directory / "results.jsonl").read_bytes().count(b"\n")
    manifest = make_manifest(directory, **kept | {"records": lines})
    (directory / "MANIFEST.json").write_text(manifest_text(manifest))
    return manifest


@pytest.fixture(scope="session")
def records() -> list[Record]:
    return make_records(workloads=("attention",), blocks=1, modes=("cold",), superseded=1)


@pytest.fixture(scope="session")
def assembled(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> Path:
    place = tmp_path_factory.mktemp("assembled")
    study = place / "elsewhere.yaml"
    study.write_text("name: synthetic\n")
    directory = place / "artifact"
    directory.mkdir()
    write_results(directory, records)
    derive_little(Reading(directory), directory)
    assemble(directory, Origin(study=study, commands=[COMMAND], findings=[FINDING]))
    return directory


@pytest.fixture
def artifact(tmp_path: Path, assembled: Path) -> Path:
    """A copy, to be changed."""
    return shutil.copytree(assembled, tmp_path / "artifact")


@pytest.fixture
def check() -> Callable[[Path], Verification]:
    return lambda directory: examine(directory, derive=derive_little)
