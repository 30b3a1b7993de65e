"""Claims about knobs that were screened: none holds before it is confirmed, but one can fail."""

from pathlib import Path

import pytest

from ablatrix.analysis.claims import CheckedClaim, Claims, check_claims
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import text_of
from ablatrix.analysis.table import tidy
from tests.screened_study import STAGES, write_screened


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    directory: Path = tmp_path_factory.mktemp("made")
    made = write_screened(directory, {"k0": 0.8, "k3": 1.1}, 12, 10, stages=STAGES[:1])
    return Findings(tidy([made.results / "results.jsonl"]))


def checked(found: Findings, **claim: object) -> CheckedClaim:
    given = {"id": "one", "workload": "mlp", "compiler": "mine", "metric": "run_ms_paired", **claim}
    (one,) = check_claims(found, Claims.model_validate({"version": 1, "claims": [given]}))
    return one


def test_claim_that_screening_supports_is_undecided_and_marked(found: Findings) -> None:
    one = checked(found, knob="k0", at_least=1.2)
    assert one.state == "undecided"
    assert one.reason is not None
    assert "which stage 'screen' screened and no stage confirms" in text_of(one.reason)
    assert one.ratio is not None
    assert one.ratio.value == pytest.approx(1 / 0.8, rel=0.01)
    assert len(one.rows) > 70


def test_claim_beyond_interval_of_screening_fails(found: Findings) -> None:
    assert checked(found, knob="k0", at_least=1.5).state == "fails"
    assert checked(found, knob="k3", at_least=1.05).state == "fails"
    assert checked(found, knob="k3", levels=("on", "off"), at_least=1.05).state == "undecided"


def test_claim_about_knob_that_changes_nothing_fails(found: Findings) -> None:
    one = checked(found, knob="k11", at_least=1.01)
    assert one.state == "fails"
    assert one.reason is not None
    assert "changes nothing that is built" in text_of(one.reason)


def test_claim_about_level_that_was_not_screened_is_undecided(found: Findings) -> None:
    one = checked(found, knob="k0", levels=("off", "half"), at_least=1.01)
    assert one.state == "undecided"
