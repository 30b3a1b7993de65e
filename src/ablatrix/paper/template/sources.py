"""The sources of a table's rows: the columns that each has, known before any record is read."""

from collections.abc import Mapping

from ablatrix.analysis.effects import evidence_schema
from ablatrix.analysis.table import COLUMNS, MAPS
from ablatrix.paper.template.spec import Source
from ablatrix.records.metrics import HOT_METRIC

KNOBS, SIZES = "knobs", "sizes"
CONFIGURATION = "configuration"
"""Column of trials: the levels that are not the baseline's, as text."""
TRIALS = ("cells", "correctness")
"""Sources with one row per trial: they must be grouped, and each row has a status."""

_TRIAL: Mapping[str, bool] = {
    "run": True,
    "is_baseline": False,
    CONFIGURATION: False,
    HOT_METRIC: True,
    **{column.name: column.kind in ("whole", "real") for column in COLUMNS},
}
_EFFECT = dict.fromkeys(
    ("metric", "mode", "workload", "compiler", "stage", "change", "knob", "base_level", "level"), False
)
_SHARES = [f"{part}{end}" for part in ("alone", "share", "last") for end in ("", "_low", "_high")]

COLUMNS_OF: Mapping[Source, Mapping[str, bool]] = {
    "cells": _TRIAL,
    "correctness": {**_TRIAL, "wrong": True, "unchecked": True},
    "workloads": {
        **dict.fromkeys(("workload", "tier", "parameters", "inputs", "dynamic", "tasks", "compilers", "digest"), False),
        **dict.fromkeys(("parameter_count", "configurations", "blocks", "trials"), True),
    },
    "effects": {
        **{name: kind.is_numeric() for name, kind in evidence_schema().items()},
        **dict.fromkeys(("change", "verdict_text", "proof", "proof_text"), False),
    },
    "attribution": {
        **_EFFECT,
        **dict.fromkeys((*_SHARES, "of_total", "blocks", "blocks_left_out"), True),
        "not_attributable": False,
    },
}
"""Columns of each source, and whether they have numbers."""


def is_mapped(source: Source, column: str) -> bool:
    """Return whether the records may have such a column: ``knob_fusion``, ``parameter_width``."""
    return column.startswith(tuple(group.prefix for group in MAPS) if source in TRIALS else "parameter_")
