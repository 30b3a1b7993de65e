"""Reading a paper's template: a YAML file, validated."""

import functools
import json
from pathlib import Path

from ablatrix.documents.load import load_document
from ablatrix.errors import AnalysisError
from ablatrix.paper.template.rules import table_faults
from ablatrix.paper.template.spec import Template

DEFAULT_TEMPLATE = Path(__file__).parents[1] / "default.yaml"


def template_schema_text() -> str:
    """Return the JSON Schema of a template file, for editors."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Template.model_json_schema()}
    return json.dumps(schema, indent=2) + "\n"


def load_template(path: str | Path | None = None) -> Template:
    """Read a template; the shipped one if no path is given.

    Raises:
        AnalysisError: The file cannot be read or breaks a rule; one line of the message for each fault.
    """
    return _load(Path(path)) if path else _load_shipped()


@functools.cache
def _load_shipped() -> Template:
    """Return the template that is a file of this package: it takes a second to read, and a paper asks twice."""
    return _load(DEFAULT_TEMPLATE)


def _load(path: Path) -> Template:
    try:
        document = load_document(path, Template, AnalysisError)
    except AnalysisError as error:
        raise AnalysisError("\n".join(map(str, error.args))) from None
    found = sorted(table_faults(document.value.tables), key=lambda fault: document.lines.line(fault[0]))
    if found:
        raise AnalysisError("\n".join(document.fault(location, message) for location, message in found))
    return document.value
