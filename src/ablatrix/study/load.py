"""From a study file to a study whose every name, knob and level exists."""

import json
from pathlib import Path

from ablatrix.catalogue import Catalogue
from ablatrix.documents.load import load_document
from ablatrix.errors import StudyError
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve


def load_study(path: str | Path, catalogue: Catalogue | None = None) -> ResolvedStudy:
    """Read and check a study file, and find what it names: its programs are started and describe themselves.

    Args:
        path: A YAML 1.2 file.
        catalogue: Compilers and workloads besides those of the study itself; default: what is installed.

    Returns:
        The study and the catalogue that holds for it. Nothing else of this process changes.

    Raises:
        StudyError: The file cannot be read, is no YAML, has unknown keys, or names a workload, parameter,
            compiler, knob or level that does not exist. All faults at once, each with its line and the remedy.
    """
    document = load_document(Path(path), Study, StudyError)
    resolved, found = resolve(document.value.at(Path(path).resolve().parent), catalogue)
    faults = sorted((document.lines.line(location), document.fault(location, text)) for location, text in found)
    if faults:
        raise StudyError(*dict.fromkeys(text for _, text in faults))
    return resolved


def study_schema_text() -> str:
    """Return the JSON Schema of a study file, for editors."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ablatrix study"
    for key, model in (("workloads", "WorkloadChoice"), ("compilers", "CompilerChoice")):
        schema["properties"][key]["items"] = {"anyOf": [{"$ref": f"#/$defs/{model}"}, {"type": "string"}]}
    return json.dumps(schema, indent=2) + "\n"
