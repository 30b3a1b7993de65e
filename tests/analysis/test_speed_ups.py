"""Speed-ups of an ablation: paired over blocks, for every study that has some, with a reason where there is none."""

import math
import statistics
from collections.abc import Mapping

import pytest

from ablatrix.analysis.effects import Ablation
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.reasons import text_of
from ablatrix.records.model import Record
from tests.synthetic import HOT_EFFECT, PRIMARY, Plant, make_records, tidied

HOT = ("run_ms_paired", "hot")
BASE = {knob: levels[0] for knob, levels in PRIMARY.items()}
ALL = {knob: levels[1] for knob, levels in PRIMARY.items()}


def ablations(records: list[Record], metric: str = HOT[0], mode: str = HOT[1]) -> dict[str, Ablation]:
    return {one.workload: one for one in Findings(tidied(records)).ablations(metric, mode)}


def value(records: list[Record], workload: str, block: int, role: str, knobs: Mapping[str, str]) -> float:
    """The cold time of the one ok trial that matches: no code of the analysis."""
    (found,) = (
        record.runtime.compile_first_run_ms
        for record in records
        if (record.workload.name, record.meta.block, record.mode, record.role) == (workload, block, "cold", role)
        and record.status == "ok"
        and record.runtime is not None
        and all(record.config.knobs.get(knob) == level for knob, level in knobs.items())
    )
    assert found is not None
    return found


def test_speed_ups_without_noise_are_planted_ones() -> None:
    one = ablations(make_records(workloads=["encoder"], noise=0.0))["encoder"]
    assert [move.knob for move in one.moves] == list(PRIMARY) == [move.knob for move in one.path]
    for move, alone in zip(one.moves, one.alone, strict=True):
        assert alone.ratio is not None
        assert alone.ratio.value == pytest.approx(1 / HOT_EFFECT[move.knob], rel=1e-9)
    whole = math.prod(HOT_EFFECT.values())
    for move, without in zip(one.path, one.without, strict=True):
        assert without.ratio is not None
        assert without.ratio.value == pytest.approx(HOT_EFFECT[move.knob] / whole, rel=1e-9)
    reached = 1.0
    for move, added in zip(one.path, one.added, strict=True):
        reached /= HOT_EFFECT[move.knob]
        assert added.ratio is not None
        assert added.ratio.value == pytest.approx(reached, rel=1e-9)
    assert one.base_over_eager is not None
    assert one.base_over_eager.ratio is not None
    assert one.base_over_eager.ratio.value == pytest.approx(24.0 / 31.0, rel=1e-9)
    assert one.whole_over_eager is not None
    assert one.whole_over_eager.ratio is not None
    assert one.whole_over_eager.ratio.value == pytest.approx(24.0 / 31.0 / whole, rel=1e-9)


def test_speed_up_is_paired_over_blocks_with_interval_of_students_t() -> None:
    records = make_records(workloads=["attention"], blocks=3)
    one = ablations(records, "compile_first_run_ms", "cold")["attention"]
    logs = [
        math.log(value(records, "attention", block, "measured", BASE))
        - math.log(value(records, "attention", block, "measured", ALL))
        for block in range(3)
    ]
    assert one.whole is not None
    assert one.whole.ratio is not None
    mean = statistics.fmean(logs)
    half = 4.302652729911275 * statistics.stdev(logs) / math.sqrt(3)
    assert one.whole.ratio.value == pytest.approx(math.exp(mean), rel=1e-12)
    assert one.whole.ratio.high == pytest.approx(math.exp(mean + half), rel=1e-9)
    over = [
        math.log(value(records, "attention", block, "reference", {}))
        - math.log(value(records, "attention", block, "measured", ALL))
        for block in range(3)
    ]
    assert one.whole_over_eager is not None
    assert sorted(one.whole_over_eager.logs) == pytest.approx(sorted(over))


def test_speed_up_of_configuration_that_failed_has_reason_and_others_stay() -> None:
    plants = [Plant("crashed", "encoder", "hot", {**BASE, "fusion": "on"})]
    one = ablations(make_records(workloads=["encoder"], plants=plants, noise=0.0))["encoder"]
    lost = one.alone[3]
    assert lost.ratio is None
    assert lost.reason is not None
    assert "crashed" in text_of(lost.reason)
    assert one.whole is not None
    assert one.whole.ratio is not None


def test_speed_up_of_no_op_is_marked_as_same_program() -> None:
    records = make_records(workloads=["encoder"], built_as=lambda levels: {**levels, "reuse": "keep"})
    one = ablations(records)["encoder"]
    assert [alone.is_same_program for alone in one.alone] == [False, True, False, False]


def test_ablation_of_one_knob_has_neither_rest_nor_second_step() -> None:
    records = [
        record
        for record in make_records(workloads=["encoder"])
        if record.role != "measured"
        or all(record.config.knobs[knob] == BASE[knob] for knob in BASE if knob != "fusion")
    ]
    one = ablations(records)["encoder"]
    assert ([move.knob for move in one.path], one.without, len(one.added)) == (["fusion"], (), 1)


def test_ablation_where_no_knob_varies_is_baseline_over_eager_alone() -> None:
    records = [
        record
        for record in make_records(workloads=["encoder"])
        if record.role != "measured" or all(record.config.knobs[knob] == BASE[knob] for knob in BASE)
    ]
    one = ablations(records)["encoder"]
    assert (one.moves, one.path, one.whole, one.whole_over_eager) == ((), (), None, None)
    assert one.base_over_eager is not None
    assert {knob: one.base[knob] for knob in BASE} == BASE


def test_ablation_of_knobs_varied_one_at_a_time_has_each_alone() -> None:
    def moved(record: Record) -> int:
        return sum(record.config.knobs[knob] != BASE[knob] for knob in BASE)

    records = [one for one in make_records(workloads=["encoder"]) if one.role != "measured" or moved(one) < 2]
    one = ablations(records)["encoder"]
    assert ([move.knob for move in one.moves], one.path) == (list(PRIMARY), ())
    assert all(alone.ratio is not None for alone in one.alone)
