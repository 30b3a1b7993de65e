"""Bundles whose files are no files, too large, damaged or out of range: a listed problem each, and an end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.verify import Verification, examine
from ablatrix.errors import RecordError
from ablatrix.records import archives, journal, schema
from ablatrix.records.location import find_records
from tests.artifact.conftest import reseal

Check = Callable[[Path], Verification]


def found(verification: Verification) -> set[tuple[str, str]]:
    return {(one.path, one.kind) for one in verification.problems}


@pytest.mark.parametrize(
    "name", ["results.jsonl", "MANIFEST.json", "design.json", "environment.json", "README.md", "requirements.lock"]
)
def test_pipe_in_place_of_a_file_is_a_problem(artifact: Path, check: Check, name: str) -> None:
    (artifact / name).unlink()
    os.mkfifo(artifact / name)
    assert (name, "unreadable") in found(check(artifact)) or name == "MANIFEST.json"
    assert check(artifact).problems


def test_socket_in_place_of_samples_is_a_problem(artifact: Path, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(artifact)
    (artifact / "samples").mkdir()
    socket.socket(socket.AF_UNIX).bind("samples/x.jsonl")
    assert ("samples/x.jsonl", "unreadable") in found(check(artifact))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("holds\nall: 0 problems", r"holds\nall: 0 problems"), ("\x1b[2Jx", r"\x1b[2Jx"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        (b"\xff\xfe".decode("utf-8", "surrogateescape"), r"\udcff\udcfe"),
    ],
)  # fmt: skip
def test_name_that_cannot_be_printed_is_a_problem_with_escapes(
    artifact: Path, check: Check, name: str, shown: str
) -> None:
    (artifact / name).write_text("x")
    (problem,) = check(artifact).problems
    assert (problem.path, problem.kind) == (shown, "unreadable")
    assert "\n" not in str(problem)


def test_two_thousand_folders_are_a_problem(artifact: Path, check: Check) -> None:
    here = os.open(artifact, os.O_RDONLY)
    for _ in range(2000):  # step by step: the path as a whole is longer than any call takes
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    (problem,) = check(artifact).problems
    assert problem.detail == "more than 50 folders deep"
    subprocess.run(["rm", "-rf", artifact / "d"], check=True)  # pytest's own removal is recursive


def test_line_of_records_that_is_too_long_is_a_problem(
    artifact: Path, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = max(map(len, (artifact / "results.jsonl").read_bytes().splitlines())) + 1
    for module in (schema, journal):
        monkeypatch.setattr(module, "LONGEST_LINE", longest)
    monkeypatch.setattr("ablatrix.artifact.contents.completeness.LONGEST_LINE", longest)
    assert check(artifact).problems == ()
    with (artifact / "results.jsonl").open("ab") as file:
        file.write(b"{" + b" " * longest + b"}\n")
    reseal(artifact)
    details = {one.detail for one in check(artifact).problems if one.path == "results.jsonl"}
    assert any(f"has more than {longest} bytes; it and what follows were not read" in one for one in details)
    with pytest.raises(RecordError, match="its last line has more than"):
        journal.scan(artifact / "results.jsonl")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_utc": "yesterday"}, "must be a time in ISO 8601 with its offset"),
        ({"time_utc": "2026-01-01T00:00:00"}, "must be a time in ISO 8601 with its offset"),
        ({"time_utc": "9999-12-31T23:59:59+14:00"}, "must be a time in ISO 8601 with its offset"),
        ({"wall_s": 1e300}, "less than or equal to 1000000000000"),
        ({"schema_version": "1.1000000000"}, "should be 'major.minor'"),
        ({"study": "\ud800"}, "half of a surrogate pair"),
    ],
)  # fmt: skip
def test_record_with_value_out_of_range_is_a_problem(
    artifact: Path, check: Check, change: dict[str, object], said: str
) -> None:
    lines = (artifact / "results.jsonl").read_text().splitlines()
    record = json.loads(lines[0])
    (name, value), = change.items()  # fmt: skip
    (record["meta"] if name == "time_utc" else record)[name] = value
    (artifact / "results.jsonl").write_text("\n".join([json.dumps(record), *lines[1:], ""]))
    reseal(artifact)
    assert any(one.path == "results.jsonl" and said in one.detail for one in check(artifact).problems)


@pytest.mark.parametrize(
    "change",
    [
        lambda design: [design],
        lambda design: {**design, "trials": {"a": 1}},
        lambda design: {**design, "trials": [None]},
        lambda design: {**design, "cells": [{"workload": "a", "compiler": "b"}]},
        lambda design: {**design, "cells": [{"cell_id": 5, "workload": "a", "compiler": "b"}]},
        lambda design: {**design, "cells": [{"cell_id": None, "workload": "a", "compiler": "b"}]},
        lambda design: {**design, "cells": [{"cell_id": "x", "workload": 7, "compiler": "b"}]},
        lambda design: {**design, "cells": []},
        lambda design: {**design, "plugins": ["plug.py"]},
    ],
)
def test_design_of_another_shape_is_a_problem(artifact: Path, check: Check, change: Callable[[object], object]) -> None:
    design = json.loads((artifact / "design.json").read_text())
    (artifact / "design.json").write_text(json.dumps(change(design)))
    reseal(artifact)
    assert ("design.json", "invalid") in found(check(artifact))


def zipped(target: Path, members: dict[str, bytes], kind: int) -> Path:
    with zipfile.ZipFile(target, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target


def test_member_that_asks_for_much_memory_is_a_problem(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"x/MANIFEST.json": b"{}"}, zipfile.ZIP_LZMA)
    data = bytearray(archive.read_bytes())
    start = 30 + len("x/MANIFEST.json") + 4 + 1  # of the header and LZMA's own: the size of its dictionary
    data[start : start + 4] = b"\xff\xff\xff\xff"
    archive.write_bytes(data)
    (problem,) = examine(archive).problems
    assert (problem.path, problem.kind) == ("x.zip", "unreadable")
    assert "compressed by LZMA, whose memory its maker decides" in str(problem)


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_damaged_member_of_zip_is_a_problem(tmp_path: Path, kind: int) -> None:
    archive = zipped(tmp_path / "x.zip", {"x/results.jsonl": bytes(range(256)) * 40, "x/MANIFEST.json": b"{}"}, kind)
    data = bytearray(archive.read_bytes())
    data[60:90] = bytes(30)
    archive.write_bytes(data)
    (problem,) = examine(archive).problems
    assert (problem.path, problem.kind) == ("x.zip", "unreadable")
    with pytest.raises(RecordError, match="a zip that cannot be unpacked"):
        find_records(archive, lambda: tmp_path)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"x/zeros": bytes(200_000)}, "bytes unpack to 200000, and at most"),
        ({f"x/{n}": b"" for n in range(30)}, "it has 30 members, and at most 20 are taken"),
        ({"x/" + "n" * 2000: b""}, "has more than 1000 characters or 50 folders"),
        ({"x/" + "d/" * 60 + "n": b""}, "has more than 1000 characters or 50 folders"),
        ({"x/a\nb": b""}, "has characters that cannot be printed"),
    ],
)
def test_zip_out_of_bounds_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, bytes], said: str
) -> None:
    monkeypatch.setattr(archives, "ALWAYS_BYTES", 10_000)
    monkeypatch.setattr(archives, "MOST_MEMBERS", 20)
    archive = zipped(tmp_path / "x.zip", members, zipfile.ZIP_DEFLATED)
    (problem,) = examine(archive).problems
    assert (problem.path, problem.kind) == ("x.zip", "unreadable")
    assert said in problem.detail
