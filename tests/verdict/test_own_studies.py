"""Studies of own knobs: what the study says of its stages, of its primary knobs and of their order holds everywhere."""

import json
import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ablatrix.analysis.effects.grid import factorial_grids
from ablatrix.analysis.findings import Findings
from ablatrix.analysis.groups import primary_knobs
from ablatrix.analysis.groups.stage_plans import knob_order
from ablatrix.analysis.runs.primary_matrix import primary_matrices
from ablatrix.analysis.table.trials_table import Tidy, tidy
from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.paper.make import Paper, make_paper
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.verdict.reach import reach_verdict
from ablatrix.workloads.shipped import SHIPPED
from tests.made_study import Truth, write_results


def knob(name: str, *levels: str, kind: Any = "primary", affects: Any = "code") -> KnobEntry:
    held = tuple(LevelEntry(level, "A level.") for level in levels)
    return KnobEntry(name=name, kind=kind, summary="A knob.", levels=held, default=levels[0], affects=affects)


def run(directory: Path, knobs: list[KnobEntry], stages: list[dict[str, Any]], truth: Truth) -> Path:
    """Write the results of a study of own knobs that never ran, and return their file."""
    entry = CompilerEntry(name="mine", summary="Mine.", modules=(), extra="", adapter="a:B", knobs=tuple(knobs))
    compilers = Entries(COMPILER_FAMILY, {"eager": EAGER, "mine": entry}, {})
    catalogue = Catalogue(compilers, Entries(WORKLOAD_FAMILY, dict(SHIPPED), {}))
    study = {
        "name": "own",
        "workloads": ["attention", "mlp", "encoder"],
        "compilers": ["mine"],
        "modes": ["cold", "hot"],
        "stages": stages,
        "protocol": {"cold": {"replicates": 3}, "hot": {"blocks": 5}},
    }
    resolved = resolve_study(Study.model_validate(study), catalogue)
    return write_results(random.Random(1), resolved, directory, truth).results / "results.jsonl"


def read(results: Path) -> Tidy:
    return tidy([results])


def text_of(directory: Path, results: Path) -> tuple[Paper, str]:
    paper = make_paper(Findings(read(results)), None, directory / "paper")
    return paper, (directory / "paper" / "text" / "benefit.md").read_text(encoding="utf-8")


pytestmark = pytest.mark.usefixtures("no_images")
FLAGS = [knob(name, "off", "on") for name in ("zeta", "alpha", "mu", "beta", "omega", "eta")]


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six flags, one at a time: the first makes it slower, the last does nothing."""
    stages = [{"name": "flags", "around": {}, "vary": {one.name: ["on"] for one in FLAGS}}]
    acting = frozenset(one.name for one in FLAGS[:-1])
    truth = Truth({("zeta", "on"): 1.5}, acting, tells_memory=False, noise=0.001)
    return run(tmp_path_factory.mktemp("flags"), FLAGS, stages, truth)


def test_stage_of_one_further_level_is_around_as_study_says(tmp_path: Path) -> None:
    stages = [
        {"name": "first", "factorial": {"partition": ["whole", "regions"]}},
        {"name": "second", "around": {}, "vary": {"arena": ["off"]}},
    ]
    knobs = [knob("partition", "whole", "regions"), knob("arena", "on", "off", kind="secondary")]
    results = run(tmp_path, knobs, stages, Truth({}, frozenset({"partition", "arena"}), noise=0.001))
    grids = factorial_grids(read(results).trials, "run_ms_paired", "hot")
    kinds = {(one.stage, one.kind, one.comparison.knobs) for one in grids}
    assert kinds == {("first", "factorial", ("partition",)), ("second", "around", ("arena",))}
    paper, _ = text_of(tmp_path, results)
    assert paper.not_applicable == (
        4,
        10,
        11,
        12,
        13,
    )  # every trial compiles one task: there is nothing to hold its time against
    assert "figure 4: every cold trial compiles the same number of tasks" in " ".join(paper.left_out)


def test_no_ops_that_end_at_one_level_have_numbers_of_their_own(tmp_path: Path) -> None:
    stages = [
        {"name": "first", "factorial": {"fusion": ["off", "on"]}},
        {"name": "levels", "around": {}, "vary": {"graph_level": ["basic", "extended", "all"]}},
    ]
    knobs = [knob("fusion", "off", "on"), knob("graph_level", "basic", "extended", "all", kind="secondary")]
    results = run(tmp_path, knobs, stages, Truth({}, frozenset({"fusion"}), noise=0.001))
    text_of(tmp_path, results)
    numbers = json.loads((tmp_path / "paper" / "provenance.json").read_text(encoding="utf-8"))["numbers"]
    keys = [one["key"] for one in numbers]
    assert len(keys) == len(set(keys))
    proven = [key for key in keys if key.startswith("no_op/attention/") and "/graph_level" in key]
    assert [key.partition("/mine/")[2] for key in proven] == [
        "graph_level=all/pairs",
        "graph_level=extended/from=all/pairs",
        "graph_level=extended/pairs",
    ]


def test_primary_knobs_are_those_of_catalogue_that_study_names(tmp_path: Path) -> None:
    """One is called as a knob of the shipped compilers; secondary ones sort before primary ones."""
    stages = [
        {"name": "first", "factorial": {"tile": ["1", "8"], "fusion": ["off", "on"]}},
        {"name": "more", "around": {}, "vary": {"alpha": ["b"], "build": ["two"]}},
    ]
    knobs = [
        knob("alpha", "a", "b", kind="secondary"),
        knob("build", "one", "two", kind="secondary"),
        knob("fusion", "off", "on"),
        knob("never", "x", "y"),
        knob("tile", "1", "8"),
    ]
    truth = Truth({("tile", "8"): 0.5}, frozenset(one.name for one in knobs), noise=0.001)
    found = read(run(tmp_path, knobs, stages, truth))
    assert primary_knobs(found.trials) == {"mine": ("tile", "fusion")}
    assert knob_order(found.trials)[:4] == ("tile", "fusion", "alpha", "build")
    assert [(one.whole, one.configurations, one.gaps) for one in primary_matrices(found.trials)] == [(4, 4, ())] * 6
    text_of(tmp_path, tmp_path / "results" / "results.jsonl")
    figure = pl.read_csv(tmp_path / "paper" / "figures" / "fig5.csv")
    assert figure["knob"].unique(maintain_order=True).to_list() == ["tile", "fusion"]


@pytest.mark.parametrize(("affects", "verdict"), [("code", "no_op"), ("both", "unproven"), ("run_time", "unproven")])
def test_no_op_is_not_proven_by_code_of_knob_that_acts_at_run_time(tmp_path: Path, affects: str, verdict: str) -> None:
    stages = [{"name": "first", "factorial": {"kernels": ["old", "new"], "fusion": ["off", "on"]}}]
    truth = Truth({("kernels", "new"): 0.33}, frozenset({"fusion"}), noise=0.001)
    knobs = [knob("kernels", "old", "new", affects=affects), knob("fusion", "off", "on")]
    results = run(tmp_path, knobs, stages, truth)
    assert {one.verdict for one in Findings(read(results)).proofs if one.knob == "kernels"} == {verdict}
    _, text = text_of(tmp_path, results)
    assert ("the compiled program is the same at every level of `kernels`" in text) == (verdict == "no_op")
    assert ("attributes the largest reduction to `kernels`" in text) == (verdict != "no_op")


def test_two_compilers_of_other_knobs_are_compared(tmp_path: Path) -> None:
    mine, other = (
        CompilerEntry(name=name, summary="A.", modules=(), extra="", adapter="a:B", knobs=(knob(own, "off", "on"),))
        for name, own in (("mine", "tile"), ("other", "fuse"))
    )
    held = {"eager": EAGER, "mine": mine, "other": other}
    catalogue = Catalogue(Entries(COMPILER_FAMILY, held, {}), Entries(WORKLOAD_FAMILY, dict(SHIPPED), {}))
    study = {
        "name": "two",
        "workloads": ["attention"],
        "compilers": ["mine", "other"],
        "modes": ["hot"],
        "stages": [
            {"name": "tiles", "compilers": ["mine"], "factorial": {"tile": ["off", "on"]}},
            {"name": "fused", "compilers": ["other"], "factorial": {"fuse": ["off", "on"]}},
        ],
        "protocol": {"hot": {"blocks": 3, "max_blocks": 3}},
    }
    truth = Truth({("tile", "on"): 0.5, ("fuse", "on"): 0.25}, frozenset({"tile", "fuse"}), noise=0.001)
    made = write_results(random.Random(1), resolve_study(Study.model_validate(study), catalogue), tmp_path, truth)
    _, text = text_of(tmp_path, made.results / "results.jsonl")
    compared = text[text.index("Over eager PyTorch, the fastest configuration of each compiler") :]
    assert re.search(r"of [\d.]+\xd7 \(CI [^)]*\) with other and [\d.]+\xd7 \(CI [^)]*\) with mine", compared)


def test_one_at_a_time_study_has_figures_in_its_order_and_no_empty_one(tmp_path: Path, flags: Path) -> None:
    paper, text = text_of(tmp_path, flags)
    names = [one.name for one in FLAGS]
    for number in (5, 6):
        figure = pl.read_csv(tmp_path / "paper" / "figures" / f"fig{number}.csv")
        assert figure["knob"].unique(maintain_order=True).to_list() == names
    assert paper.not_applicable == (4, 7, 9, 10, 11, 12, 13)
    for number in (7, 9):
        assert f"figure {number}: no successful trial reports the memory that it shows" in paper.left_out
    assert text.count("single-knob changes to the baseline") == 1
    assert re.search(r"only `zeta` has a significant effect: it increases the run time by (49|50)", text)


def test_one_at_a_time_study_can_be_done(flags: Path) -> None:
    found = reach_verdict([flags])
    assert all(one.whole == one.configurations == 7 for one in found.matrices)
    paper = next(one for one in found.criteria if one.letter == "b")
    assert (paper.state, paper.findings) == ("holds", ())
    assert not [one for one in found.notes if "\\" in one]
