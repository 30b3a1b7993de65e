"""Sentences of captions that stand only where a study has what they are about."""

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.paper.captions import CONDITIONS, fit_captions
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.spec import Template
from ablatrix.paper.template.words import words_in
from tests.synthetic import Plant, make_records, tidied

FAILED = {
    "en": "Crosses in the band above are failed trials, at the left edge if they did not report their misses.",
    "zh": "上方带状区域中的叉表示失败的试验，未报告未命中数者置于左缘。",  # noqa: RUF001 - Chinese punctuation is meant
}


def captions(*plants: Plant, language: str = "en") -> list[str]:
    records = make_records(workloads=["encoder"], modes=["cold"], blocks=2, plants=plants)
    fitted = fit_captions(load_template(), Findings(tidied(records)))
    return [words_in(one.caption, language) for one in (*fitted.tables, *fitted.figures)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_caption_speaks_of_failed_trials_where_one_failed(language: str) -> None:
    assert not any(FAILED[language] in one for one in captions(language=language))
    failed = captions(Plant("compile_error", "encoder", "cold", {"fusion": "on"}), language=language)
    assert sum(one.endswith(FAILED[language]) for one in failed) == 1


def test_caption_in_one_language_keeps_it_when_sentences_are_added() -> None:
    table = {"number": 1, "title": "T", "caption": "All.", "caption_if": {"failed": "Some failed."}, "kind": "memory"}
    template = Template.model_validate({"version": 1, "tables": [table]})
    records = make_records(workloads=["encoder"], blocks=1, plants=[Plant("crashed", "encoder", "cold", {})])
    (fitted,) = fit_captions(template, Findings(tidied(records))).tables
    assert (fitted.caption, fitted.caption_if) == ("All. Some failed.", {})


def test_conditions_of_sound_study_do_not_hold() -> None:
    found = Findings(tidied(make_records(workloads=["encoder"], blocks=2)))
    assert {name: holds(found) for name, holds in CONDITIONS.items()} == dict.fromkeys(CONDITIONS, False)
