"""A change of the records changes or withdraws the sentences that depend on it, and leaves every other byte alone."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ablatrix.analysis.effect_metrics import DEFAULT_METRICS
from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import ALL_ON, Paper, each, study, write_paper
from tests.synthetic import Plant, make_records

STEPS = ("partition=regions", "reuse=release", "memory_plan=on", "fusion=on")
MIDDLE = {"partition": "regions", "reuse": "keep", "memory_plan": "off", "fusion": "on"}


def without_a_block(record: Record) -> Record | None:
    gone = record.workload.name == "encoder" and record.mode == "hot" and record.meta.block == 2
    return None if gone else record


def slow_all_on(record: Record) -> Record:
    runtime = record.runtime
    is_all_on = all(record.config.knobs.get(knob) == level for knob, level in ALL_ON.items())
    if record.workload.name != "encoder" or record.mode != "hot" or not is_all_on or runtime is None:
        return record
    times = {name: 3.0 * value for name, value in runtime if name.startswith("run_ms_") and value is not None}
    bursts = [3.0 * value for value in runtime.burst_ms_p50 or ()]
    return record.model_copy(update={"runtime": runtime.model_copy(update={**times, "burst_ms_p50": bursts})})


RUN = {f"benefit: effect/run_ms_paired/tvm/{step}" for step in STEPS}
PEAK = {f"benefit: effect/peak_rss_delta_bytes/tvm/{step}" for step in STEPS}
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
        | RUN
        | PEAK
        | {
            "fairness: precision",
            "benefit: all_on/run_ms_paired/tvm",
            "benefit: all_on/peak_rss_delta_bytes/tvm",
            "benefit: fastest/encoder/tvm",
            "correctness: comparisons",
            "correctness: worst_differences",
            "claims: right",
            "claims: fused",
        },
        unheld={"claims: right/holds", "claims: fused/holds"},
    ),
    "one missing block": Change(
        lambda: each(study(), without_a_block),
        changed=HOT_COUNTS
        | RUN
        | PEAK
        | {
            "fairness: hot_scope",
            "benefit: control/run_ms_paired",
            "fairness: protocol",
            "fairness: precision",
            "benefit: all_on/run_ms_paired/tvm",
            "benefit: all_on/peak_rss_delta_bytes/tvm",
            "benefit: fastest/encoder/tvm",
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
            "benefit: all_on/run_ms_paired/tvm",
            "benefit: all_on/compile_first_run_ms/tvm",
            "benefit: fastest/attention/tvm",
            "benefit: fastest/encoder/tvm",
            "claims: fused",
            "claims: everything",
        },
        withdrawn={f"benefit: effect/{metric}/tvm/fusion=on" for metric in DEFAULT_METRICS},
        new={"benefit: no_op/tvm/fusion=on", "benefit: same_artifact/tvm/fusion=on"},
        unheld={"claims: fused/holds", "claims: everything/holds"}
        | {
            f"benefit: effect/{metric}/tvm/fusion=on{place}"
            for metric in DEFAULT_METRICS
            for place in ("", "/attention", "/encoder")
        },
    ),
    "a slower all-on": Change(
        lambda: each(study(), slow_all_on),
        changed=RUN | {"benefit: all_on/run_ms_paired/tvm", "claims: fused", "claims: everything"},
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


NO_OPS = ("benefit: no_op", "benefit: same_artifact")


def test_text_on_no_op_with_other_time_claims_no_effect_of_code(tmp_path: Path) -> None:
    paper = write_paper(tmp_path, CHANGES["a knob made a no-op"].records())
    assert not [key for key in paper.sentences if "fusion" in key and not key.startswith(NO_OPS)]
    assert "no effect of the code is claimed" in paper.sentences["benefit: same_artifact/tvm/fusion=on"]
    macros = (paper.directory / "macros.tex").read_text(encoding="utf-8")
    assert "no_op/encoder/tvm/fusion=on/pairs" in macros
    fault = paper.left_out["benefit: effect/compile_first_run_ms/tvm/fusion=on/encoder"]
    assert (
        "is a no-op from off to on by what was built (the same artifact in 8 of 8 pairs), but compile_first_run_ms"
        in fault
    )
    assert "the knob is a no-op, on 48 trials." in paper.sentences["claims: fused"]


def test_text_on_interval_without_one_is_faster_and_on_wide_one_not_distinguishable(before: Paper) -> None:
    reuse = before.sentences["benefit: effect/run_ms_paired/tvm/reuse=release"]
    assert "faster on attention 0.986 [0.977, 0.995]" in reuse
    assert "not distinguishable from no effect on encoder 0.989 [0.970, 1.009]" in reuse


def test_text_on_claim_has_outcome_and_interval(before: Paper) -> None:
    assert before.sentences["claims: fused"] == (
        "fusion cuts the run time of encoder on tvm by a factor of at least 1.5 (fused): holds, on 48 trials; the "
        "improvement is 1.659 [1.642, 1.677] (before over after)."
    )
    assert before.sentences["claims: small"].endswith("; the improvement is 1.602 (before over after).")


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
    assert re.search(r"faster on 10 workloads \(0\.\d+ to 0\.6\d+\)", paper.sentences[min(RUN)])
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []
