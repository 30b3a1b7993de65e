"""Causes on grids whose answer is known: partition, reuse, memory_plan and fusion, two levels each, 16 cells."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from ablatrix.analysis.diagnosis.causes import SLOWER, Causes, find_causes
from ablatrix.analysis.diagnosis.configurations import Setting, Settings, described
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.records.part import Level
from ablatrix.study.load import load_study
from tests.synthetic import BASELINE, PRIMARY, Plant, make_records, write_records

Made = Callable[..., pl.DataFrame]
Knobs = dict[str, Level]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(plants: Sequence[Plant] = (), **arguments: object) -> pl.DataFrame:
        records = make_records(workloads=["encoder"], plants=plants, **arguments)  # type: ignore[arg-type]
        return tidy([write_records(tmp_path / "results.jsonl", records)]).trials

    return make


def of(text: str) -> Settings:
    return tuple(Setting(*word.split("=")) for word in text.split())


def only(found: Sequence[Causes], trouble: str) -> Causes:
    (one,) = [blame for blame in found if blame.trouble == trouble]
    return one


def sets(blame: Causes) -> list[list[str]]:
    return [[described(one) for one in cause.sets] for cause in blame.causes]


def levels(**chosen: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(f"knob_{knob}") == level for knob, level in chosen.items())


def test_causes_of_wrong_output_from_one_level_name_it(made: Made) -> None:
    """fusion=on is wrong in each of its 8 cells, the 8 others are fine: the level itself, nothing smaller."""
    blame = only(
        find_causes(made([Plant("wrong_output", "encoder", "cold", {"fusion": "on"})], modes=["cold"])), "wrong_output"
    )
    assert (blame.workload, blame.compiler, blame.mode) == ("encoder", "tvm", "cold")
    assert blame.states == {"bad": 8, "fine": 8}
    assert sets(blame) == [["fusion=on"]]
    assert blame.causes[0].support == (8,)
    assert (blame.settled, blame.next_study, blame.flaky) == (True, None, ())


def test_causes_of_wrong_output_from_pair_name_both_levels(made: Made) -> None:
    """Wrong with fusion=on and reuse=release together: 4 cells. fusion=on alone is fine in the 4 cells with
    reuse=keep, reuse=release alone in the 4 with fusion=off, so neither level can be left out.
    """
    plants = [Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"})]
    blame = only(find_causes(made(plants, modes=["cold"])), "wrong_output")
    assert blame.states == {"bad": 4, "fine": 12}
    assert sets(blame) == [["reuse=release, fusion=on"]]
    examples = {described(example.settings): example.fine for example in blame.causes[0].counter_examples}
    assert {held: len(fine) for held, fine in examples.items()} == {"fusion=on": 4, "reuse=release": 4}
    assert all(set(of("fusion=on reuse=keep")) <= set(row) for row in examples["fusion=on"])
    assert blame.settled


def test_causes_of_one_failed_corner_are_found(made: Made) -> None:
    """All four knobs on crashes. Each of its four neighbours is fine, so all four levels are needed."""
    on = {knob: chosen[1] for knob, chosen in PRIMARY.items()}
    blame = only(find_causes(made([Plant("crashed", "encoder", "hot", on)])), "crashed")
    corner = of("partition=regions reuse=release memory_plan=on fusion=on")
    assert (blame.mode, blame.bad, sets(blame)) == ("hot", (corner,), [[described(corner)]])
    assert [len(example.fine) for example in blame.causes[0].counter_examples] == [1, 1, 1, 1]
    assert blame.settled


def test_causes_when_two_explain_one_problem_are_both_named(made: Made) -> None:
    """Wrong with fusion=on (8 cells), and with reuse=release and memory_plan=on (4 cells, 2 of them fused): 10."""
    plants = [
        Plant("wrong_output", "encoder", "cold", {"fusion": "on"}),
        Plant("wrong_output", "encoder", "cold", {"reuse": "release", "memory_plan": "on"}),
    ]
    blame = only(find_causes(made(plants, modes=["cold"])), "wrong_output")
    assert sets(blame) == [["fusion=on", "reuse=release, memory_plan=on"]]
    assert blame.causes[0].support == (8, 4)
    assert blame.states == {"bad": 10, "fine": 6}


def same_program(knobs: Knobs) -> Knobs:
    return dict(BASELINE)


def test_causes_of_slowdown_from_one_level_name_it(made: Made) -> None:
    """All cells are the same program, but those with memory_plan=on take 1.3 times as long: 8 cells."""
    trials = made(modes=["hot"], blocks=5, noise=0.001, seed=3, built_as=same_program)
    slow = pl.when(levels(memory_plan="on")).then(1.3).otherwise(1.0)
    blame = only(find_causes(trials.with_columns(pl.col("run_ms_paired") * slow)), SLOWER)
    assert (blame.mode, blame.states) == ("hot", {"bad": 8, "fine": 8})
    assert sets(blame) == [["memory_plan=on"]]
    assert blame.settled


def test_causes_of_compensated_level_include_absence_of_faster_one(made: Made) -> None:
    """Hot factors: regions 1.05, release 0.99, planned 0.90, fused 0.60. Slower than 1: 1.05 and 1.05 x 0.99 only."""
    blame = only(find_causes(made(modes=["hot"], blocks=5, noise=0.002)), SLOWER)
    assert blame.states == {"bad": 2, "fine": 14}
    assert sets(blame) == [["partition=regions, memory_plan=off, fusion=off"]]


def test_causes_with_wide_interval_give_no_verdict(made: Made) -> None:
    trials = made(modes=["hot"], blocks=4, noise=0.05, built_as=same_program)
    slow = pl.when(levels(memory_plan="on")).then(5.0).otherwise(1.0)
    blame = only(find_causes(trials.with_columns(pl.col("run_ms_paired") * slow)), SLOWER)
    assert blame.states["undecided"] > 0
    assert blame.states["fine"] < 8
    one_block = trials.filter(pl.col("block_id") == pl.col("block_id").first())
    assert find_causes(one_block.with_columns(pl.col("run_ms_paired") * slow)) == []


def test_causes_with_flaky_configuration_name_it_and_ignore_it(made: Made) -> None:
    plants = [
        Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "release"}),
        Plant("wrong_output", "encoder", "cold", {"fusion": "on", "reuse": "keep", "partition": "whole"}, block=1),
    ]
    blame = only(find_causes(made(plants, modes=["cold"], blocks=3)), "wrong_output")
    assert blame.states == {"bad": 4, "flaky": 2, "fine": 10}
    assert sets(blame) == [["reuse=release, fusion=on"]]
    assert [(one.bad, one.ok) for one in blame.flaky] == [(1, 2), (1, 2)]
    assert blame.causes[0].flaky == 0


def test_causes_when_all_are_flaky_explain_flaky_ones(made: Made) -> None:
    blame = only(find_causes(made([Plant("timeout", "encoder", "cold", {"fusion": "on"}, block=1)])), "timeout")
    assert blame.states == {"flaky": 8, "fine": 8}
    assert sets(blame) == [["fusion=on"]]
    assert blame.causes[0].flaky == 8


def test_causes_ignore_other_failures_and_unsupported_cells(made: Made) -> None:
    """Fused cells crash, so whether they would be wrong is unknown: released cells are wrong, kept ones fine."""
    plants = [
        Plant("wrong_output", "encoder", "cold", {"reuse": "release"}),
        Plant("crashed", "encoder", "cold", {"fusion": "on", "partition": "whole"}),
        Plant("unsupported", "encoder", "cold", {"fusion": "on", "partition": "regions"}),
    ]
    found = find_causes(made(plants, modes=["cold"]))
    wrong = only(found, "wrong_output")
    assert wrong.states == {"bad": 4, "fine": 4, "unsupported": 4, "failed otherwise": 4}
    assert sets(wrong) == [["reuse=release"]]
    # All wrong cells have fusion=off, and no cell with fusion=on could tell: open, and nothing there is to run.
    assert not wrong.settled
    assert wrong.next_study is not None
    assert (wrong.next_study.stages, wrong.next_study.left) == (None, 2)
    # What is wrong came as far as the check, so it did not crash.
    assert only(found, "crashed").states == {"bad": 4, "fine": 8, "unsupported": 4}


def test_causes_when_open_name_configurations_that_settle_them(made: Made, tmp_path: Path) -> None:
    """Only cells in which reuse and fusion were moved together were run: either explains the wrong rows.

    A wrong cell with one of the two put back tells: fusion=on with reuse=keep is wrong if fusion is the cause.
    """
    trials = made([Plant("wrong_output", "encoder", "cold", {"fusion": "on"})], modes=["cold"])
    together = levels(reuse="keep", fusion="off") | levels(reuse="release", fusion="on")
    blame = only(find_causes(trials.filter(together)), "wrong_output")
    assert blame.states == {"bad": 4, "fine": 4, "not run": 8}
    assert sorted(sets(blame)) == [["fusion=on"], ["reuse=release"]]
    assert not blame.settled
    following = blame.next_study
    assert following is not None
    assert following.stages is not None
    assert following.left == 0

    study = tmp_path / "next.yaml"
    factorial = "".join(f"      {knob}: [{', '.join(chosen)}]\n" for knob, chosen in PRIMARY.items())
    study.write_text(
        "name: next\nworkloads: [encoder]\ncompilers: [tvm]\nmodes: [cold]\nstages:\n"
        f"  - name: primary\n    factorial:\n{factorial}"
        + "".join(f"  {line}\n" for line in following.stages.splitlines())
    )
    stages = load_study(study).study.stages[1:]
    asked = pl.any_horizontal(
        pl.all_horizontal(pl.col(f"knob_{knob}").is_in(chosen) for knob, chosen in (stage.factorial or {}).items())
        for stage in stages
    )
    assert trials.filter(asked)["cell_id"].n_unique() == len(following.configurations) < 4
    settled = only(find_causes(trials.filter(together | asked)), "wrong_output")
    assert sets(settled) == [["fusion=on"]]
    assert settled.settled


def test_causes_without_problem_are_empty(made: Made) -> None:
    assert find_causes(made(modes=["cold"])) == []
    assert find_causes(made(modes=["hot"], blocks=5, noise=0.0, built_as=same_program)) == []


def test_causes_ignore_interrupted_trials(made: Made) -> None:
    plants = [
        Plant("not_run_budget", "encoder", "cold", {"fusion": "on"}),
        Plant("wrong_output", "encoder", "cold", {"reuse": "release", "fusion": "off"}),
    ]
    (blame,) = find_causes(made(plants, modes=["cold"]))
    assert blame.states == {"bad": 4, "fine": 4, "not run": 8}
    assert blame.next_study is not None
    assert blame.next_study.stages is not None


def with_knob(trials: pl.DataFrame, fine_without: str) -> pl.DataFrame:
    """Trials at the baseline as those of a knob that leaves out one optimiser: wrong but for one level."""
    base = trials.filter((pl.col("role") == "measured") & pl.col("is_baseline")).head(1)
    rows = [
        base.with_columns(
            pl.lit(name).alias("knob_without"),
            pl.lit("none").alias("baseline_without"),
            pl.lit(f"cell-{name}").alias("cell_id"),
            pl.lit(name == "none").alias("is_baseline"),
            pl.lit("ok" if name == fine_without else "wrong_output").alias("status"),
        )
        for name in ("none", "BiasGeluFusion", "MatMulAddFusion", "MatMulScaleFusion", "SkipLayerNormFusion")
    ]
    return pl.concat(rows)


def test_causes_of_pass_left_out_name_it_alone(made: Made) -> None:
    blame = only(find_causes(with_knob(made(modes=["cold"]), "MatMulAddFusion")), "wrong_output")
    assert sets(blame) == [["without!=MatMulAddFusion"]]
    assert blame.settled


def test_causes_beyond_what_study_switches_are_elsewhere(made: Made) -> None:
    """The guilty optimiser is none of those that were left out: none of these is accused."""
    blame = only(find_causes(with_knob(made(modes=["cold"]), "")), "wrong_output")
    assert [cause.is_elsewhere for cause in blame.causes] == [True]
    assert (blame.settled, blame.cleared) == (True, ("without",))
