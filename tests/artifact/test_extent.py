"""Of very many records tables and figures are made again only if somebody asks, and nobody is told that all holds."""

import json
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from ablatrix.artifact.bundle.made_again import MadeAgain
from ablatrix.artifact.bundle.verify import examine
from ablatrix.artifact.checks import Extent
from ablatrix.artifact.contents import Reading
from ablatrix.records.model import Record
from tests.artifact.conftest import derive_little, reseal
from tests.cli.conftest import answer_here

NOTE = "there are 19 records with 0 MiB and 0.0 million cells, and tables, figures, text and page are made again from "


def refuse(reading: Reading, out: Path) -> None:
    raise AssertionError(f"{reading.directory} was made again in {out}")


def test_artifact_within_extent_is_checked_whole(artifact: Path) -> None:
    found = examine(artifact, derive=derive_little, extent=Extent(records=19))
    assert (found.holds, found.unchecked, found.notes) == (True, (), ())


@pytest.mark.parametrize("extent", [Extent(records=18), Extent(bytes=1000), Extent(cells=19 * 100)])
def test_artifact_beyond_extent_is_not_made_again_and_says_so(artifact: Path, extent: Extent) -> None:
    found = examine(artifact, derive=refuse, extent=extent)
    assert found.problems == ()
    assert found.unchecked == ("tables, figures, text and page",)
    assert found.holds is None
    (note,) = found.notes
    assert note.startswith(NOTE)
    assert note.endswith("GiB of memory; --any-size does it")


def test_documents_beyond_extent_are_checked_without_claims_only(artifact: Path) -> None:
    (artifact / "README.md").write_text("changed\n")
    reseal(artifact)
    found = examine(artifact, derive=refuse, extent=Extent(records=18))
    assert "README.md" in {one.path for one in found.problems}
    (artifact / "claims.yaml").write_text("claims: []\n")  # documents say what became of each
    reseal(artifact)
    found = examine(artifact, derive=refuse, extent=Extent(records=18))
    assert found.problems == ()
    assert found.unchecked == ("tables, figures, text and page", "the documents")


def test_problems_beyond_extent_are_found_and_do_not_hold(artifact: Path) -> None:
    (artifact / "figures/times.png").write_bytes(b"other")
    found = examine(artifact, derive=refuse, extent=Extent(records=18))
    assert [(one.path, one.kind) for one in found.problems] == [("figures/times.png", "changed")]
    assert found.holds is False


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, records: list[Record]) -> None:
    """The command takes 18 records for many, and the study for the one that was run."""
    monkeypatch.setattr("ablatrix.artifact.checks.Extent", partial(Extent, records=18))
    monkeypatch.setattr("ablatrix.study.load.read_study_digest", lambda _: records[0].study_digest)


@pytest.mark.usefixtures("small")
def test_command_beyond_extent_is_incomplete_and_exits_with_1(artifact: Path) -> None:
    done = answer_here("verify", artifact)
    assert done.returncode == 1
    assert f"note: {NOTE}" in done.stderr.decode()
    summary = done.stdout.decode().splitlines()[-1]
    assert summary.endswith(
        ": INCOMPLETE, no problem found; not checked: tables, figures, text and page (--any-size checks all)"
    )
    assert "holds" not in summary


@pytest.mark.usefixtures("small")
def test_json_of_command_beyond_extent_has_no_answer(artifact: Path) -> None:
    done = answer_here("verify", artifact, "--json")
    held = json.loads(done.stdout)
    assert done.returncode == 1
    assert held["holds"] is None
    assert held["unchecked"] == ["tables, figures, text and page"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("options", "most"), [(["--any-size"], None), ([], Extent(records=18))])
def test_command_hands_on_which_extent_is_asked_for(
    artifact: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], most: Extent | None
) -> None:
    asked = []

    def made(*_: object, extent: Extent | None, **__: object) -> MadeAgain:
        asked.append(extent)
        return MadeAgain(problems=[], notes=[], unchecked=())

    # The room has a function of the module's name.
    monkeypatch.setattr(import_module("ablatrix.artifact.bundle.verify"), "check_made", made)
    assert answer_here("verify", artifact, *options).returncode == 0
    assert asked == [most]
