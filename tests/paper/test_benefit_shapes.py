"""The paragraph on the benefit has six to ten sentences, whatever the number of knobs, workloads and compilers."""

import functools
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import tidy
from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.paper.make import make_paper
from ablatrix.study.model import Study
from ablatrix.study.resolve import resolve_study
from ablatrix.workloads.shipped import SHIPPED
from tests.made_study import Truth, write_results
from tests.paper import recompute
from tests.paper.written import Paper

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu")
FACTORS = (0.8, 0.9, 0.97, 1.04, 1.0, 0.99, 1.0, 0.95, 1.1, 1.0, 0.98, 1.0)
COMPILERS = ("mine", "other", "third", "fourth", "fifth", "sixth")


def knob(name: str) -> KnobEntry:
    levels = tuple(LevelEntry(level, "A level.") for level in ("off", "on"))
    return KnobEntry(name=name, kind="primary", summary="A knob.", levels=levels, default="off", affects="code")


def written(directory: Path, compilers: int, knobs: int, workloads: int, language: str = "en") -> Paper:
    """Write the text of a made-up study: a factorial of up to four knobs, and else one knob at a time."""
    held = tuple(knob(name) for name in NAMES[:knobs])
    entries = {
        name: CompilerEntry(name=name, summary="Mine.", modules=(), extra="", adapter="a:B", knobs=held)
        for name in COMPILERS[:compilers]
    }
    nets = {f"net{number}": replace(SHIPPED["mlp"], name=f"net{number}") for number in range(workloads)}
    catalogue = Catalogue(Entries(COMPILER_FAMILY, {"eager": EAGER, **entries}, {}), Entries(WORKLOAD_FAMILY, nets, {}))
    levels = {one.name: ["off", "on"] for one in held}
    stage = {"factorial": levels} if knobs <= 4 else {"around": {}, "vary": {name: ["on"] for name in levels}}
    study = {
        "name": "shape",
        "workloads": list(nets),
        "compilers": list(entries),
        "modes": ["cold", "hot"],
        "stages": [{"name": "knobs", **stage}],
        "protocol": {"cold": {"replicates": 2}, "hot": {"blocks": 3, "max_blocks": 3}},
    }
    factors: dict[tuple[str, str | int | float], float] = {
        (name, "on"): factor for name, factor in zip(NAMES, FACTORS, strict=True)
    }
    truth = Truth(factors, frozenset(NAMES), noise=0.002)
    resolved = resolve_study(Study.model_validate(study), catalogue)
    results = write_results(random.Random(1), resolved, directory, truth).results / "results.jsonl"
    template = directory / "template.yaml"
    template.write_text("version: 1\ntext: [setup, fairness, benefit, correctness]\n", encoding="utf-8")
    make_paper(Findings(tidy([results])), template, directory / "paper", language=language)
    return Paper((results,), directory / "paper")


@pytest.fixture(scope="module")
def paper_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int, int], Paper]:
    """Papers by compilers, knobs and workloads, each written once."""
    return functools.cache(lambda *shape: written(tmp_path_factory.mktemp("shape"), *shape))


SHAPES = [
    (1, 1, 1), (1, 1, 4), (1, 4, 1), (1, 12, 4), (6, 2, 1),
    *(pytest.param(*shape, marks=pytest.mark.slow) for shape in ((1, 4, 25), (6, 12, 1))),
    *(pytest.param(*shape, marks=pytest.mark.long) for shape in ((6, 4, 1), (6, 2, 4))),
]  # fmt: skip


@pytest.mark.parametrize(("compilers", "knobs", "workloads"), SHAPES)
def test_benefit_has_six_to_ten_sentences(
    paper_of: Callable[[int, int, int], Paper], compilers: int, knobs: int, workloads: int
) -> None:
    paper = paper_of(compilers, knobs, workloads)
    benefit = [text for name, text in paper.sentences.items() if name.startswith("benefit: ")]
    assert 6 <= len(benefit) <= 10, "\n".join(benefit)
    assert sum(len(re.findall(r"\.(?= [A-Z]|$)", text)) for text in benefit) <= 10, "\n".join(benefit)
    assert max(map(len, benefit)) < 500
    assert recompute.check(recompute.read_records(paper.results), paper.directory) == []


def test_compilers_beside_each_other_have_intervals_each(tmp_path: Path) -> None:
    said = written(tmp_path, 2, 2, 1).sentences
    assert re.fullmatch(
        r"On net0, the full configuration \(alpha and beta\) reduces the run time by [\d.]+% with \w+ \(95% CI "
        r"[^)]*\) and by [\d.]+% with \w+ \(CI [^)]*\)\.",
        said["benefit: whole"],
    )
    assert said["benefit: against_eager"].startswith(
        "Over eager PyTorch, the fastest configuration of each compiler achieves speedups of "
    )
    assert re.search(r"reductions to alpha \([\d.]+% with \w+, CI [^;]*; [\d.]+% with", said["benefit: shares"])
    assert said["setup: software"].startswith("We evaluate mine and other")
    assert "2 compilers" in said["fairness: control/run_ms_paired"]
    assert said["setup: knobs"].startswith("We vary 2 knobs in a full factorial design: alpha and beta (each")


@pytest.mark.slow
def test_benefit_of_many_workloads_names_only_those_at_both_ends(
    paper_of: Callable[[int, int, int], Paper],
) -> None:
    benefit = (paper_of(1, 4, 25).directory / "text" / "benefit.md").read_text(encoding="utf-8")
    assert len(benefit) < 2500
    assert sum(f"net{number} " in benefit for number in range(25)) <= 12
