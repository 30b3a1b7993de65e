"""The report of somebody who ran the study again elsewhere: which of its key results came out the same."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from ablatrix.artifact.manifest import Part
from ablatrix.errors import ArtifactError

REPORT_VERSION = "1.0"
Outcome = Literal["reproduced", "not_reproduced", "undecided"]


class Claim(Part):
    """One key result, and what became of it."""

    name: str = Field(min_length=1, description="What is claimed, such as 'encoder on tvm: fusion makes it faster'.")
    outcome: Outcome = Field(description="reproduced, not_reproduced or undecided.")
    detail: str | None = Field(default=None, description="Both figures, or why it is undecided.")


class ReproductionReport(Part):
    """What a reproduction says."""

    schema_version: Literal["1.0"] = Field(description="Version of this report's fields.")
    study_digest: str = Field(description="SHA-256 of the study as loaded: which study was run again.")
    host: str = Field(min_length=1, description="Host on which it was run again.")
    claims: tuple[Claim, ...] = Field(min_length=1, description="Every key result, each once.")


def read_report(path: Path) -> ReproductionReport:
    """Read a reproduction report (JSON).

    Raises:
        ArtifactError: It cannot be read, or breaks the model's rules; all faults at once.
    """
    try:
        return ReproductionReport.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: the reproduction report cannot be read: {error.strerror}") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise ArtifactError(f"{path}: not a reproduction report of version {REPORT_VERSION}: {faults}") from None
