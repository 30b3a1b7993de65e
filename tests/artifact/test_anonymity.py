"""An artifact for double-blind review names no host, no user and no home, in any byte of it."""

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from ablatrix.analysis.groups import host_numbers
from ablatrix.artifact.bundle.anonymity import (
    Pseudonyms,
    find_names,
    find_pseudonyms,
    hide_records,
    is_ordinary,
)
from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.results import copy_results
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.manifest import Command
from ablatrix.artifact.contents.reading import Reading
from ablatrix.builds import BuildLock, read_locks, write_locks
from ablatrix.canonical import digest_bytes
from ablatrix.doctor.finding import Finding
from ablatrix.errors import ArtifactError
from ablatrix.records.build import BuildFacts
from ablatrix.records.journal import read_records
from ablatrix.records.model import Failure, Record
from ablatrix.records.names import BUILDS_NAME
from ablatrix.records.status import Status
from tests.artifact.conftest import derive_little, write_results
from tests.synthetic import Plant, make_records, tidied
from tests.with_hosts import Host, host_id, over_hosts

# Put together here, so that this file, which is in the artifact's source, does not hold them itself.
HOST, USER, COMMIT = "-".join(("quokka", "17")), "wilhel" + "mina", "deadbeef" * 5
HOME = f"/home/{USER}"
SECRETS = (HOST, USER, COMMIT)
TRACEBACK = f'File "{HOME}/venv/lib/tvm.py", line 3, in build\nOSError: {HOST}: {USER} may not read /Users/{USER}/x\n'
COMMAND = Command(
    argv=[f"{HOME}/bin/ablatrix", "artifact", f"{HOME}/study.yaml", "--out", f"../{USER}/out"],
    started_utc="2026-01-01T00:00:00.000Z",
    seconds=12.5,
    exit_code=1,
)


def _revealing(record: Record) -> Record:
    """The record as a trial would leave it that failed in somebody's home."""
    build = BuildFacts(name="mine", digest="0" * 64, commit=COMMIT, dirty=False, program=None, complete_code=True)
    environment = {"TVM_HOME": f"{HOME}/tvm", "TMP": f"/tmp/cache_{USER}"}
    meta = record.meta.model_copy(update={"environment": environment, "build": build})
    error = record.error
    if error is not None:
        texts = {"message": f"{HOST} said no to {USER}", "traceback": TRACEBACK, "output_tail": f"{HOME}: denied"}
        error = error.model_copy(update=texts | {"traceback_digest": digest_bytes(TRACEBACK.encode())})
    return record.model_copy(update={"meta": meta, "error": error})


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("named") / "results"
    place.mkdir()
    plant = Plant("compile_error", "attention", "cold", {"fusion": "on", "reuse": "keep"})
    records = make_records(
        workloads=("attention",), blocks=1, modes=("cold",), plants=[plant], host=HOST, commit=COMMIT
    )
    write_results(place, [_revealing(record) for record in records])
    lock = BuildLock(
        name="mine",
        way=f"the interpreter {HOME}/venv/bin/python",
        identity="0" * 64,
        digest="0" * 64,
        python="3.11.0",
        torch=None,
        lock=(),
        commit=COMMIT,
        dirty=False,
    )
    write_locks([lock], place / BUILDS_NAME)
    return place


@pytest.fixture(scope="module")
def pseudonyms(named: Path) -> Pseudonyms:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", HOME)
        patch.setenv("USER", USER)
        return find_pseudonyms(list(read_records(named / "results.jsonl")))


@pytest.fixture(scope="module")
def hidden(named: Path, pseudonyms: Pseudonyms) -> Path:
    directory = named.parent / "artifact"
    copy_results(named, directory, pseudonyms)
    derive_little(Reading(directory), directory)
    study = named.parent / "study.yaml"
    study.write_text("name: synthetic\n")
    finding = Finding("output directory", "ok", f"{HOME}/out on {HOST}", "writable")
    assemble(directory, Origin(study=study, commands=[COMMAND], findings=[finding], pseudonyms=pseudonyms))
    return directory


def _members(path: Path) -> dict[str, bytes]:
    """Every file of the archive, and every file of the source in it."""
    with zipfile.ZipFile(path) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    for name in [name for name in found if name.endswith(".tar.gz")]:
        found[name + "!"] = gzip.decompress(found[name])
        with tarfile.open(fileobj=io.BytesIO(found[name])) as inner:
            found |= {f"{name}!{entry.name}": inner.extractfile(entry).read() for entry in inner if entry.isfile()}  # type: ignore[union-attr]
    return found


def test_anonymous_archive_contains_no_host_user_home_or_commit(hidden: Path) -> None:
    members = _members(archive_path(hidden))
    assert len(members) > 300
    for name, data in members.items():
        for secret in SECRETS:
            assert secret.encode() not in data.lower(), name
            assert secret not in name


def test_hosts_of_a_cluster_are_told_apart_and_not_named(tmp_path: Path) -> None:
    records = over_hosts([Host(f"{HOST}-{letter}") for letter in "ab"], 1, workloads=["attention"], modes=["cold"])
    slots = {one.meta.place.slot for one in records if one.meta.place}
    lost = Failure(type="node_lost", message=f"slot {HOST}-a/0 was lost: {HOST}-a is gone", phase=None)
    records[0] = records[0].model_copy(update={"status": Status.NODE_LOST, "final": False, "error": lost})
    ids = {host_id(f"{HOST}-{letter}") for letter in "ab"}
    hidden = list(hide_records(records, find_pseudonyms(records)))
    text = "".join(record.model_dump_json() for record in hidden)
    assert not any(name in text for name in (HOST, *ids, *map(str, slots)))
    places = [(one.meta.place.host_id, one.meta.place.slot) for one in hidden if one.meta.place]
    assert len(set(places)) == 2
    assert {slot for _, slot in places} == {"slot-1", "slot-2"}
    assert hidden[0].error is not None
    assert hidden[0].error.message == "slot slot-1 was lost: host-1 is gone"
    before = host_numbers(tidied(records).trials)
    after = host_numbers(tidied(hidden).trials)
    assert before is not None
    assert after is not None
    assert before.count == after.count == 2


def test_locks_of_builds_are_in_an_anonymous_artifact_without_names(hidden: Path) -> None:
    (lock,) = read_locks(hidden / BUILDS_NAME)
    assert (lock.way, lock.commit) == ("the interpreter ~/venv/bin/python", "commit-1")
    assert {record.meta.build.commit for record in read_records(hidden / "results.jsonl") if record.meta.build} == {
        "commit-1"
    }
    manifest = json.loads((hidden / "MANIFEST.json").read_text())
    assert [one["role"] for one in manifest["files"] if one["path"] == BUILDS_NAME] == ["lock"]


def test_pseudonym_of_same_name_is_same_everywhere(hidden: Path) -> None:
    records = list(read_records(hidden / "results.jsonl"))
    assert {record.meta.machine.host for record in records} == {"host-1"}
    assert {record.meta.study_commit for record in records} == {"commit-1"}
    assert records[0].meta.environment == {"TVM_HOME": "~/tvm", "TMP": "/tmp/cache_user-1"}
    errors = [record.error for record in records if record.error is not None]
    assert len(errors) == 4
    assert errors[0].message == "host-1 said no to user-1"
    assert errors[0].traceback == (
        'File "~/venv/lib/tvm.py", line 3, in build\nOSError: host-1: user-1 may not read ~/x\n'
    )
    argv = json.loads((hidden / "MANIFEST.json").read_text())["commands"][0]["argv"]
    assert argv == ["ablatrix", "artifact", "study.yaml", "--out", "../user-1/out"]


def test_traceback_digest_when_anonymised_is_keyed_and_still_groups(hidden: Path, named: Path) -> None:
    before, after = (
        {record.error.traceback_digest for record in read_records(place / "results.jsonl") if record.error}
        for place in (named, hidden)
    )
    assert len(before) == len(after) == 1
    assert before != after


def test_anonymous_records_keep_ids_of_design(hidden: Path, named: Path) -> None:
    before, after = (
        [(record.record_id, record.trial_id, record.status, record.wall_s) for record in read_records(path)]
        for path in (named / "results.jsonl", hidden / "results.jsonl")
    )
    assert before == after


def test_anonymous_artifact_verifies(hidden: Path) -> None:
    assert examine(hidden, derive=derive_little).problems == ()
    assert examine(archive_path(hidden), derive=derive_little).problems == ()


def test_anonymous_bundle_with_name_in_text_is_refused_with_location(
    named: Path, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    directory = tmp_path / "artifact"
    copy_results(named, directory, pseudonyms)
    study = tmp_path / "study.yaml"
    study.write_text(f"name: synthetic\n# by {USER.title()}\n")
    with pytest.raises(ArtifactError, match=rf"study\.yaml: invalid: line 2 contains '{USER}'"):
        assemble(directory, Origin(study=study, pseudonyms=pseudonyms))
    assert not (directory / "MANIFEST.json").exists()
    assert not archive_path(directory).exists()


def test_anonymous_copy_over_existing_path_is_refused(named: Path, pseudonyms: Pseudonyms, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(ArtifactError, match="contains something other than an artifact"):
        copy_results(named, tmp_path, pseudonyms)
    assert (tmp_path / "thesis.tex").exists()


def test_program_words_are_not_treated_as_names(tmp_path: Path) -> None:
    assert [is_ordinary(name) for name in ("root", "max", "li", USER)] == [True, True, True, False]
    pseudonyms = Pseudonyms({}, {"max": "user-1", USER: "user-2"}, (HOME,), {}, {}, {})
    assert pseudonyms.hide("max_abs_diff of /home/max/x") == "max_abs_diff of ~/x"
    (tmp_path / "a.txt").write_text("max\nnothing\n")
    (tmp_path / "b.txt").write_text("one\n" + USER.upper())
    assert [(problem.path, problem.kind) for problem in find_names(tmp_path, pseudonyms)] == [("b.txt", "invalid")]


def test_anonymous_artifact_of_study_with_authors_is_refused(
    named: Path, pseudonyms: Pseudonyms, tmp_path: Path
) -> None:
    directory, study = tmp_path / "artifact", tmp_path / "study.yaml"
    copy_results(named, directory, pseudonyms)
    study.write_text('name: synthetic\nabout: {title: T, authors: [{name: "Lovelace, Ada"}], doi: 10.1234/x}\n')
    with pytest.raises(ArtifactError, match=r"study\.yaml: 'about' gives authors, doi, which an anonymous artifact"):
        assemble(directory, Origin(study=study, pseudonyms=pseudonyms))
    study.write_text("name: synthetic\nabout: {title: T, licence: MIT}\n")
    assemble(directory, Origin(study=study, pseudonyms=pseudonyms))
    assert 'license: "MIT"\n' in (directory / "CITATION.cff").read_text()
