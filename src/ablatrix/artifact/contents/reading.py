"""The records of an artifact, read once for everything that is made from them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.artifact.contents.names import CLAIMS_NAME
from ablatrix.records.kept_findings import KeptFinding, kept_findings
from ablatrix.records.names import RECORDS_NAME

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim, Claims
    from ablatrix.analysis.findings import Findings


@dataclass(frozen=True)
class Reading:
    """The input of tables, figures, text, page, documents and badges; read on first use.

    Attributes:
        directory: Contains the records.
        claims: The claims file; None: nothing is claimed.
        processes: Most processes that read records at once; None for as many as usual.
    """

    directory: Path
    claims: Path | None = None
    processes: int | None = None

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

        return Findings(tidy([self.records], processes=self.processes))

    @cached_property
    def kept(self) -> list[KeptFinding]:
        """What searches in these results came to.

        Raises:
            RecordError: One of their files cannot be read, or is no finding.
        """
        return kept_findings([self.records])

    @cached_property
    def stated(self) -> "Claims | None":
        """The claims of the claims file.

        Raises:
            AnalysisError: The claims file cannot be read, or breaks a rule.
        """
        from ablatrix.analysis.claims import load_claims

        return None if self.claims is None else load_claims(self.claims)

    @cached_property
    def checked(self) -> "tuple[CheckedClaim, ...]":
        """The result of checking each claim; empty if nothing is claimed.

        Raises:
            RecordError: The records cannot be read, or break the schema.
            AnalysisError: Claims are not valid, or no trial is finished.
        """
        from ablatrix.analysis.claims import check_claims

        return () if self.stated is None else tuple(check_claims(self.findings, self.stated))


def read_artifact(directory: Path, processes: int | None = None) -> Reading:
    """Return the reading of a complete artifact, with its claims file if it has one; see `Reading`."""
    claims = directory / CLAIMS_NAME
    return Reading(directory, claims if claims.exists() else None, processes)
