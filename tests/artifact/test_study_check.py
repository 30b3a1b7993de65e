"""Files of the user's own models in a bundle, by what records say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablatrix.artifact.checks.study_check import check_models


@pytest.mark.parametrize("name", ["a" * 300 + ".py", "../outside.py", "x.txt"])
def test_model_of_a_name_that_no_file_here_has_is_no_problem(tmp_path: Path, name: str) -> None:
    assert check_models(tmp_path, {(name, "0" * 64)}) == []


def test_changed_model_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("x")
    (problem,) = check_models(tmp_path, {("net.py", "0" * 64)})
    assert str(problem) == (
        "net.py: changed: it is not the model that was measured: SHA-256 2d711642b726b044, in the records "
        "0000000000000000"
    )
