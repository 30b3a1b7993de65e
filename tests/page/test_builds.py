"""The page's part on builds: what changed, what it depends on, how trials ended; nothing without builds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.page.write import write_page
from ablatrix.records.model import Record
from tests.synthetic import make_records, tidied
from tests.with_builds import Knobs, with_builds


def planted(workload: str, mode: str, knobs: Knobs) -> float:
    return 0.9 if (workload, mode, knobs["fusion"]) == ("encoder", "hot", "on") else 1.0


def ends(record: Record) -> str:
    return "crashed" if record.workload.name == "attention" and record.config.knobs["reuse"] == "release" else "ok"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = with_builds(
        make_records(modes=["hot"], blocks=4, noise=0.001),
        planted,
        ends=ends,
        has_same_code=lambda knobs: knobs["fusion"] == "off",
    )
    out = tmp_path_factory.mktemp("page") / "report.html"
    return write_page(Findings(tidied(records)), (), out).read_text(encoding="utf-8")


def section_of(page: str) -> str:
    found = re.search(r'<section id="builds".*?</section>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_page_shows_builds_with_words_and_records(page: str) -> None:
    section = section_of(page)
    assert '<a href="#builds">Builds</a>' in page
    assert "<h3>stable → pr</h3>" in section
    assert '<td class="wide good">improvement</td>' in section
    assert re.search(r"only with fusion=on: improvement with fusion=on \(-(9\.\d|10\.\d) %", section)
    assert '<td class="words bad">newly failed</td>' in section
    assert '<td class="wide">32 ok, 32 crashed</td>' in section
    assert "this is noise of layout, and no change." in section
    assert 'data-from="effect:' in section


def test_page_without_builds_has_no_part_on_them(tmp_path: Path) -> None:
    found = Findings(tidied(make_records(modes=["hot"], blocks=2)))
    assert 'id="builds"' not in write_page(found, (), tmp_path / "report.html").read_text(encoding="utf-8")
