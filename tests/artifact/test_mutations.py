"""No single change of an artifact goes unseen: not of its files, of its zip, nor under a manifest made to fit."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.verify import Verification
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.names import DOCUMENT_NAMES
from tests.artifact.conftest import reseal
from tests.artifact.mutations import MUTATIONS, files_of, mutate

Check = Callable[[Path], Verification]
DERIVED = ("tables/times.csv", "figures/times.png", "text/summary.txt")


@pytest.mark.parametrize("seed", range(24))
def test_verify_finds_any_single_mutation(artifact: Path, check: Check, seed: int) -> None:
    what = mutate(artifact, seed)
    assert check(artifact).problems, what


def test_every_kind_of_mutation_changes_artifact(artifact: Path, assembled: Path) -> None:
    before = {path.relative_to(assembled): path.read_bytes() for path in files_of(assembled)}
    for kind in MUTATIONS:
        copy = shutil.copytree(assembled, artifact.parent / kind)
        MUTATIONS[kind](copy, random.Random(3))
        assert {path.relative_to(copy): path.read_bytes() for path in files_of(copy)} != before


@pytest.mark.parametrize("name", [*DOCUMENT_NAMES, *DERIVED])
def test_verify_locates_changed_character_under_fitting_manifest(artifact: Path, check: Check, name: str) -> None:
    data = bytearray((artifact / name).read_bytes())
    data[len(data) // 2] ^= 1
    (artifact / name).write_bytes(data)
    reseal(artifact)
    assert (name, "differs") in {(problem.path, problem.kind) for problem in check(artifact).problems}


@pytest.mark.parametrize("name", DERIVED)
def test_verify_finds_changed_result_under_fitting_manifest_and_documents(
    artifact: Path, check: Check, name: str
) -> None:
    data = bytearray((artifact / name).read_bytes())
    data[-2] ^= 1
    (artifact / name).write_bytes(data)
    reseal(artifact, documents=True)
    assert {(problem.path, problem.kind) for problem in check(artifact).problems} == {(name, "differs")}


@pytest.mark.parametrize("name", ["LICENSE", "requirements.lock", "tiny/study.yaml", "study.yaml", "template.yaml"])
def test_verify_finds_dropped_shipped_file_under_fitting_manifest(artifact: Path, check: Check, name: str) -> None:
    (artifact / name).unlink()
    reseal(artifact)
    assert check(artifact).problems


@pytest.mark.parametrize("seed", range(12))
def test_verify_finds_any_flipped_bit_or_cut_of_zip(assembled: Path, tmp_path: Path, check: Check, seed: int) -> None:
    rng = random.Random(seed)
    data = bytearray(archive_path(assembled).read_bytes())
    if seed % 4:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    else:
        data = data[: rng.randrange(len(data))] if seed else data + b"more"
    copy = tmp_path / archive_path(assembled).name
    copy.write_bytes(data)
    assert check(copy).problems
