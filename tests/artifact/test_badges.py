"""Badges: a report counts for the artifact that it was made from alone, and a citation needs names and a licence."""

from pathlib import Path

import pytest

from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.verify import Verification
from ablatrix.artifact.contents.reading import Reading, read_artifact
from ablatrix.artifact.reproduction import ReproductionReport, audit_badges
from ablatrix.artifact.reproduction.badges import Requirement
from ablatrix.artifact.reproduction.reproduction import Claim
from ablatrix.errors import ArtifactError
from ablatrix.records.model import Record
from tests.artifact.conftest import derive_little, write_results

ROOT_DIGEST = "ab" * 32
HOLDS = Verification((), (), 20, 19, ROOT_DIGEST)
ABOUT = 'about: {authors: [{name: "Lovelace, Ada"}], licence: CC-BY-4.0}\n'


def report_of(digest: str, root_digest: str | None = ROOT_DIGEST) -> ReproductionReport:
    claim = Claim(name="fusion makes it faster", outcome="reproduced")
    return ReproductionReport(
        schema_version="1.1", study_digest=digest, host="bench-2", claims=(claim,), root_digest=root_digest
    )


def found_in(artifact: Path, report: ReproductionReport | None) -> dict[str, Requirement]:
    return {one.requirement: one for one in audit_badges(read_artifact(artifact), HOLDS, True, report)}


def test_badges_with_report_of_this_artifact_count_it(artifact: Path, records: list[Record]) -> None:
    found = found_in(artifact, report_of(records[0].study_digest))
    assert found["every claim was reproduced"].state == "shown"
    assert found_in(artifact, report_of(records[0].study_digest, None))["on another machine"].state == "shown"


def test_badges_with_report_of_other_study_are_refused(artifact: Path, records: list[Record]) -> None:
    with pytest.raises(ArtifactError) as caught:
        found_in(artifact, report_of("f" * 64))
    assert str(caught.value) == (
        f"the reproduction report is of study ffffffffffff, but this artifact is of study "
        f"{records[0].study_digest[:12]}; give the report that 'ablatrix reproduce' made of it"
    )


def test_badges_with_report_of_other_artifact_of_study_are_refused(artifact: Path, records: list[Record]) -> None:
    with pytest.raises(ArtifactError, match=f"root digest {'cd' * 32}, but this one has {ROOT_DIGEST}"):
        found_in(artifact, report_of(records[0].study_digest, "cd" * 32))


def test_badges_of_study_without_about_miss_authors_and_licence(artifact: Path) -> None:
    citation = found_in(artifact, None)["it says how to cite it"]
    assert citation.state == "missing"
    assert citation.evidence == (
        "CITATION.cff lacks authors, license: give them in 'about' of study.yaml, and make it again"
    )


def test_badges_of_study_with_about_show_how_to_cite_it(tmp_path: Path, records: list[Record]) -> None:
    study = tmp_path / "mine.yaml"
    study.write_text("name: synthetic\n" + ABOUT)
    directory = tmp_path / "artifact"
    directory.mkdir()
    write_results(directory, records)
    derive_little(Reading(directory), directory)
    assemble(directory, Origin(study=study))
    assert found_in(directory, None)["it says how to cite it"].state == "shown"
