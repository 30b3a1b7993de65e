"""Which rows an estimate follows from, counted by hand; and the paper's numbers found again from them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.effects.evidence import Evidence, Question, gather
from ablatrix.analysis.findings import Findings
from ablatrix.paper.rows import paper_rows
from ablatrix.provenance.finder import RowFinder, StageRows
from ablatrix.provenance.ranges import count_rows
from ablatrix.provenance.rows import canonical_rows
from ablatrix.records.model import Record
from tests.paper import recompute
from tests.paper.written import write_paper
from tests.provenance.made import in_two_parts, with_a_third_level
from tests.synthetic import Plant, make_records, tidied

COLD, HOT = "compile_first_run_ms", "run_ms_paired"


def behind(records: Sequence[Record], metric: str, kind: str, level: str = "on") -> tuple[StageRows, pl.DataFrame]:
    """The rows of the first effect of a kind (a main effect: of fusion), and all trials in their order."""
    findings = Findings(tidied(records))
    finder = RowFinder(paper_rows(findings))
    evidence = next(one for one in findings.evidence if one.metric.name == metric)
    effect = next(
        one
        for one in evidence.effects
        if one.kind == kind and (kind != "main" or (one.knob, one.level) == ("fusion", level))
    )
    stage = [one for one in evidence.effects if one.workload == effect.workload]
    return finder.of_effect(effect, stage), finder.rows.trials


def taken(found: StageRows, trials: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([trials[first : last + 1] for first, last in found.rows])


def attention() -> list[Record]:
    return make_records(workloads=["attention"], blocks=2)


def test_cold_effect_is_made_from_trials_of_its_stage() -> None:
    found, trials = behind(attention(), COLD, "main")
    rows = taken(found, trials)
    assert rows.height == 2 * 16
    assert rows.select("role", "mode", "status").unique().rows() == [("measured", "cold", "ok")]
    assert dict(found.fixed) == {"schedule": "vectorised", "library": "off"}
    assert found.blocks == 2


def test_paired_effect_is_made_from_whole_blocks() -> None:
    rows = taken(*behind(attention(), HOT, "main"))
    assert dict(rows["role"].value_counts().iter_rows()) == {"measured": 32, "twin": 2, "reference": 2}


def test_effect_rows_omit_failed_trial() -> None:
    plant = Plant("crashed", "attention", "cold", {"fusion": "on", "reuse": "keep"}, block=1)
    records = make_records(workloads=["attention"], blocks=2, plants=[plant])
    assert taken(*behind(records, COLD, "main")).height == 2 * 16 - 4


def test_rows_at_levels_are_the_ok_trials_that_have_them() -> None:
    plant = Plant("crashed", "attention", "cold", {"fusion": "on", "reuse": "keep"}, block=1)
    finder = RowFinder(paper_rows(Findings(tidied(make_records(workloads=["attention"], blocks=2, plants=[plant])))))
    trials = finder.rows.trials
    fused = trials.filter((pl.col("knob_fusion") == "on") & (pl.col("role") == "measured") & (pl.col("status") == "ok"))
    (unit,) = finder.units.values()
    for mode, own in (("cold", fused.filter(pl.col("mode") == "cold")), (None, fused)):
        found = finder.at(unit, mode, {"fusion": "on"}, "run_ms_p50", "no_such_column")
        assert found.rows() == own.select("row", "run_ms_p50").rows()
    assert finder.at(unit, "hot", {"fusion": "sideways"}).is_empty()
    eager = trials.filter((pl.col("role") == "reference") & (pl.col("mode") == "hot"))
    assert finder.eager(unit, "hot")["row"].to_list() == eager["row"].to_list()


def test_effect_is_made_from_all_levels_and_total_from_its_ends() -> None:
    records = with_a_third_level(attention())
    assert taken(*behind(records, COLD, "main")).height == 2 * 24
    total = taken(*behind(records, COLD, "total"))
    assert total.height == 2 * 16
    assert set(total["knob_fusion"]) == {"off", "on"}
    assert taken(*behind(records, COLD, "shapley")).rows() == total.rows()


def test_split_block_adds_baseline_of_each_part() -> None:
    found, trials = behind(in_two_parts(attention()), COLD, "main")
    assert found.blocks == 4
    rows = taken(found, trials)
    assert rows.height == 2 * 17
    assert rows["is_baseline"].sum() == 4


def test_workload_size_has_its_own_rows() -> None:
    small = make_records(workloads=["attention"], blocks=2)
    other = [
        record.model_copy(
            update={
                **{name: f"{getattr(record, name)[:-1]}s" for name in ("record_id", "trial_id", "block_id")},
                "workload": record.workload.model_copy(update={"digest": "f" * 64, "parameters": {"width": 128}}),
            }
        )
        for record in small
    ]
    rows = taken(*behind([*small, *other], HOT, "main"))
    assert rows.height == 36
    assert rows["workload_digest"].n_unique() == 1


def test_effect_rows_omit_records_of_other_host() -> None:
    findings = Findings(tidied([*attention(), *attention_on("bench-2")]))
    evidence: list[Evidence] = gather(findings.found, Question(metrics=(COLD, HOT)), ["host"])
    finder = RowFinder(canonical_rows(findings.trials, ["host"]), ["host"])
    for one in evidence:
        for effect in (held for held in one.effects if held.kind == "main"):
            stage = [held for held in one.effects if held.origin == effect.origin]
            rows = taken(finder.of_effect(effect, stage), finder.rows.trials)
            assert set(rows["host"]) == set(effect.origin)
        for control in one.controls:
            (host,) = control.origin
            ranges = finder.of_control(finder.unit_of(control), one.mode, one.metric.name)
            assert count_rows(ranges) == {COLD: 4, HOT: 36}[one.metric.name]
            assert all(finder.rows.trials["host"][first] == host for first, _ in ranges)


def attention_on(host: str) -> list[Record]:
    return make_records(workloads=["attention"], blocks=2, host=host, seed=8)


def test_unit_without_ok_trial_in_mode_has_no_rows() -> None:
    records = make_records(workloads=["attention"], blocks=2, plants=[Plant("crashed", "attention", "hot", {})])
    found, _ = behind(records, HOT, "main")
    assert (found.rows, found.blocks) == ((), 0)


SHAPES: dict[str, Callable[[], list[Record]]] = {
    "three levels": lambda: with_a_third_level(make_records(blocks=3)),
    "split blocks": lambda: in_two_parts(make_records(blocks=3)),
    "split blocks of three levels": lambda: in_two_parts(with_a_third_level(make_records(blocks=3))),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_numbers_are_all_recomputed_from_their_rows(tmp_path: Path, shape: str) -> None:
    made = write_paper(tmp_path, SHAPES[shape](), claims=False)
    numbers = made.provenance["numbers"]
    assert {"effect", "total", "paired_ratio"} <= {one["statistic"] for one in numbers}
    assert recompute.check(recompute.read_records(made.results), made.directory) == []
