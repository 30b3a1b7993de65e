"""YAML that people do not write: one line says what is wrong, and soon."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.documents.load import parse_yaml, plain_value
from ablatrix.errors import StudyError


def refusal(directory: Path, text: str) -> str:
    file = directory / "study.yaml"
    file.write_text(text)
    with pytest.raises(StudyError) as refused:
        parse_yaml(file, StudyError)
    (line,) = str(refused.value).splitlines()
    return line.removeprefix(f"{file}:")


def bomb(levels: int, width: int) -> str:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(9, 9), "6: not taken as YAML: more than 20000 values, aliases written out; write it out, or shorten it"),
        ("a: &a {b: *a}\n", "1: not taken as YAML: '*a' stands inside what it is an alias of"),
        ("a: &a 1\nb: &a [*a]\n", "2: not taken as YAML: '*a' stands inside what it is an alias of"),
        ("a: &a\n  <<: *a\n  b: 1\n", "2: not taken as YAML: '*a' stands inside what it is an alias of"),
        ("a: " + "[" * 5000 + "]" * 5000 + "\n", "1: not taken as YAML: values nested more than 50 deep"),
        ("\n".join(" " * n + "a:" for n in range(60)) + "\n", "50: not taken as YAML: values nested more than 50 deep"),
        ("a: " + "9" * 5000 + "\n", "1: not taken as YAML: a number of more than 40 digits"),
        ("a: " + "x" * 70_000 + "\n", "1: not taken as YAML: a text of more than 65536 characters"),
        ("a:\n" + "- 1\n" * 20_001, "19999: not taken as YAML: more than 20000 values; write it out"),
        ('a: "\\ud800"\n', "1: not valid YAML: a text has half of a surrogate pair, which is no character"),
        ("a: 0x" + "f" * 5000 + "\n", "1: not taken as YAML: a number of more than 40 digits"),
        ("a:\n- !!int x\n", "2: not taken as YAML: a value has the tag 'tag:yaml.org,2002:int'; write it out"),
        ("a: !!set x\n", "1: not taken as YAML: a value has the tag 'tag:yaml.org,2002:set'"),
        ("a: !x%1b[2J {b: 1}\n", "1: not taken as YAML: a value has the tag '!x\\x1b[2J'"),
        ("a: 1\nb: 2026-02-30\n", "2: not valid YAML: '2026-02-30' looks like a number or a date, and is none (day is"),
        ("a: 2026-01-01 00:00:00 +99:99\n", "1: not valid YAML: '2026-01-01 00:00:00 +99:99' looks like"),
        ('a: "\\0.py"\n', "1: not valid YAML: a text has a zero character, which no name and no path has"),
        ("{{a: [1]}: b}\n", "1: not taken as YAML: a key is a list or a map; write it out, or shorten it"),
        ("a: &x [1]\n*x : b\n", "2: not taken as YAML: a key is a list or a map"),
        ("%YAML 1.22\n---\na: 1\n", " not valid YAML: its parser stops with 'version minor part can only be 2 or 1"),
        ("a: 0x_\n", "1: not valid YAML: '0x_' looks like a number or a date, and is none"),
        ("a: -._\n", "1: not valid YAML: '-._' looks like a number or a date, and is none"),
        ("#" * 2**20 + "\na: 1\n", " cannot be read: it has more than 1 MiB; give the path of a YAML file"),
    ],
)  # fmt: skip
def test_document_out_of_bounds_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_document_that_people_write_is_within_bounds(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "base: &base {fusion: off}\nmore: &more\n  <<: *base\n  layout: on\nlast: {<<: *more, n: 12345678901}\n"
    )
    held = plain_value(parse_yaml(file, StudyError))
    assert held["last"] == {"fusion": "off", "layout": "on", "n": 12345678901}


def test_comment_before_a_value_that_a_blank_line_follows_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: # of the study\n  mine\n\nlast: 1\n")
    assert plain_value(parse_yaml(file, StudyError)) == {"name": "mine", "last": 1}


def test_signs_that_yaml_has_a_meaning_for_are_texts_as_values(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("a: =\nb: <<\n")
    held = plain_value(parse_yaml(file, StudyError))
    assert held == {"a": "=", "b": "<<"}
    assert {*map(type, held.values())} == {str}


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "directory"])
def test_document_that_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    file = Path("/dev/zero") if kind == "device" else Path("given.yaml")
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "directory":
        file.mkdir()
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(file))
    with pytest.raises(StudyError, match=r"cannot be read: .*; give the path of a YAML file"):
        parse_yaml(file, StudyError)


@given(
    st.lists(st.sampled_from(["a: &x ", "*x", "[", "]", "{", "}", "- ", "\n", "<<: ", "b: ", ", ", "&y ", "*y", "1"]))
)
def test_any_text_is_parsed_or_refused_with_a_message(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text("".join(parts))
    try:
        plain_value(parse_yaml(file, StudyError))
    except StudyError as refused:
        assert "YAML" in str(refused)
