"""The whole way with the real tables, figures and text."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import verify
from ablatrix.artifact.checks.remake import derive
from ablatrix.artifact.contents.manifest import list_files
from ablatrix.artifact.contents.reading import Reading
from ablatrix.records.model import Record
from tests.artifact.conftest import COMMAND, FINDING, reseal, write_results
from tests.cli.conftest import LITTLE_PAPER
from tests.synthetic import Plant, make_records


def _without_side_file(record: Record) -> Record:
    """The synthetic hot records name a side file that was never written."""
    if record.runtime is None:
        return record
    return record.model_copy(update={"runtime": record.runtime.model_copy(update={"samples": None})})


def make_artifact(place: Path, template: str | None) -> Path:
    directory = place / "artifact"
    directory.mkdir()
    own = None if template is None else place / "paper.yaml"
    if own is not None and template is not None:
        own.write_text(template)
    plant = Plant("compile_error", "attention", "cold", {"fusion": "on", "reuse": "keep"})
    names = ("attention",) if template is None else ("attention", "resnet")
    records = make_records(workloads=names, blocks=2, plants=[plant], superseded=2)
    write_results(directory, [_without_side_file(record) for record in records])
    derive(Reading(directory), directory, own)
    (place / "study.yaml").write_text("name: synthetic\n")
    assemble(directory, Origin(study=place / "study.yaml", template=own, commands=[COMMAND], findings=[FINDING]))
    return directory


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With all tables and figures of the shipped template."""
    place = tmp_path_factory.mktemp("whole")
    return shutil.copytree(make_artifact(place, None), place / "copy")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_artifact(tmp_path_factory.mktemp("little"), LITTLE_PAPER)


@pytest.fixture
def little(original: Path, tmp_path: Path) -> Path:
    """With one table and one figure, to be changed."""
    return shutil.copytree(original, tmp_path / "copy")


def test_remake_of_real_artifact_in_other_location_and_process_is_good(whole: Path) -> None:
    """Every byte of tables, figures, text and page, under another hash seed, time zone and number of threads."""
    code = (
        "import sys; from ablatrix.artifact.bundle.verify import verify; print(verify(sys.argv[1])); "
        "assert not {'torch', 'tvm', 'transformers', 'pandas'} & sys.modules.keys()"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "99", "TZ": "Asia/Tokyo", "POLARS_MAX_THREADS": "1"}
    command = [sys.executable, "-c", code, str(whole)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert done.stdout == "[]\n"


def test_artifact_has_promised_tables_figures_and_text(whole: Path) -> None:
    assert {
        "ablation.csv",
        "tables/ablation_summary.csv",
        "figures/cache_miss_vs_compile.pdf",
        "figures/cache_miss_vs_compile.png",
        "paper/tables/table2.csv",
        "paper/figures/fig4.pdf",
        "paper/figures/fig5.pdf",
    } <= set(list_files(whole)[0])


def test_remake_under_fitting_manifest_compares_every_derived_file(little: Path) -> None:
    derived = [path for path in list_files(little)[0] if path.startswith(("ablation", "tables", "figures", "paper"))]
    assert len(derived) > 10
    for path in derived:
        data = bytearray((little / path).read_bytes())
        data[len(data) // 2] ^= 1
        (little / path).write_bytes(data)
    reseal(little)
    assert {(problem.path, problem.kind) for problem in verify(little)} == {
        (path, "differs") for path in [*derived, "ro-crate-metadata.json"]
    }


def test_remake_with_changed_records_and_old_tables_finds_them(little: Path) -> None:
    lines = (little / "results.jsonl").read_text().splitlines(keepends=True)
    number, line = next((number, line) for number, line in enumerate(lines) if '"run_ms_mean":4' in line)
    lines[number] = line.replace('"run_ms_mean":4', '"run_ms_mean":3', 1)
    (little / "results.jsonl").write_text("".join(lines))
    reseal(little)
    problems = verify(little)
    assert {problem.kind for problem in problems} == {"differs"}
    assert "ablation.csv" in {problem.path for problem in problems}
