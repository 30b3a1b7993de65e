"""A change of the records changes or withdraws the sentences that depend on it, and leaves every other byte alone."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import ALL_ON, Paper, each, study, write_paper
from tests.synthetic import Plant, make_records

MIDDLE = {"partition": "regions", "reuse": "keep", "memory_plan": "off", "fusion": "on"}


def without_a_block(record: Record) -> Record | None:
    gone = record.workload.name == "encoder" and record.mode == "hot" and record.meta.block == 2
    return None if gone else record


def slow_all_on(record: Record) -> Record:
    is_all_on = all(record.config.knobs.get(knob) == level for knob, level in ALL_ON.items())
    return scaled(record, 3.0) if record.workload.name == "encoder" and is_all_on else record


def sooner(record: Record) -> Record:
    """A cold record whose first result came in 0.7 of the time; any other record."""
    runtime = record.runtime
    if runtime is None or runtime.compile_first_run_ms is None:
        return record
    times = {"compile_first_run_ms": 0.7 * runtime.compile_first_run_ms}
    return record.model_copy(update={"runtime": runtime.model_copy(update=times)})


def scaled(record: Record, factor: float) -> Record:
    """A hot record with run times that are so many times as long; any other record."""
    runtime = record.runtime
    if record.mode != "hot" or runtime is None:
        return record
    times = {name: factor * value for name, value in runtime if name.startswith("run_ms_") and value is not None}
    bursts = [factor * value for value in runtime.burst_ms_p50 or ()]
    return record.model_copy(update={"runtime": runtime.model_copy(update={**times, "burst_ms_p50": bursts})})


HOT_COUNTS = {"fairness: trials_and_outcomes", "fairness: warm_up_classes", "fairness: checked_is_timed"}


@dataclass(frozen=True)
class Change:
    """Records that differ from those of `study` in one thing, and the sentences that this touches, by name."""

    records: Callable[[], list[Record]]
    changed: set[str]
    withdrawn: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    unheld: set[str] = field(default_factory=set)


CHANGES = {
    # The trial leaves its block, so its round times, its pairs and its block's attribution go with it.
    "one wrong output": Change(
        lambda: study(plants=[Plant("wrong_output", "encoder", "hot", MIDDLE, block=1)]),
        changed=HOT_COUNTS
        | {
            "fairness: precision",
            "fairness: cache_misses",  # which counts successful trials where not all are
            "benefit: nothing_earned",
            "benefit: whole",
            "benefit: shares",
            "benefit: interaction",
            "benefit: memory",
            "correctness: comparisons",
            "correctness: worst_differences",
            "correctness: tolerance",  # which speaks of successful trials where not all are
            "claims: all claims",
            "claims: right",
            "claims: fused",
            "claims: parted",  # the first with an interval says how much confidence all have
        },
        unheld={"claims: right/holds", "claims: fused/holds"},
    ),
    "one missing block": Change(
        lambda: each(study(), without_a_block),
        changed=HOT_COUNTS
        | {
            "setup: trials",
            "fairness: control/run_ms_paired",
            "fairness: precision",
            "benefit: whole",
            "benefit: against_eager",
            "benefit: shares",
            "benefit: interaction",
            "benefit: nothing_earned",
            "benefit: losses",
            "benefit: memory",
            "benefit: best_choice",
            "correctness: comparisons",
            "claims: right",
            "claims: fused",
            "claims: everything",
        },
    ),
    # Times of other knobs are drawn as before, so their sentences keep every byte.
    "a knob made a no-op": Change(
        lambda: study(built_as=lambda levels: {**levels, "fusion": "off"}),
        changed={
            "benefit: interaction",
            "benefit: whole",
            "benefit: against_eager",
            "benefit: shares",
            "benefit: nothing_earned",
            "benefit: compile_time",
            "benefit: best_choice",
            "claims: all claims",
            "claims: parted",
            "claims: fused",
            "claims: everything",
        },
        unheld={"claims: fused/holds", "claims: everything/holds"},
    ),
    "a slower all-on": Change(
        lambda: each(study(), slow_all_on),
        changed={
            "benefit: nothing_earned",
            "benefit: whole",
            "benefit: against_eager",
            "benefit: shares",
            "benefit: interaction",
            "benefit: losses",
            "claims: all claims",
            "claims: parted",
            "claims: fused",
            "claims: everything",
        },
        unheld={"claims: fused/holds", "claims: everything/holds"},
    ),
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    return write_paper(tmp_path_factory.mktemp("before"), study())


@pytest.mark.parametrize("name", CHANGES)
def test_text_with_changed_record_changes_only_dependent_sentences(tmp_path: Path, before: Paper, name: str) -> None:
    change = CHANGES[name]
    after = write_paper(tmp_path, change.records())
    old, new = before.sentences, after.sentences
    assert before.left_out == {}
    assert old.keys() - new.keys() == change.withdrawn
    assert new.keys() - old.keys() == change.new
    assert {key for key in old.keys() & new.keys() if old[key] != new[key]} == change.changed
    assert set(after.left_out) == change.unheld
    assert recompute.check(recompute.read_records(after.results), after.directory) == []


def test_text_on_no_op_with_other_time_claims_no_effect_of_code(tmp_path: Path) -> None:
    records = CHANGES["a knob made a no-op"].records()
    paper = write_paper(tmp_path, [sooner(one) if one.config.knobs.get("fusion") == "on" else one for one in records])
    named = [key for key, text in paper.sentences.items() if key.startswith("benefit: ") and "fusion" in text]
    assert named == ["benefit: whole", "benefit: nothing_earned"]
    said = paper.sentences["benefit: nothing_earned"]
    assert "the compiled program is the same at every level of fusion" in said
    assert "although the same program is built" in said
    macros = (paper.directory / "macros.tex").read_text(encoding="utf-8")
    assert "no_op/encoder/tvm/fusion=on/pairs" in macros
    assert "benefit/encoder/tvm/fusion=on/run_ms_paired" not in macros
    assert "shapley/fusion=on" not in macros
    assert paper.sentences["claims: fused"] == (
        "The claim that fusion reduces the run time on encoder by a factor of at least 1.5 does not hold, as the knob "
        "changes nothing in the program."
    )


def test_text_without_any_whole_configuration_withdraws_what_rests_on_it(tmp_path: Path) -> None:
    plants = [Plant("compile_error", workload, "hot", ALL_ON) for workload in ("attention", "encoder")]
    paper = write_paper(tmp_path, study(plants=plants))
    gone = ("benefit: shares", "benefit: interaction", "benefit: best_choice")
    assert [name for name in gone if name in paper.sentences or name not in paper.left_out] == []
    assert paper.sentences["benefit: whole"].startswith("The fastest configuration of each workload reduces")
    assert paper.left_out["benefit: shares"].startswith("no block holds every configuration between the baseline")
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []


def test_text_on_interval_with_one_says_how_far_it_reaches(before: Paper) -> None:
    memory = before.sentences["benefit: memory"]
    assert re.search(
        r"; the peak growth of resident memory \(between binding the inputs and the end of the first run\) does not "
        r"change significantly \(CI -\d+% to 21%\)\.$",
        memory,
    )
    assert "the run time is increased by partition (5.0%)" in before.sentences["benefit: shares"]


def test_text_on_claim_has_outcome_and_interval(before: Paper) -> None:
    assert before.sentences["claims: fused"] == (
        "With fusion, the run time falls by a factor of 1.660 (95% CI 1.638\N{EN DASH}1.682) on encoder (claimed: at "
        "least 1.5)."
    )
    assert before.sentences["claims: small"] == (
        "With reuse changed from keep to release, the planned memory falls by a factor of 1.60 on encoder (claimed: at "
        "most 2)."
    )


def test_text_on_many_workloads_gives_count_and_range(tmp_path: Path) -> None:
    records = [
        record.model_copy(update={"workload": record.workload.model_copy(update={"name": f"encoder_{number}"})})
        for number in range(10)
        for record in make_records(workloads=["encoder"], modes=["hot"], blocks=4, seed=number)
    ]
    own = [
        record.model_copy(update={"record_id": f"{place:016x}", "trial_id": f"{place:016x}", "study_digest": "a" * 64})
        for place, record in enumerate(records)
    ]
    paper = write_paper(tmp_path, own, claims=False)
    whole = paper.sentences["benefit: whole"]
    assert re.search(
        r"in the geometric mean over all workloads, with reductions ranging from 4\d\.\d% on encoder_\d to 4\d\.\d%",
        whole,
    )
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []


def test_text_on_full_configuration_that_lost_a_block_counts_only_where_compared(tmp_path: Path) -> None:
    plant = Plant("crashed", "attention", "hot", ALL_ON, block=1)
    found = write_paper(tmp_path, study(plants=[plant])).sentences["benefit: best_choice"]
    assert found.startswith(
        "By Hsu's multiple comparisons with the best, some other configuration is significantly faster than the full "
        "one in the only case where all of them could be compared; the fastest for encoder is the full "
        "configuration without partition ("
    )
