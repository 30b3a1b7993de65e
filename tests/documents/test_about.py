"""The block ``about:`` of a study: typed, every fault with its line, and no part of the study's digest."""

from pathlib import Path

import pytest

from ablatrix.documents.about import About, Author, read_about
from ablatrix.documents.load import parse_yaml
from ablatrix.errors import ArtifactError, StudyError
from ablatrix.study.load import load_study
from ablatrix.study.model import Study
from ablatrix.study.without_file import study_text

PLAIN = """\
name: small
workloads: [mlp]
compilers: [tvm]
modes: [cold]
stages:
  - {name: primary, factorial: {fusion: [off, on]}}
"""
ABOUT = """\
about:
  title: Fusion on small models
  authors:
    - {name: "Lovelace, Ada", orcid: 0000-0002-1825-0097, affiliation: Analytical Engines Ltd}
    - name: Consortium of Examples
  licence: CC-BY-4.0
  doi: https://doi.org/10.5281/zenodo.1234
  repository: https://example.org/fusion
  model_licence: MIT
  data_licence: none, the inputs are random
"""


def test_about_is_read_typed_with_links_normalised(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(PLAIN + ABOUT)
    about = load_study(tmp_path / "study.yaml").study.about
    assert about == About(
        title="Fusion on small models",
        authors=[
            Author(name="Lovelace, Ada", orcid="0000-0002-1825-0097", affiliation="Analytical Engines Ltd"),
            Author(name="Consortium of Examples"),
        ],
        licence="CC-BY-4.0",
        doi="10.5281/zenodo.1234",
        repository="https://example.org/fusion",
        model_licence="MIT",
        data_licence="none, the inputs are random",
    )
    assert about.authors[0].orcid == "https://orcid.org/0000-0002-1825-0097"
    assert [one.shown for one in about.authors] == ["Ada Lovelace", "Consortium of Examples"]
    assert about.identifying == ("authors", "doi", "repository")


def test_about_leaves_digest_of_study_and_survives_its_text(tmp_path: Path) -> None:
    (tmp_path / "plain.yaml").write_text(PLAIN)
    (tmp_path / "about.yaml").write_text(PLAIN + ABOUT)
    plain, whole = (load_study(tmp_path / name).study for name in ("plain.yaml", "about.yaml"))
    assert plain.digest == whole.digest
    assert "about" not in plain.model_dump()
    (tmp_path / "again.yaml").write_text(study_text(whole))
    assert load_study(tmp_path / "again.yaml").study.about == whole.about


@pytest.mark.parametrize(
    ("line", "wrong", "expected"),
    [
        ("0000-0002-1825-0097", "0000-0002-1825-0098", "10: about.authors[0].orcid: '0000-0002-1825-0098' is no ORCID"),
        ("0000-0002-1825-0097", "12-x", "10: about.authors[0].orcid: must be an ORCID iD such as"),
        ('"Lovelace, Ada"', "Ada Lovelace", "10: about.authors[0]: 'Ada Lovelace' is taken as an organisation"),
        ("https://doi.org/10.5281/zenodo.1234", "zenodo", "13: about.doi: must be a DOI such as"),
        (
            "licence: CC-BY-4.0",
            "licence: mine alone",
            "12: about.licence: must be an SPDX identifier such as CC-BY",
        ),
        ("licence: CC-BY-4.0", "license: CC-BY-4.0", "12: unknown key 'license' in 'about'; did you mean 'licence'?"),
        (
            "https://example.org/fusion",
            "example",
            "14: about.repository: must be an address that begins with http:// or https://",
        ),
    ],
)
def test_about_with_fault_is_refused_with_line(tmp_path: Path, line: str, wrong: str, expected: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text((PLAIN + ABOUT).replace(line, wrong, 1))
    with pytest.raises(StudyError) as caught:
        load_study(path)
    assert [fault for fault in caught.value.faults if expected in fault], caught.value.faults


def test_about_of_parsed_document_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("name: x\nabout: {licence: MIT}\n")
    assert read_about(parse_yaml(path, ArtifactError), path, ArtifactError) == About(licence="MIT")
    path.write_text("name: x\nabout:\n")
    assert read_about(parse_yaml(path, ArtifactError), path, ArtifactError) == About()
    path.write_text("name: x\nabout: {authors: me}\n")
    with pytest.raises(ArtifactError, match=r"study\.yaml:2: about\.authors: input should be a valid list"):
        read_about(parse_yaml(path, ArtifactError), path, ArtifactError)


@pytest.mark.parametrize(
    "orcid", ["0000-0002-1825-0097", "https://orcid.org/0000-0001-5109-3700", "0000-0002-1694-233X"]
)
def test_orcid_with_right_check_digit_is_accepted(orcid: str) -> None:
    assert Author(name="Carberry, Josiah", orcid=orcid).orcid == f"https://orcid.org/{orcid.rpartition('/')[2]}"


def test_digest_of_study_without_about_is_unchanged() -> None:
    data = {
        "name": "plain",
        "workloads": ["mlp"],
        "compilers": ["tvm"],
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["off", "on"]}}],
    }
    assert Study.model_validate(data).digest == Study.model_validate(data | {"about": {"licence": "MIT"}}).digest
