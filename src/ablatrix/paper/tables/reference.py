"""The field reference of a template's tables, as Markdown made from the descriptions in the models."""

from ablatrix.errors import AnalysisError
from ablatrix.paper.template.spec import TableSpec
from ablatrix.records.reference import model_tables, put_between

BEGIN = "<!-- field reference: generated from ablatrix.paper.template, do not edit -->"
END = "<!-- end of the field reference -->"


def insert_reference(document: str) -> str:
    """Return the document with everything between the two markers replaced by the field reference.

    Raises:
        AnalysisError: A marker is missing.
    """
    return put_between(document, (BEGIN, END), model_tables(TableSpec, "tables[]"), AnalysisError)
