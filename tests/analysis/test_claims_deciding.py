"""A claim of a difference holds only with the verdict that is printed for it."""

from collections.abc import Sequence

import pytest

from ablatrix.analysis.claims.deciding import OpenClaim, decided, factor_of_logs
from ablatrix.analysis.claims.model import Claim
from ablatrix.analysis.effects.judgement import Judgement
from ablatrix.analysis.reasons.wording import optional_text
from ablatrix.statistics.ratio import Allowance

FASTER = (-0.020, -0.021, -0.019, -0.0205, -0.0195)  # after over before
BORDERLINE = (-0.020, -0.002, -0.030, -0.010, -0.018)  # 0.984 [0.971, 0.998], p = 0.03


def judgement(verdict: str) -> Judgement:
    return Judgement(verdict=verdict, resolution=None, p_holm=None, p_equivalence=None, within=False, margin=0.01)


def claim(
    name: str, logs: Sequence[float], verdict: str | None = None, offset: float = 0.0, **bound: float
) -> OpenClaim:
    stated = Claim.model_validate(
        {
            "id": name,
            "workload": "encoder",
            "compiler": "tvm",
            "metric": "run_ms_paired",
            "configuration": {"fusion": "on"},
            **(bound or {"at_least": 1.0}),
        }
    )
    factor = factor_of_logs(logs, "run_ms_paired", Allowance(offset), ("row",))
    return OpenClaim(stated, "hot", factor, (), judgement(verdict) if verdict else None)


@pytest.mark.parametrize(
    ("verdict", "bound", "state"),
    [
        ("faster", {"at_least": 1.01}, "holds"),
        ("not distinguishable", {"at_least": 1.01}, "undecided"),
        ("no effect", {"at_least": 1.0}, "undecided"),
        ("not distinguishable", {"within": 0.02}, "holds"),
        ("not distinguishable", {"at_most": 1.5}, "holds"),
        ("faster", {"at_least": 1.5}, "fails"),
        ("faster", {"at_least": 1.02}, "undecided"),
    ],
)
def test_claim_holds_only_with_verdict_where_it_claims_difference(
    verdict: str, bound: dict[str, float], state: str
) -> None:
    (found,) = decided([claim("one", FASTER, verdict, **bound)])
    assert found.state == state


def test_claim_against_verdict_names_it() -> None:
    (found,) = decided([claim("one", FASTER, "not distinguishable")])
    assert optional_text(found.reason) == (
        "the factor is 1.02 [1.019, 1.021], but among all effects that are judged, the verdict is: not distinguishable"
    )


def test_claims_without_effect_are_judged_as_one_family() -> None:
    """Alone it holds; among three of its kind its p-value, adjusted, is no longer below 5 %."""
    (alone,) = decided([claim("one", BORDERLINE)])
    assert alone.state == "holds"
    among = decided([claim(name, BORDERLINE) for name in ("one", "two", "three")])
    assert [one.state for one in among] == ["undecided"] * 3


def test_claim_of_unit_whose_control_fails_is_widened() -> None:
    (held,) = decided([claim("one", FASTER)])
    (off,) = decided([claim("one", FASTER, offset=0.03)])
    assert (held.state, off.state) == ("holds", "undecided")
    assert off.ratio is not None
    assert off.ratio.widened == 0.03
