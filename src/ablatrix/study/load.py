"""From a study file to a study whose every name, knob and level exists."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablatrix.catalogue import Catalogue
from ablatrix.documents.faults import LineIndex, dotted, in_order, numbered_faults
from ablatrix.documents.load import parse_mapping, plain_value
from ablatrix.errors import StudyError
from ablatrix.study.model import Study
from ablatrix.study.other_kinds import refuse_other_documents, refuse_other_kinds
from ablatrix.study.partial import PartialStudy, partial_study
from ablatrix.study.resolve import ResolvedStudy, resolve
from ablatrix.study.stage import ALL, ALL_ON
from ablatrix.study.trust import Trust, refuse_untrusted_study


def load_study(path: str | Path, catalogue: Catalogue | None = None, *, trust: Trust = False) -> ResolvedStudy:
    """Read and check a study file, and find what it names: its programs are started and describe themselves.

    Args:
        path: A YAML 1.2 file.
        catalogue: Compilers and workloads besides those of the study itself; default: what is installed.
        trust: Whether the code of a study that came with a bundle may run, or who is asked.

    Returns:
        The study and the catalogue that holds for it. Nothing else of this process changes.

    Raises:
        StudyError: The file cannot be read, is no YAML, has unknown keys, or names a workload, parameter,
            compiler, knob or level that does not exist. All faults at once, each with its line and the remedy. Or it
            came with a bundle, and brings code that is not trusted.
    """
    file = Path(path)
    data = _parsed(file)
    lines, plain = LineIndex(data), plain_value(data)
    faults: list[tuple[int, str]] = []
    part: PartialStudy | None = None
    try:
        study = Study.model_validate(plain)
    except ValidationError as invalid:
        faults += numbered_faults(file, lines, Study, invalid)
        part = partial_study(plain)
        if part is None:
            raise StudyError(*in_order(faults)) from None
        study = part.study
        faults += [(lines.line(at), f"{file}:{lines.line(at)}: {dotted(at)}: {text}") for at, text in part.later]
    study = study.at(file.resolve().parent)
    refuse_untrusted_study(study, file, trust)
    resolved, found = resolve(study, catalogue)
    for place, text in found:
        location = place if part is None else part.original(place)
        if location is not None:
            faults.append((lines.line(location), f"{file}:{lines.line(location)}: {text}"))
    if faults:
        raise StudyError(*in_order(faults))
    return resolved


def read_study(path: str | Path) -> Study:
    """Read a study file as what it says alone: nothing that it names is looked for, started or imported.

    Raises:
        StudyError: The file cannot be read, is no YAML, or breaks a rule of the file.
    """
    file = Path(path)
    data = _parsed(file)
    try:
        return Study.model_validate(plain_value(data)).at(file.resolve().parent)
    except ValidationError as invalid:
        raise StudyError(*in_order(numbered_faults(file, LineIndex(data), Study, invalid))) from None


def read_study_digest(path: str | Path) -> str:
    """Return the digest of a study file; see `read_study`.

    Raises:
        StudyError: As there.
    """
    return read_study(path).digest


def _parsed(file: Path) -> dict[Any, Any]:
    refuse_other_kinds(file)
    data = parse_mapping(file, StudyError)
    refuse_other_documents(file, data)
    return data


def study_schema_text() -> str:
    """Return the JSON Schema of a study file, for editors."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ablatrix study"
    for key, model in (("workloads", "WorkloadChoice"), ("compilers", "CompilerChoice")):
        schema["properties"][key]["items"] = {"anyOf": [{"$ref": f"#/$defs/{model}"}, {"type": "string"}]}
    stage = schema["$defs"]["Stage"]["properties"]
    for key in ("vary", "screen"):
        stage[key]["anyOf"] += [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"const": ALL}]
    stage["around"]["anyOf"].append({"const": ALL_ON})
    return json.dumps(schema, indent=2) + "\n"
