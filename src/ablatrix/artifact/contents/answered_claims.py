"""The claims of an artifact, checked against its own records."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.artifact.contents.factor import change_text, factor_text
from ablatrix.artifact.contents.reading import Reading

if TYPE_CHECKING:
    from ablatrix.analysis.claims import CheckedClaim, Claim


@dataclass(frozen=True, kw_only=True)
class RecordedClaim:
    """One claim, as the documents print it.

    Attributes:
        wanted: The bound that it states, such as ``>= 1.5``.
        state: ``holds``, ``fails`` or ``undecided``.
        found: The recorded factor with its 95 % interval, or why there is none.
        workload, compiler: Those that it is about; None: all.
        modes: Modes whose trials it needs.
        is_portable: Whether any machine gives the same; else it is bound to the machine.
    """

    id: str
    statement: str
    wanted: str
    state: str
    found: str
    workload: str | None
    compiler: str | None
    modes: tuple[str, ...]
    is_portable: bool


def claims_beside(study: Path) -> Path | None:
    """Return the claims file next to a study (``quick.claims.yaml`` for ``quick.yaml``), if there is one."""
    path = study.with_name(f"{study.stem}.claims.yaml")
    return path if path.is_file() else None


def recorded_claims(reading: Reading) -> tuple[RecordedClaim, ...]:
    """Check the claims of an artifact against its records; empty without a claims file.

    Raises:
        AnalysisError: The claims are not valid, or the records have no trial.
    """
    return tuple(
        RecordedClaim(
            id=one.claim.id,
            statement=one.claim.statement("en"),
            wanted=one.claim.wanted,
            state=one.state,
            found=_found(one),
            workload=one.claim.workload,
            compiler=one.claim.compiler,
            modes=_modes(one.claim),
            is_portable=one.claim.is_portable,
        )
        for one in reading.checked
    )


def _modes(claim: "Claim") -> tuple[str, ...]:
    from ablatrix.analysis.effect_metrics import METRICS

    if claim.metric is not None:
        return METRICS[claim.metric].modes[:1]
    return ("cold",) if claim.subject == "cache_misses" else ("cold", "hot")


def _found(checked: "CheckedClaim") -> str:
    from ablatrix.analysis.reasons import optional_text

    ratio = checked.ratio
    if ratio is None:
        return optional_text(checked.reason) or "in every trial"
    low, high = (None, None) if checked.exact else (ratio.low, ratio.high)
    if checked.claim.within is not None:
        shown = change_text(ratio.value, low, high)
    else:
        shown = factor_text(ratio.value, low, high, digits=4)
    return f"{shown}, exact" if checked.exact else shown
