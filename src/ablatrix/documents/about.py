"""What only the authors of a study know: who they are, and under which licences its parts stand.

Nothing here changes what is measured, so it is no part of a study's digest: it may be added after a run.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ablatrix.documents.faults import LineIndex, describe_faults
from ablatrix.documents.load import plain_value
from ablatrix.documents.spelling import LINE, Spelled
from ablatrix.errors import AblatrixError

LICENCE = Spelled(r"^[A-Za-z0-9][A-Za-z0-9.+-]*$", "be an SPDX identifier such as CC-BY-4.0")
WEB_ADDRESS = Spelled(r"^https?://\S+$", "be an address that begins with http:// or https://")
Line = Annotated[str, LINE, Field(max_length=1000)]
ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/\S+)")
ORCID_SITE, DOI_SITE = "https://orcid.org/", "https://doi.org/"


def _orcid(given: str) -> str:
    found = ORCID.fullmatch(given)
    if found is None:
        raise ValueError(f"must be an ORCID iD such as 0000-0002-1825-0097, but got '{given}'")
    digits = found[1].replace("-", "")
    total = 0
    for digit in digits[:-1]:  # ISO 7064 11,2
        total = (total + int(digit)) * 2
    wanted = "0123456789X"[(12 - total % 11) % 11]
    if digits[-1] != wanted:
        raise ValueError(f"'{given}' is no ORCID iD: its check digit would be {wanted}; look for a mistyped digit")
    return ORCID_SITE + found[1]


def _doi(given: str) -> str:
    found = DOI.fullmatch(given)
    if found is None:
        raise ValueError(f"must be a DOI such as 10.5281/zenodo.1234, but got '{given}'")
    return found[1]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Author(_Part):
    """One author: a person, written ``Family, Given`` (or ``Family,``), or else an organisation."""

    name: Line = Field(description="A person as `Family, Given`; without a comma it is an organisation.")
    orcid: Annotated[str, AfterValidator(_orcid)] | None = Field(default=None, description="ORCID iD of a person.")
    affiliation: Line | None = Field(default=None, description="Where a person works.")

    @model_validator(mode="after")
    def _only_persons_have_more(self) -> "Author":
        if self.parts is None and (self.orcid or self.affiliation):
            raise ValueError(
                f"'{self.name}' is taken as an organisation, which has no ORCID iD and no affiliation; write a "
                "person as 'Family, Given', such as 'Lovelace, Ada'"
            )
        return self

    @property
    def parts(self) -> tuple[str, str] | None:
        """Family and given names of a person, the latter may be empty; None for an organisation."""
        family, comma, given = (one.strip() for one in self.name.partition(","))
        return (family, given) if comma and family else None

    @property
    def shown(self) -> str:
        """The name as a text prints it: given names first."""
        return self.name if self.parts is None else " ".join(filter(None, reversed(self.parts)))


class About(_Part):
    """The block ``about:`` of a study file; everything in it is optional."""

    title: Line | None = Field(default=None, description="Title of the artifact.")
    authors: list[Author] = Field(default_factory=list, description="Authors, in order.")
    licence: Annotated[str, LICENCE] | None = Field(
        default=None, description="Licence of the study, its records and what is made from them: an SPDX identifier."
    )
    doi: Annotated[str, AfterValidator(_doi)] | None = Field(default=None, description="DOI, reserved or assigned.")
    repository: Annotated[str, WEB_ADDRESS] | None = Field(
        default=None, description="Address of the repository that the study is kept in."
    )
    model_licence: Line | None = Field(default=None, description="Licence of your own models, in words.")
    data_licence: Line | None = Field(default=None, description="Licence of the data that your models bring along.")

    @property
    def identifying(self) -> tuple[str, ...]:
        """The keys that are given and would name the authors to a reviewer."""
        return tuple(name for name in ("authors", "doi", "repository") if getattr(self, name))


class _Document(BaseModel):
    about: About | None = None


def read_about(data: Mapping[str, Any], path: Path, error: type[AblatrixError]) -> About:
    """Return the block ``about:`` of a parsed study, empty where it has none.

    Args:
        data: The whole document, as ``parse_yaml`` returns it.
        path: Its file, for messages.
        error: Class of the error to raise.

    Raises:
        AblatrixError: (of the given class) The block breaks the model's rules; all faults, each with its line.
    """
    try:
        return _Document.model_validate(plain_value(data)).about or About()
    except ValidationError as invalid:
        raise error("\n".join(describe_faults(path, LineIndex(data), _Document, invalid))) from None
