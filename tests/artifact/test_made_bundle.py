"""The artifact that changes by the thousand are made of."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.contents.archive import archive_path
from ablatrix.artifact.contents.manifest import Role, read_manifest
from ablatrix.study.load import read_study_digest
from tests.artifact.made_bundle import make_bundle

WITHOUT = {"plan", "log", "other"}
"""Roles that no artifact has any more, or that are none."""


@pytest.mark.long
def test_made_bundle_has_every_kind_of_file_and_holds(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path)
    assert {entry.role for entry in read_manifest(bundle).files} == {*get_args(Role)} - WITHOUT
    for one in (bundle, archive_path(bundle)):
        found = examine(one, study_digest=read_study_digest)
        assert (found.problems, found.notes) == ((), ())
