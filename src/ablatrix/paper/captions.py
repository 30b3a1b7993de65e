"""Captions that say only what a study has: a sentence on failed trials, say, stands where a trial failed."""

from collections.abc import Callable, Mapping

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table import IS_FAILURE
from ablatrix.paper.template.spec import Template
from ablatrix.paper.template.words import Condition, Words, joined


def _is_any(findings: Findings, condition: pl.Expr) -> bool:
    return bool(findings.trials.select(condition.any()).item())


CONDITIONS: Mapping[Condition, Callable[[Findings], bool]] = {
    "failed": lambda findings: _is_any(findings, IS_FAILURE),
    "no_op": lambda findings: any(one.is_no_op for evidence in findings.evidence for one in evidence.effects),
    "one_at_a_time": lambda findings: any(
        one.kind == "around" for evidence in findings.evidence for one in evidence.effects
    ),
    "one_block": lambda findings: any(
        one.ratio is not None and one.ratio.count == 1 for evidence in findings.evidence for one in evidence.effects
    ),
    "single_precision": lambda findings: _is_any(findings, pl.col("workload_oracle") == "float32"),
    "warm_cache": lambda findings: findings.trials["cache_tag"].drop_nulls().len() > 0,
}
"""What each condition of a template asks of the records."""


def fit_captions(template: Template, findings: Findings) -> Template:
    """Return a template in which each caption has the sentences whose condition holds, and no more conditions."""
    named = {name for one in (*template.tables, *template.figures) for name in one.caption_if}
    holds = {name: CONDITIONS[name](findings) for name in named}

    def fitted(caption: Words, sentences: Mapping[Condition, Words]) -> dict[str, object]:
        return {"caption": joined(caption, *(one for name, one in sentences.items() if holds[name])), "caption_if": {}}

    return template.model_copy(
        update={
            "tables": [one.model_copy(update=fitted(one.caption, one.caption_if)) for one in template.tables],
            "figures": [one.model_copy(update=fitted(one.caption, one.caption_if)) for one in template.figures],
        }
    )
