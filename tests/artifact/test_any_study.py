"""Any study comes out: whatever is read ends with 0 or 1, in both languages, and every number is found again.

The long form, thousands of studies with their figures and artifacts, is ``scripts/any_study.py``.
"""

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.any_study import check_artifact, check_commands, check_made, check_seed
from tests.conftest import SAVE_PAGES, save_no_images
from tests.made_study import write_made_study


@settings(max_examples=4, deadline=None, derandomize=True)
@given(st.integers(0, 10**9))
def test_any_study_comes_out(seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = write_made_study(random.Random(seed), Path(directory), most_cells=10)
        assert check_made(made, Path(directory), figures=False) == []


@pytest.mark.slow
def test_any_study_comes_out_with_figures_page_and_artifact(tmp_path: Path) -> None:
    """The artifact's figures are drawn; those of both languages' papers are composed."""
    made = write_made_study(random.Random(4), tmp_path, most_cells=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SAVE_PAGES, save_no_images)
        assert list(check_commands(made, tmp_path, figures=True)) == []
    assert list(check_artifact(made)) == []


def test_study_whose_split_block_lost_all_but_baseline_comes_out(tmp_path: Path) -> None:
    assert check_seed(15, tmp_path, figures=False) == []


def test_study_with_repeat_whose_parts_lost_their_baselines_comes_out(tmp_path: Path) -> None:
    assert check_seed(1463, tmp_path, figures=False) == []
