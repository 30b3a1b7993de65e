"""``paper``: the command itself, its template to start from, and what it refuses."""

from __future__ import annotations

from pathlib import Path

from ablatrix.paper.template.load import DEFAULT_TEMPLATE, load_template
from tests.cli.conftest import Ablatrix
from tests.paper.written import CLAIMS, TEMPLATE, study
from tests.synthetic import write_records


def test_paper_init_writes_shipped_template_and_keeps_existing_file(here: Ablatrix, tmp_path: Path) -> None:
    file = tmp_path / "paper.yaml"
    assert here("paper", "init", file).returncode == 0
    assert file.read_bytes() == DEFAULT_TEMPLATE.read_bytes()
    assert load_template(file) == load_template(None)
    file.write_text("mine", encoding="utf-8")
    refused = here("paper", "init", file)
    assert (refused.returncode, file.read_text(encoding="utf-8")) == (2, "mine")
    assert b"the file exists already; name another one, or overwrite it (--force)" in refused.stderr
    assert here("paper", "init", file, "--force").returncode == 0
    assert file.read_bytes() == DEFAULT_TEMPLATE.read_bytes()


def test_paper_uses_claims_beside_records_and_chosen_language(here: Ablatrix, tmp_path: Path) -> None:
    write_records(tmp_path / "results.jsonl", study())
    (tmp_path / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    template = tmp_path / "template.yaml"
    template.write_text(TEMPLATE, encoding="utf-8")
    done = here("paper", tmp_path, "--out", tmp_path / "paper", "--template", template, "--lang", "zh")
    assert (done.returncode, done.stdout) == (0, b"")
    assert "成立" in (tmp_path / "paper" / "text" / "claims.md").read_text(encoding="utf-8")
    wrong = here("paper", tmp_path, "--out", tmp_path / "other", "--lang", "fr")
    assert wrong.returncode == 2
    assert b"there is no language 'fr' for the paper's text; there are: en, zh" in wrong.stderr
    assert not (tmp_path / "other").exists()


def test_tabulate_writes_data_and_nothing_of_the_paper(here: Ablatrix, tmp_path: Path) -> None:
    write_records(tmp_path / "results.jsonl", study())
    assert here("tabulate", tmp_path, "--out", tmp_path / "data").returncode == 0
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["ablation.csv", "figures", "tables"]
    help_text = here("tabulate", "--help").stdout.decode()
    assert "ablatrix paper" in help_text
