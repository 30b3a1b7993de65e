"""``ablatrix models``: the table of which compiler takes which model, its reasons, and the page that was made by it."""

from __future__ import annotations

import re
from pathlib import Path

from ablatrix.catalogue import installed_catalogue
from ablatrix.cli.model_table import table_text
from ablatrix.records.journal import read_records
from ablatrix.records.plain_use import PlainUse, read_plain_uses
from ablatrix.records.status import Status
from ablatrix.study.architectures import ARCHITECTURES
from ablatrix.study.load import load_study
from ablatrix.workloads.source import read_source
from tests.cli.conftest import Ablatrix
from tests.pages import DOCS
from tests.synthetic import broken, make_records


def test_models_command_prints_only_its_table(here: Ablatrix, tmp_path: Path) -> None:
    model = "hf:bert?layers=1&hidden=16&heads=2&intermediate=16&vocabulary=16&tokens=4"
    out = tmp_path / "out"
    done = here("models", "--compiler", "tvm", "--model", model, "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr.decode()
    rows = done.stdout.decode().splitlines()
    assert rows[0] == "| model | kind | weights | prepared | tvm |"
    assert re.fullmatch(r"\| bert \|  \| [\d,]+ \| yes \| yes \|", rows[2])
    assert rows[3] == "| **taken** | | | 1 of 1 | 1 of 1 |"
    assert rows[4] == "| **plain use** | | | | 1 of 1 |"
    place = out / "tvm"
    (record,) = [one for one in read_records(place / "results.jsonl") if one.role == "measured"]
    shipped = installed_catalogue().compiler("tvm")
    assert record.config.knobs == {knob.name: knob.as_shipped for knob in shipped.knobs}
    assert load_study(place / "study.yaml").study.digest == record.study_digest
    (use,) = read_plain_uses(place / "plain.jsonl")
    assert (use.compiler, use.workload, use.program) == ("tvm", "bert", record.workload.digest)
    again = here("models", "--compiler", "tvm", "--model", model, "--out", out, "--quiet")
    assert again.stdout == done.stdout
    assert read_plain_uses(place / "plain.jsonl") == [use]


def test_models_command_uses_compiler_plainly_where_nothing_is_prepared(ablatrix: Ablatrix, tmp_path: Path) -> None:
    file = tmp_path / "given.py"
    file.write_text(
        "import torch\n"
        "class Masked(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x[x > 0].sum() * 2\n"
        "def make():\n"
        "    return Masked().eval(), torch.arange(6.0) - 2\n"
    )
    out = tmp_path / "out"
    done = ablatrix("models", "--compiler", "inductor", "--model", f"{file}:make", "--out", out, "--quiet")
    assert done.returncode == 0, done.stderr.decode()
    rows = done.stdout.decode().splitlines()
    assert rows[2] == "| given |  |  | no | (plain: yes) |"
    assert rows[4] == "| **plain use** | | | | 1 of 1 |"
    assert rows[6].startswith("- given, not prepared: ")


def test_models_command_refuses_unknown_architecture(here: Ablatrix, tmp_path: Path) -> None:
    done = here("models", "--architecture", "bart2", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "there is no architecture 'bart2'; there are: bert, " in done.stderr.decode()


def tried(workload: str, status: Status = Status.OK) -> PlainUse:
    message = None if status is Status.OK else "it said no"
    return PlainUse(compiler="one", workload=workload, program="0" * 64, status=status, message=message, wall_s=1.0)


def test_models_table_shows_status_and_reason_of_refused_model() -> None:
    record = next(one for one in make_records(workloads=["attention"], blocks=1) if one.role == "measured")
    refused = broken(record, "unsupported")
    assert refused.error is not None
    text = table_text({"one": [record], "other": [refused], "third": []}, {"attention": "block"})
    assert "| attention | block | " in text
    assert " | yes | yes | unsupported | not tried |\n" in text
    assert "| **taken** | | | 1 of 1 | 1 of 1 | 0 of 1 | 0 of 1 |\n" in text
    assert f"\n- attention on other: {refused.error.message}" in text


def test_models_table_shows_plain_use_where_it_came_out_otherwise() -> None:
    record = next(one for one in make_records(workloads=["attention"], blocks=1) if one.role == "measured")
    found = {"one": [record], "other": [broken(record, "unsupported")], "third": [record]}
    used = {
        "one": {"attention": tried("attention", Status.COMPILE_ERROR)},
        "other": {"attention": tried("attention")},
        "third": {"attention": tried("attention")},
    }
    text = table_text(found, {"attention": ""}, used)
    assert " | yes (plain: no) | unsupported (plain: yes) | yes |\n" in text
    assert "| **plain use** | | | | 0 of 1 | 1 of 1 | 1 of 1 |\n" in text
    assert text.endswith("\n- attention, plain use of one: compile error: it said no\n")


def test_models_table_shows_what_was_not_prepared_under_no_compiler() -> None:
    attention, encoder = (
        next(one for one in make_records(workloads=[name], blocks=1) if one.role == "measured")
        for name in ("attention", "encoder")
    )
    lost = broken(encoder, "not_prepared")
    found = {"one": [attention, lost], "other": [attention, lost]}
    text = table_text(found, {"attention": "block", "encoder": "block"})
    assert "\n| encoder | block |  | no |  |  |\n" in text
    assert "| **taken** | | | 1 of 2 | 1 of 1 | 1 of 1 |\n" in text
    assert text.endswith("\n\n- encoder, not prepared: planted: not_prepared\n")


def test_architectures_page_has_all_and_no_compiler_takes_fewer_than_plainly() -> None:
    page = (DOCS / "architectures.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    head, *models = [rows[0], *rows[2 : 2 + len(ARCHITECTURES)]]
    assert [row[0] for row in models] == list(ARCHITECTURES)
    assert len(ARCHITECTURES) == 60
    for place, name in enumerate(head[4:], start=4):
        ours = sum(row[place].startswith("yes") for row in models)
        plain = sum(row[place] == "yes" or row[place].endswith("(plain: yes)") for row in models)
        assert ours >= plain, name
        # What is wrong there is wrong in the compiler's own plain use, too.
        assert not any(row[place] == "wrong output (plain: yes)" for row in models)


def test_architecture_sources_are_readable_and_have_their_parameters() -> None:
    for name, one in ARCHITECTURES.items():
        entry = read_source(name, one.source, one.parameters if one.source.startswith("hf:") else {}, Path())
        assert set(one.parameters) <= set(entry.parameters), name
