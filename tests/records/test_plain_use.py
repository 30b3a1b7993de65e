"""Lines of a compiler's own plain use: appended as models end, read back, and a torn one is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.errors import RecordError
from ablatrix.records.plain_use import PlainUse, append_plain_use, latest, read_plain_uses
from ablatrix.records.status import Status


def made(workload: str, status: Status = Status.OK) -> PlainUse:
    return PlainUse(compiler="tvm", workload=workload, program="0" * 64, status=status, wall_s=0.5)


def test_lines_are_read_in_order_and_last_of_a_model_counts(tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    assert read_plain_uses(file) == []
    lines = [made("bert", Status.TIMEOUT), made("gpt2"), made("bert")]
    for one in lines:
        append_plain_use(file, one)
    assert read_plain_uses(file) == lines
    assert latest(lines) == {"bert": lines[2], "gpt2": lines[1]}


def test_torn_line_is_passed_over_and_cut_off_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    append_plain_use(file, made("bert"))
    file.write_bytes(file.read_bytes() + b'{"compiler": "tv')
    assert read_plain_uses(file) == [made("bert")]
    append_plain_use(file, made("gpt2"))
    assert read_plain_uses(file) == [made("bert"), made("gpt2")]


def test_line_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_text('{"compiler": "tvm"}\n')
    with pytest.raises(RecordError, match=r"plain[.]jsonl:1: workload: Field required; remove the line"):
        read_plain_uses(file)
