"""The records of an artifact, read once for all that is made of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.artifact.contents.names import CLAIMS_NAME
from ablatrix.records.names import RECORDS_NAME

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim, Claims
    from ablatrix.analysis.findings import Findings


@dataclass(frozen=True)
class Reading:
    """What tables, figures, text, page, documents and badges are made of; read when it is first asked for.

    Attributes:
        directory: Holds the records.
        claims: The file of what is claimed of them; None: nothing is.
    """

    directory: Path
    claims: Path | None = None

    @property
    def records(self) -> Path:
        """The file of records."""
        return self.directory / RECORDS_NAME

    @cached_property
    def findings(self) -> "Findings":
        """What is estimated from the records.

        Raises:
            RecordError: The records cannot be read, or break the schema.
            AnalysisError: No trial of them is finished.
        """
        from ablatrix.analysis.findings import Findings  # polars loads here
        from ablatrix.analysis.table import tidy

        return Findings(tidy([self.records]))

    @cached_property
    def stated(self) -> "Claims | None":
        """What is claimed.

        Raises:
            AnalysisError: The file of claims cannot be read, or breaks a rule.
        """
        from ablatrix.analysis.claims import load_claims

        return None if self.claims is None else load_claims(self.claims)

    @cached_property
    def checked(self) -> "tuple[CheckedClaim, ...]":
        """What became of each claim; nothing where nothing is claimed.

        Raises:
            RecordError: The records cannot be read, or break the schema.
            AnalysisError: Claims are not valid, or no trial is finished.
        """
        from ablatrix.analysis.claims import check_claims

        return () if self.stated is None else tuple(check_claims(self.findings, self.stated))


def read_artifact(directory: Path) -> Reading:
    """Return the reading of an artifact that is whole: with the claims that lie in it, if any do."""
    claims = directory / CLAIMS_NAME
    return Reading(directory, claims if claims.exists() else None)
