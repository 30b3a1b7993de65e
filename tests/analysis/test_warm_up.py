"""Unsteady trials are counted, and told wherever their times are shown."""

import polars as pl

from ablatrix.analysis.findings import Findings
from ablatrix.analysis.table.trials_table import Tidy
from ablatrix.analysis.table.warm_up import CLASS, unsteady_trials
from ablatrix.paper.english import ENGLISH
from ablatrix.paper.estimates import Estimates
from ablatrix.paper.ledger import Ledger
from ablatrix.paper.rows import paper_rows
from ablatrix.paper.sentences.fairness import warm_up_classes
from ablatrix.paper.sentences.sentence import Sentence, Sources
from ablatrix.paper.tables.build import build_table
from ablatrix.paper.template.load import load_template
from ablatrix.paper.template.spec import TableSpec
from ablatrix.paper.text import print_sentence
from tests.synthetic import make_records, tidied


def found(unsteady_block: int) -> Tidy:
    tidy = tidied(make_records(blocks=2))
    unsteady = (pl.col("block") == unsteady_block) & (pl.col("workload") == "encoder") & pl.col(CLASS).is_not_null()
    changed = pl.when(unsteady).then(pl.lit("unsteady")).otherwise(pl.col(CLASS)).alias(CLASS)
    return Tidy(tidy.trials.with_columns(changed), tidy.excluded, tidy.notes)


def test_unsteady_trials_are_counted_by_workload_where_present() -> None:
    assert unsteady_trials(found(0)) == [("encoder", 18, 36)]
    assert unsteady_trials(found(-1)) == []


def test_table_of_configurations_row_counts_its_unsteady_trials() -> None:
    spec = next(table for table in load_template(None).tables if table.number == 8)
    assert isinstance(spec, TableSpec)
    rows = build_table(Findings(found(0)), spec).rows
    assert {row[-1] for row in rows if row[0] == "encoder"} == {"4/4 (1 unsteady)"}
    assert {row[-1] for row in rows if row[0] == "attention"} == {"4/4"}


def fairness_of(tidy: Tidy) -> str:
    findings = Findings(tidy)
    ledger = Ledger(paper_rows(findings))
    sources = Sources(findings, ledger, Estimates(findings, ledger))
    (sentence,) = warm_up_classes(sources)
    assert isinstance(sentence, Sentence)
    return print_sentence(sentence, ENGLISH).text


def test_fairness_paragraph_names_each_warm_up_class_with_count() -> None:
    assert "48 as faster after a start-up phase" in fairness_of(found(0))
    assert "16 as still unsteady at the end of the warm-up" in fairness_of(found(0))
    assert "unsettled" not in fairness_of(found(-1))
