"""Criterion (b): tables and figures of the paper are made from the records, and the records support the claims."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from ablatrix.analysis.claims import Claims, check_claims, unmet
from ablatrix.analysis.findings import Findings
from ablatrix.errors import AnalysisError
from ablatrix.paper.make import Paper
from ablatrix.paper.template.load import load_template
from ablatrix.verdict.model import Criterion, answered

Make = Callable[[Findings, str | Path | None, str | Path], Paper]


def paper_criterion(findings: Findings, claims: Claims | None, make: Make) -> tuple[Criterion, list[str]]:
    """Return whether every file of the paper can be made and every claim holds, and the sentences without data.

    The files are made in a directory that is thrown away. What such a study cannot have is not wanted.
    """
    template = load_template(None)
    wanted = [f"tables/table{table.number}.{kind}" for table in template.tables for kind in ("csv", "md", "tex")]
    wanted += [
        f"figures/fig{one.number}.{kind}" for one in template.figures for kind in ("pdf", "png", "svg", "csv", "tex")
    ]
    faults, omitted, made, tables = [], [], 0, len(template.tables)
    with tempfile.TemporaryDirectory(prefix="ablatrix-verdict-") as scratch:
        try:
            paper = make(findings, None, scratch)
        except AnalysisError as error:
            faults.append(f"they cannot be made: {error}")
        else:
            lacking = [f"figures/fig{number}." for number in paper.not_applicable]
            lacking += [f"tables/table{number}." for number in paper.absent_tables]
            tables -= len(paper.absent_tables)
            wanted = [name for name in wanted if not name.startswith(tuple(lacking))]
            absent = [name for name in wanted if not _filled(Path(scratch, name))]
            faults += [f"{name}: was not made" for name in absent]
            made = len(wanted) - len(absent)
            omitted = [f"omitted from the text: {line}" for line in paper.left_out]
    checked = [] if claims is None else check_claims(findings, claims)
    faults += unmet(checked)
    numbers = {
        "claims": len(checked),
        "claims_that_hold": sum(one.state == "holds" for one in checked),
        "tables": tables,
        "figures": len(template.figures),
        "files_made": made,
        "files_wanted": len(wanted),
        "sentences_left_out": len(omitted),
    }
    question = "the paper's tables and figures can be made" + ("" if claims is None else ", and its claims hold")
    return answered("b", question, numbers, faults), omitted


def _filled(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
