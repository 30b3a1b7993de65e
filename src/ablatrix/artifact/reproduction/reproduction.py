"""The report of a third party who ran the study again: which of its claims were reproduced. Schema 1.1.

A claim is *reproduced* when it holds on the new records, *not reproduced* when it fails on them, and *undecided*
otherwise, whatever the recorded run says of it; if the recorded run does not support the claim, the report says so.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from ablatrix.artifact.contents import JSON_SCHEMA_DIALECT, Part, factor_text
from ablatrix.errors import ArtifactError
from ablatrix.regular_files import MEBIBYTE, read_regular

REPORT_VERSION = "1.1"
LARGEST = 16 * MEBIBYTE
REPORT_NAME = "reproduction.json"
Outcome = Literal["reproduced", "not_reproduced", "undecided"]
State = Literal["holds", "fails", "undecided"]
WORDS: dict[Outcome, str] = {
    "reproduced": "reproduced",
    "not_reproduced": "not reproduced",
    "undecided": "undecided",
}


class Figures(Part):
    """What one run says of a claim. The factor is before over after: how many times smaller the metric becomes."""

    state: State = Field(description="Whether the claim holds on these records.")
    factor: float | None = Field(description="Null without one, and for claims about every trial.")
    low: float | None = Field(description="Lower end of its 95 % interval over blocks.")
    high: float | None = Field(description="Upper end.")
    blocks: int = Field(ge=0, description="Blocks that it is made of.")
    exact: bool = Field(description="Whether it is computed or counted, and no estimate.")
    reason: str | None = Field(description="Why it fails or is undecided.")

    def text(self) -> str:
        """Return the factor with its interval, as tables show it."""
        if self.factor is None:
            return self.state
        low, high = (None, None) if self.exact else (self.low, self.high)
        return factor_text(self.factor, low, high, digits=4)


class Run(Part):
    """One of the two runs: where it ran, and what came of its trials."""

    host: str = Field(description="Name of the machine.")
    cpu: str = Field(description="Its processor.")
    cores: int = Field(ge=1, description="Cores that the run could use.")
    memory_bytes: int = Field(ge=0, description="Its memory.")
    kernel: str = Field(description="Release of its kernel.")
    versions: dict[str, str] = Field(description="Versions of python and of the packages in force.")
    statuses: dict[str, int] = Field(description="Trials by status.")
    seconds: float | None = Field(description="From the beginning of the first trial to the end of the last one.")


class Difference(Part):
    """Something around the trials that is not the same in both runs."""

    what: str
    recorded: tuple[str, ...]
    here: tuple[str, ...]


class Claim(Part):
    """One key result, and what became of it."""

    name: str = Field(min_length=1, description="What is claimed, such as 'encoder on tvm: fusion makes it faster'.")
    outcome: Outcome = Field(description="reproduced, not_reproduced or undecided.")
    detail: str | None = Field(default=None, description="Both figures, or why it is undecided.")
    id: str | None = Field(default=None, description="Its id in the file of claims. Since 1.1.")
    wanted: str | None = Field(default=None, description="The bound that it states, in signs. Since 1.1.")
    recorded: Figures | None = Field(default=None, description="What the recorded run says, null without. Since 1.1.")
    here: Figures | None = Field(default=None, description="What the new run says. Since 1.1.")


class ReproductionReport(Part):
    """What a reproduction says."""

    schema_version: Literal["1.0", "1.1"] = Field(description="Version of this report's fields.")
    study_digest: str = Field(description="SHA-256 of the study as loaded: which study was run again.")
    host: str = Field(min_length=1, description="Host on which it was run again.")
    claims: tuple[Claim, ...] = Field(min_length=1, description="Every key result, each once.")
    study: str | None = Field(default=None, description="Name of the study. Since 1.1.")
    root_digest: str | None = Field(default=None, description="Of the artifact that was reproduced. Since 1.1.")
    recorded: Run | None = Field(default=None, description="The recorded run, null without one. Since 1.1.")
    here: Run | None = Field(default=None, description="The new run. Since 1.1.")
    differences: tuple[Difference, ...] = Field(default=(), description="What changed around the trials. Since 1.1.")
    key_effects: int | None = Field(
        default=None, description="Main effects that the recorded run calls different, null without one. Since 1.1."
    )
    key_effects_reproduced: int | None = Field(
        default=None, description="Those that the new run bears out (see ablatrix compare). Since 1.1."
    )
    notes: tuple[str, ...] = Field(default=(), description="What else the reader should know. Since 1.1.")

    @property
    def reproduced(self) -> bool:
        """Whether every claim is."""
        return all(claim.outcome == "reproduced" for claim in self.claims)


def outcome_of(here: State) -> Outcome:
    """Return the outcome of a claim from its state on the new records."""
    outcomes: dict[State, Outcome] = {"holds": "reproduced", "fails": "not_reproduced", "undecided": "undecided"}
    return outcomes[here]


def detail_of(recorded: Figures | None, here: Figures, reason_tells_factor: bool) -> str:
    """Return both figures in words, and why a run does not support the claim.

    Args:
        recorded: What the recorded run says; None without one.
        here: What the new run says.
        reason_tells_factor: Whether the reason of the new run names its factor, so that it need not be repeated.
    """
    sides = [] if recorded is None else [f"recorded {recorded.text()}"]
    sides.append(f"here {here.reason if reason_tells_factor else here.text()}")
    text = ", ".join(sides)
    if here.reason and not reason_tells_factor:
        text += f"; here: {here.reason}"
    if recorded is not None and recorded.state != "holds":
        text += f"; the recorded run does not bear it ({recorded.state}): {recorded.reason}"
    return text


def count_outcomes(claims: Sequence[Claim]) -> dict[Outcome, int]:
    """Return how many claims have each outcome."""
    return {outcome: sum(claim.outcome == outcome for claim in claims) for outcome in WORDS}


def report_text(report: ReproductionReport) -> str:
    """Return the canonical text of a report."""
    value = report.model_dump(mode="json")
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def report_schema_text() -> str:
    """Return the JSON Schema of a report of this version: the same text on every machine."""
    schema = ReproductionReport.model_json_schema()
    schema = {"$schema": JSON_SCHEMA_DIALECT, "$id": f"ablatrix/reproduction-{REPORT_VERSION}", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def read_report(path: Path) -> ReproductionReport:
    """Read a reproduction report (JSON).

    Raises:
        ArtifactError: It cannot be read, or breaks the model's rules; all faults at once.
    """
    try:
        return ReproductionReport.model_validate_json(read_regular(path, LARGEST))
    except OSError as error:
        raise ArtifactError(f"{path}: the reproduction report cannot be read: {error.strerror}") from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise ArtifactError(f"{path}: not a reproduction report of version {REPORT_VERSION}: {faults}") from None
