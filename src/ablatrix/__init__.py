"""ablatrix: fair, checked, reproducible ablation studies of machine-learning compilers.

Words: a *workload* is a model with its inputs; a *knob* is a switch of a compiler, with *levels*; a *configuration*
is one level for every knob; a *cell* is workload x compiler x configuration; the *baseline* is the configuration
that a study compares with, the *reference* the same program run by eager PyTorch; a *trial* is one cell in one mode
(*cold*: compile cost, *hot*: steady state) in one process of its own, and a *record* is the line that it leaves.

From a study to a paper::

    study = ablatrix.load_study("studies/tiny.yaml")
    summary = ablatrix.run(study, out="results/tiny")
    table = ablatrix.read_table([summary.results])
    for evidence in ablatrix.find_effects(table, ablatrix.Question()):
        print(evidence.metric.name, evidence.effects)
    ablatrix.make_paper(ablatrix.Findings(table), template=None, out="results/tiny/paper")

From results to a table and a figure, in a notebook::

    results = ablatrix.load("results/tiny")
    results.effects(metric="run_ms_paired")
    results.figure("main_effects")

Importing this package imports no framework: the names below are loaded when they are first used. What it does is
logged to the logger ``ablatrix``, which is silent until the application gives it a handler.
"""

import logging
from typing import TYPE_CHECKING

from ablatrix.exports import lazy_names
from ablatrix.version import __version__

if TYPE_CHECKING:
    from ablatrix.analysis.builds import compare_builds
    from ablatrix.analysis.claims import check_claims, load_claims
    from ablatrix.analysis.diagnosis import find_break_even, find_fronts, prove_knobs
    from ablatrix.analysis.diagnosis import find_causes as diagnose
    from ablatrix.analysis.effects import Question
    from ablatrix.analysis.effects import gather as find_effects
    from ablatrix.analysis.findings import Findings
    from ablatrix.analysis.reasons import text_of
    from ablatrix.analysis.runs import compare as compare_results
    from ablatrix.analysis.table import tidy as read_table
    from ablatrix.artifact.bundle import verify as verify_artifact
    from ablatrix.catalogue import Catalogue
    from ablatrix.errors import AblatrixError
    from ablatrix.notebook.progress import progress_bar
    from ablatrix.notebook.results import Results, load
    from ablatrix.page.write import write_page as make_page
    from ablatrix.paper.make import make_paper
    from ablatrix.plotting.tabulate import tabulate
    from ablatrix.plugin_files import read_catalogue
    from ablatrix.records.journal import read_records
    from ablatrix.records.model import Record
    from ablatrix.study.design import Design, make_design
    from ablatrix.study.load import load_study
    from ablatrix.study.model import Study
    from ablatrix.study.resolve import ResolvedStudy, resolve_study
    from ablatrix.study.without_file import make_study, study_text
    from ablatrix.trials.run import RunSummary, run
    from ablatrix.verdict import reach_verdict

__all__ = [
    "AblatrixError",
    "Catalogue",
    "Design",
    "Findings",
    "Question",
    "Record",
    "ResolvedStudy",
    "Results",
    "RunSummary",
    "Study",
    "__version__",
    "check_claims",
    "compare_builds",
    "compare_results",
    "diagnose",
    "find_break_even",
    "find_effects",
    "find_fronts",
    "load",
    "load_claims",
    "load_study",
    "make_design",
    "make_page",
    "make_paper",
    "make_study",
    "progress_bar",
    "prove_knobs",
    "reach_verdict",
    "read_catalogue",
    "read_records",
    "read_table",
    "resolve_study",
    "run",
    "study_text",
    "tabulate",
    "text_of",
    "verify_artifact",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    __all__,
    {
        "ablatrix.analysis.builds.comparison": ["compare_builds"],
        "ablatrix.analysis.diagnosis.break_even": ["find_break_even"],
        "ablatrix.analysis.claims.check": ["check_claims", "load_claims"],
        "ablatrix.analysis.effects.evidence": ["Question"],
        "ablatrix.analysis.findings": ["Findings"],
        "ablatrix.analysis.diagnosis.knob_proof": ["prove_knobs"],
        "ablatrix.analysis.diagnosis.pareto": ["find_fronts"],
        "ablatrix.plotting.tabulate": ["tabulate"],
        "ablatrix.analysis.reasons.wording": ["text_of"],
        "ablatrix.verdict": ["reach_verdict"],
        "ablatrix.errors": ["AblatrixError"],
        "ablatrix.notebook.progress": ["progress_bar"],
        "ablatrix.notebook.results": ["Results", "load"],
        "ablatrix.paper.make": ["make_paper"],
        "ablatrix.records.journal": ["read_records"],
        "ablatrix.records.model": ["Record"],
        "ablatrix.study.design": ["Design", "make_design"],
        "ablatrix.catalogue": ["Catalogue"],
        "ablatrix.plugin_files": ["read_catalogue"],
        "ablatrix.study.resolve": ["ResolvedStudy", "resolve_study"],
        "ablatrix.study.load": ["load_study"],
        "ablatrix.study.model": ["Study"],
        "ablatrix.study.without_file": ["make_study", "study_text"],
        "ablatrix.trials.run.runner": ["RunSummary", "run"],
    },
    renamed={
        "compare_results": "ablatrix.analysis.runs.side_by_side:compare",
        "diagnose": "ablatrix.analysis.diagnosis.causes:find_causes",
        "find_effects": "ablatrix.analysis.effects.evidence:gather",
        "make_page": "ablatrix.page.write:write_page",
        "read_table": "ablatrix.analysis.table.trials_table:tidy",
        "verify_artifact": "ablatrix.artifact.bundle.verify:verify",
    },
)

logging.getLogger(__name__).addHandler(logging.NullHandler())
