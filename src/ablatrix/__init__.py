"""ablatrix: fair, checked, reproducible ablation studies of machine-learning compilers.

Words: a *workload* is a model with its inputs; a *knob* is a switch of a compiler, with *levels*; a *configuration*
is one level for every knob; a *cell* is workload x compiler x configuration; the *baseline* is the configuration
that a study compares with, the *reference* the same program run by eager PyTorch; a *trial* is one cell in one mode
(*cold*: compile cost, *hot*: steady state) in one process of its own, and a *record* is the line that it leaves.

    study = ablatrix.load_study("studies/tiny.yaml")
    summary = ablatrix.run(study, out="results/tiny")
    records = ablatrix.read_records(summary.results)

Importing this package imports no framework: the names below are loaded when they are first used. What it does is
logged to the logger ``ablatrix``, which is silent until the application gives it a handler.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ablatrix.version import __version__

if TYPE_CHECKING:
    from ablatrix.catalogue import Catalogue
    from ablatrix.errors import AblatrixError
    from ablatrix.plugins import read_catalogue
    from ablatrix.records.journal import read_records
    from ablatrix.records.model import Record
    from ablatrix.study.design import Design, make_design
    from ablatrix.study.load import load_study
    from ablatrix.study.model import Study
    from ablatrix.study.resolve import ResolvedStudy, resolve_study
    from ablatrix.trials.runner import RunSummary, run

__all__ = [
    "AblatrixError",
    "Catalogue",
    "Design",
    "Record",
    "ResolvedStudy",
    "RunSummary",
    "Study",
    "__version__",
    "load_study",
    "make_design",
    "read_catalogue",
    "read_records",
    "resolve_study",
    "run",
]

_HOMES = {
    "AblatrixError": "ablatrix.errors",
    "Catalogue": "ablatrix.catalogue",
    "Design": "ablatrix.study.design",
    "Record": "ablatrix.records.model",
    "ResolvedStudy": "ablatrix.study.resolve",
    "RunSummary": "ablatrix.trials.runner",
    "Study": "ablatrix.study.model",
    "load_study": "ablatrix.study.load",
    "make_design": "ablatrix.study.design",
    "read_catalogue": "ablatrix.plugins",
    "read_records": "ablatrix.records.journal",
    "resolve_study": "ablatrix.study.resolve",
    "run": "ablatrix.trials.runner",
}


logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ablatrix' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
