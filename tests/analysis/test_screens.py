"""Screenings are read from their own blocks, and so are confirmations: what was found, what was not, what is idle."""

import json
from pathlib import Path

import pytest

from ablatrix.analysis.diagnosis import prove_with_probes
from ablatrix.analysis.effects import NothingVariesError, Question, gather, screening_frame
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.runs import primary_matrices
from ablatrix.analysis.table import tidy
from tests.screened_study import STAGES, write_screened

FACTORS = {"k0": 0.8, "k3": 1.1, "k5": 0.95, "k7": 1.03}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    made = write_screened(tmp_path_factory.mktemp("made"), FACTORS, 24, 20)
    return Findings(tidy([made.results / "results.jsonl"]))


def test_screening_finds_planted_knobs_with_their_sizes(found: Findings) -> None:
    (screen,) = found.screenings("run_ms_paired", "hot")
    assert [one.knob for one in screen.found] == ["k0", "k3", "k5", "k7"]
    for one in screen.found:
        assert one.ratio is not None
        assert one.ratio.low is not None
        assert one.ratio.high is not None
        assert one.ratio.value == pytest.approx(FACTORS[one.knob], rel=0.01)
        assert (one.base_level, one.level) == ("off", "on")
    assert len(screen.rest) == 16
    assert screen.chosen.idle == ("k20", "k21", "k22", "k23")
    assert (screen.chosen.design, screen.chosen.resolution, screen.blocks) == ("folded_plackett_burman", 4, 3)


def test_confirmation_is_factorial_grid_of_its_own_blocks(found: Findings) -> None:
    (grid,) = found.factorial_grids("run_ms_paired", "hot")
    assert (grid.stage, grid.kind, grid.comparison.knobs) == ("confirm", "factorial", ("k0", "k3", "k5"))
    assert len(grid.blocks) == 3
    effects = {one.knob: one.ratio for one in found.effects("run_ms_paired", "hot", ["k0", "k3", "k5"])}
    for knob, ratio in effects.items():
        assert ratio is not None
        assert ratio.value == pytest.approx(FACTORS[str(knob)], rel=0.01)


def test_evidence_has_screening_beside_effects_of_confirmation(found: Findings) -> None:
    (held, *_) = gather(found.found, Question(metrics=("run_ms_paired",)))
    assert [one.stage for one in held.screens] == ["screen"]
    assert {one.stage for one in held.effects} == {"confirm"}


def test_frame_has_row_a_knob_largest_first_and_idle_last(found: Findings) -> None:
    frame = screening_frame(found.screenings("run_ms_paired", "hot"))
    assert frame["knob"].to_list()[:4] == ["k0", "k3", "k5", "k7"]
    assert frame["state"].to_list()[-4:] == ["does nothing here"] * 4
    assert frame.height == 24


def test_matrix_counts_screening_and_confirmation_by_their_blocks(found: Findings) -> None:
    matrix = next(one for one in primary_matrices(found.trials) if one.mode == "hot")
    assert (matrix.configurations, matrix.whole, matrix.repeats) == (48 + 8, 48 + 8, 3)
    assert matrix.gaps == ()


def test_failed_runs_leave_what_can_be_told(tmp_path: Path) -> None:
    made = write_screened(tmp_path, {"k0": 0.7}, 8, 8, stages=STAGES[:1])
    held = Findings(tidy([made.results / "results.jsonl"]))
    lost = held.trials.filter(held.trials["cell_id"] != held.trials["cell_id"].max())
    (screen,) = held.part(lost).screenings("run_ms_paired", "hot")
    assert [one.knob for one in screen.found] == ["k0"]


def test_search_says_what_can_go_together_and_what_was_tried(tmp_path: Path) -> None:
    stages = [{"name": "without", "screen": "all", "design": "groups"}]
    made = write_screened(tmp_path, {"k1": 0.8, "k9": 0.9}, 20, 18, stages=stages)
    (screen,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    assert [one.knob for one in screen.found] == ["k1", "k9"]
    ratios = [one.ratio for one in screen.found]
    assert [one and one.value for one in ratios] == pytest.approx([1 / 0.8, 1 / 0.9], rel=0.01)
    assert [(one.base_level, one.level) for one in screen.found] == [("on", "off")] * 2
    search = screen.search
    assert search is not None
    assert search.free == tuple(f"k{number}" for number in range(18) if number not in (1, 9))
    assert search.together is not None
    assert {*search.together.knobs} == {*search.free, "k18", "k19"}
    assert search.together.ratio is not None
    assert search.together.ratio.value == pytest.approx(1.0, abs=0.005)
    assert search.reach is not None
    assert search.reach < 0.01
    assert (search.joint, search.undivided, search.broken) == ((), (), ())
    frame = screening_frame([screen])
    assert frame.filter(frame["state"] == "can go").height == 16
    assert frame.filter(frame["state"] == "all that can go")["group"][0].startswith("k0 + k2 + ")


def test_knob_without_which_nothing_works_cannot_go(tmp_path: Path) -> None:
    stages = [{"name": "without", "screen": "all", "design": "groups"}]
    made = write_screened(tmp_path, {}, 8, 8, stages=stages)
    lines = (made.results / "results.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    for one in records:
        if one["role"] == "measured" and one["config"]["knobs"]["k2"] == "off" and one["config"]["knobs"]["k0"] == "on":
            one |= {"status": "wrong_output", "runtime": None}
    (made.results / "results.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    (screen,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    assert screen.search is not None
    assert screen.search.broken == ("k2",)
    assert "k2" not in screen.search.free


def test_shares_of_sampled_orders_are_those_planted(tmp_path: Path) -> None:
    stages = [{"name": "shares", "screen": "all", "design": "shapley"}]
    made = write_screened(tmp_path, {"k0": 0.8, "k3": 1.1}, 9, 8, stages=stages)
    (screen,) = Findings(tidy([made.results / "results.jsonl"])).screenings("run_ms_paired", "hot")
    assert [one.knob for one in screen.found][:2] == ["k0", "k3"]
    for one, share in zip(screen.found, (0.8, 1.1), strict=False):
        assert one.ratio == one.share
        assert one.ratio is not None
        assert one.ratio.value == pytest.approx(share, rel=0.01)


def test_matrix_of_search_has_no_gaps_though_some_are_run_more_often(tmp_path: Path) -> None:
    stages = [{"name": "without", "screen": "all", "design": "groups"}]
    made = write_screened(tmp_path, {"k1": 0.8}, 20, 18, stages=stages)
    matrix = next(one for one in primary_matrices(tidy([made.results / "results.jsonl"]).trials) if one.mode == "hot")
    assert matrix.gaps == ()
    assert matrix.configurations == matrix.whole


def test_results_whose_knobs_all_do_nothing_say_so(tmp_path: Path) -> None:
    made = write_screened(tmp_path, {}, 5, 0)
    found = tidy([made.results / "results.jsonl"])
    with pytest.raises(NothingVariesError, match=r"no knob of stage 'screen' changes what is built: its 12 untimed"):
        gather(found, Question())
    proofs = prove_with_probes(found.trials)
    assert [(one.knob, one.verdict) for one in proofs] == [(f"k{number}", "no_op") for number in range(5)]


def test_proofs_of_screened_knobs_are_by_their_untimed_compiles(tmp_path: Path) -> None:
    made = write_screened(tmp_path, {"k0": 0.8}, 12, 10, stages=STAGES[:1])
    proofs = {one.knob: one.verdict for one in prove_with_probes(tidy([made.results / "results.jsonl"]).trials)}
    assert proofs["k7"] == "effective"
    assert proofs["k11"] == "no_op"
