"""The page's table of a token's time over its context, and its columns of tokens."""

from ablatrix.analysis.effects import context_lines
from ablatrix.analysis.findings import Findings
from ablatrix.page import cells
from ablatrix.page.tokens import context_table
from ablatrix.provenance.rows import canonical_rows
from tests.synthetic import make_records, tidied
from tests.with_tokens import over_contexts


def test_context_table_has_a_row_a_line_with_its_records() -> None:
    found = Findings(tidied(over_contexts([64, 256, 1024])))
    rows = canonical_rows(found.trials, ["tokens_context"])
    table = context_table(found.context_lines, rows.trials)
    assert table is not None
    assert [heading.text for heading in table.headings][:3] == ["workload", "compiler", "a token of context (µs)"]
    assert table.caption.endswith("All rows: phase decode, batch 4, contexts 64, 256, 1,024")
    assert [row.cells[1].text for row in table.rows] == ["eager", "tvm"]
    assert [row.cells[-1].text for row in table.rows] == ["1.0000", "1.0000"]
    trials = found.trials.filter(mode="hot", status="ok", compiler="eager")
    assert table.rows[0].records == trials.height


def test_context_table_of_two_contexts_is_none() -> None:
    found = tidied(over_contexts([64, 256]))
    assert context_table(context_lines(found.trials), found.trials) is None


def test_cells_show_tokens_only_where_there_are_any() -> None:
    shown = {
        name: [metric.short for metric in cells._figures(tidied(records).trials)]
        for name, records in {
            "tokens": over_contexts([64]),
            "none": make_records(workloads=["encoder"], modes=["hot"], blocks=1),
        }.items()
    }
    assert set(shown["tokens"]) - set(shown["none"]) == {"ms/token", "tokens/s", "floor"}
