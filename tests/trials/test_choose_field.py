"""What ``--slots`` may be, and what is said where it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ablatrix.errors import TrialError
from ablatrix.trials.slots import choose_field


def test_local_is_no_cluster(tmp_path: Path) -> None:
    assert choose_field("local", tmp_path) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [("ray", "ray"), ("ray://10.0.0.1:6379", "ray"), ("slurm:3,slurm_partition=cpu", "slurm"), ("jobs:2", "job")],
)
def test_cluster_is_named_by_its_kind(tmp_path: Path, text: str, word: str) -> None:
    field = choose_field(text, tmp_path)
    assert field is not None
    assert field.word == word


@pytest.mark.parametrize(
    "text", ["", "rays", "slurm", "slurm:", "slurm:0", "slurm:many", "jobs:2,partition", "ssh:host"]
)
def test_what_names_no_cluster_is_refused_with_the_forms(tmp_path: Path, text: str) -> None:
    with pytest.raises(TrialError, match=f"^--slots {text}: must be one of: local; ray or "):
        choose_field(text, tmp_path)


@pytest.mark.parametrize(("text", "package", "extra"), [("ray", "ray", "ray"), ("jobs:1", "submitit", "slurm")])
def test_library_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    field = choose_field(text, tmp_path)
    assert field is not None
    with pytest.raises(TrialError, match=rf"not installed; run: pip install 'ablatrix\[{extra}\]'"), field:
        pass
