"""A bundle's study run again by a third party: report, comparison, page, badges."""

from ablatrix.artifact.reproduction.badges import audit_badges, is_archived, missing
from ablatrix.artifact.reproduction.comparison import report_reproduction
from ablatrix.artifact.reproduction.page import report_html, report_markdown
from ablatrix.artifact.reproduction.reproduction import (
    REPORT_NAME,
    WORDS,
    ReproductionReport,
    count_outcomes,
    read_report,
    report_text,
)

__all__ = [
    "REPORT_NAME",
    "WORDS",
    "ReproductionReport",
    "audit_badges",
    "count_outcomes",
    "is_archived",
    "missing",
    "read_report",
    "report_html",
    "report_markdown",
    "report_reproduction",
    "report_text",
]
