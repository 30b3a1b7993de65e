"""The field reference of a template's tables, as Markdown made from the models' own descriptions."""

from ablatrix.errors import AnalysisError
from ablatrix.paper.template import TableSpec
from ablatrix.records.reference import model_tables

BEGIN = "<!-- field reference: generated from ablatrix.paper.template, do not edit -->"
END = "<!-- end of the field reference -->"


def insert_reference(document: str) -> str:
    """Return the document with everything between the two markers replaced by the field reference.

    Raises:
        AnalysisError: A marker is missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise AnalysisError(f"the document has no markers for the field reference; add the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{model_tables(TableSpec, 'tables[]')}\n{END}{after}"
