"""``ablatrix models``: the table of which compiler takes which model, its reasons, and the page that was made by it."""

from __future__ import annotations

import re
from pathlib import Path

from ablatrix.catalogue import installed_catalogue
from ablatrix.cli.models import table_text
from ablatrix.records.journal import read_records
from ablatrix.study.architectures import ARCHITECTURES
from ablatrix.study.load import load_study
from ablatrix.workloads.source import read_source
from tests.cli.conftest import Ablatrix
from tests.pages import DOCS
from tests.synthetic import broken, make_records


def test_models_command_prints_only_its_table(here: Ablatrix, tmp_path: Path) -> None:
    model = "hf:bert?layers=1&hidden=16&heads=2&intermediate=16&vocabulary=16&tokens=4"
    done = here("models", "--compiler", "tvm", "--model", model, "--out", tmp_path / "out", "--quiet")
    assert done.returncode == 0, done.stderr.decode()
    rows = done.stdout.decode().splitlines()
    assert rows[0] == "| model | weights | prepared | tvm |"
    assert re.fullmatch(r"\| bert \| [\d,]+ \| yes \| yes \|", rows[2])
    assert rows[3] == "| **taken** | | 1 of 1 | 1 of 1 |"
    place = tmp_path / "out" / "tvm"
    (record,) = [one for one in read_records(place / "results.jsonl") if one.role == "measured"]
    shipped = installed_catalogue().compiler("tvm")
    assert record.config.knobs == {knob.name: knob.as_shipped for knob in shipped.knobs}
    assert load_study(place / "study.yaml").study.digest == record.study_digest


def test_models_table_shows_status_and_reason_of_refused_model() -> None:
    record = next(one for one in make_records(workloads=["attention"], blocks=1) if one.role == "measured")
    refused = broken(record, "unsupported")
    assert refused.error is not None
    text = table_text({"one": [record], "other": [refused], "third": []}, ["attention"])
    assert "| attention | " in text
    assert " | yes | yes | unsupported | not tried |\n" in text
    assert "| **taken** | | 1 of 1 | 1 of 1 | 0 of 1 | 0 of 1 |\n" in text
    assert f"\n- attention on other: {refused.error.message}" in text


def test_models_table_shows_what_was_not_prepared_under_no_compiler() -> None:
    attention, encoder = (
        next(one for one in make_records(workloads=[name], blocks=1) if one.role == "measured")
        for name in ("attention", "encoder")
    )
    lost = broken(encoder, "not_prepared")
    text = table_text({"one": [attention, lost], "other": [attention, lost]}, ["attention", "encoder"])
    assert "\n| encoder | | no |  |  |\n" in text
    assert "| **taken** | | 1 of 2 | 1 of 1 | 1 of 1 |\n" in text
    assert text.endswith("\n\n- encoder, not prepared: planted: not_prepared\n")


def test_architectures_page_has_ten_and_each_compiler_accepts_eight() -> None:
    page = (DOCS / "architectures.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    head, *models, taken = [rows[0], *rows[2:]]
    assert [row[0] for row in models] == list(ARCHITECTURES)
    assert len(ARCHITECTURES) == 10
    for place, name in enumerate(head[2:], start=2):
        yes = sum(row[place] == "yes" for row in models)
        assert yes >= 8, name
        assert f"{yes} of 10" in taken


def test_architecture_sources_of_the_ten_are_all_readable() -> None:
    for name, source in ARCHITECTURES.items():
        assert read_source(name, source, {}, Path()).parameters, name
