import json
from pathlib import Path
from typing import Any

import pytest

from ablatrix.artifact.checks import check_builds
from ablatrix.artifact.contents import gather
from ablatrix.builds import BuildLock, write_locks
from ablatrix.records.build import BuildFacts
from ablatrix.records.model import Record
from ablatrix.records.names import BUILDS_NAME
from tests.synthetic import make_records

DIGEST = "a" * 64


def records() -> list[Record]:
    build = BuildFacts(name="old", digest=DIGEST, commit=None, dirty=None, program=None, complete_code=True)
    (first, *_) = make_records(workloads=("attention",), blocks=1, modes=("cold",))
    return [first.model_copy(update={"meta": first.meta.model_copy(update={"build": build})})]


def lock(**changed: Any) -> BuildLock:
    given: dict[str, Any] = {"identity": DIGEST, "python": "3.11.7", "torch": None, "lock": (), "commit": None}
    return BuildLock(**{"name": "old", "way": "here", "digest": DIGEST, "dirty": None, **given, **changed})


def test_locks_that_have_what_was_measured_hold(tmp_path: Path) -> None:
    write_locks([lock()], tmp_path / BUILDS_NAME)
    assert check_builds(tmp_path, gather(records()).builds) == []


def test_records_without_builds_need_no_locks(tmp_path: Path) -> None:
    made = make_records(workloads=("attention",), blocks=1, modes=("cold",))
    assert check_builds(tmp_path, gather(made).builds) == []


def test_locks_that_are_missing_or_of_another_build_are_problems(tmp_path: Path) -> None:
    (missing,) = check_builds(tmp_path, gather(records()).builds)
    assert (missing.kind, missing.detail) == (
        "missing",
        "it must have the locks of the builds old, which records name",
    )
    write_locks([lock(digest="b" * 64)], tmp_path / BUILDS_NAME)
    (other,) = check_builds(tmp_path, gather(records()).builds)
    assert other.detail == "build 'old' has the digest bbbbbbbbbbbb, and records have aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "x\n--index-url=https://example.org"), ("version", "1; rm"), ("sha256", "short"), ("url", "https://a b")],
)
def test_lock_with_a_line_for_pip_in_a_word_is_not_read(field: str, value: str, tmp_path: Path) -> None:
    write_locks([lock()], tmp_path / BUILDS_NAME)
    (held,) = json.loads((tmp_path / BUILDS_NAME).read_text())
    held["lock"] = [{"name": "x", "version": "1", "sha256": None, "url": None, field: value}]
    (tmp_path / BUILDS_NAME).write_text(json.dumps([held]))
    (problem,) = check_builds(tmp_path, gather(records()).builds)
    assert (problem.kind, "cannot be read as the locks of builds" in problem.detail) == ("invalid", True)
