# ruff: noqa: RUF001 - Chinese punctuation is meant
"""The paper's text where a compiler was run as several builds: its control is one of each build's baseline."""

from pathlib import Path

import pytest

from tests.paper.written import study, write_paper
from tests.with_builds import with_builds


@pytest.mark.parametrize(
    ("language", "turns", "control"),
    [
        (
            "en",
            "all configurations, eager PyTorch and a second copy of each build's baseline take turns",
            "The A/A control runs a second copy of each build's baseline in every block. Averaged over the builds, ",
        ),
        ("zh", "各构建的基线副本", "A/A 对照在每个区组中把各构建的基线再运行一次，副本的"),
    ],
)
def test_text_of_two_builds_names_a_copy_of_each_baseline(
    tmp_path: Path, language: str, turns: str, control: str
) -> None:
    sentences = write_paper(tmp_path, with_builds(study()), language=language, claims=False).sentences
    text = "\n".join(sentences.values())
    assert turns in text
    assert text.count(control) == 1


def test_text_of_one_build_names_one_copy(tmp_path: Path) -> None:
    text = "\n".join(write_paper(tmp_path, study(), claims=False).sentences.values())
    assert "The A/A control runs a second copy of the baseline in every block." in text
    assert "each build" not in text
