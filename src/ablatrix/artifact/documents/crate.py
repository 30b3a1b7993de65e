"""ro-crate-metadata.json: machine-readable metadata of the artifact, RO-Crate 1.1, profile Process Run Crate 0.5.

Sources: w3id.org/ro/crate/1.1 and w3id.org/ro/wfrun/process/0.5. Every file is listed with its SHA-256; the whole
run is one action, and each trial that failed is a separate one with its error. All ids and dates come from the
records, so the same artifact has the same text.
"""

import json
import mimetypes
from datetime import datetime
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from ablatrix.artifact.contents import CRATE_NAME, FailedTrial, FileEntry
from ablatrix.artifact.documents.citation import REPOSITORY, unnamed_authors
from ablatrix.artifact.documents.facts import Facts
from ablatrix.artifact.documents.markup import plain
from ablatrix.artifact.documents.origins import asked
from ablatrix.artifact.documents.readme import MEANING
from ablatrix.documents.about import DOI_SITE
from ablatrix.records.names import RECORDS_NAME, STUDY_NAME

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
SPDX = "https://spdx.org/licenses/"
COMPLETED = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
PLANNED_ROLES = ("study", "design", "claims", "lock", "template")
FORMATS = {
    "jsonl": "application/jsonl", "tex": "application/x-tex", "cff": "application/yaml", "yaml": "application/yaml",
    "md": "text/markdown", "lock": "text/plain", "gz": "application/gzip", "whl": "application/zip",
}  # fmt: skip


def crate_text(facts: Facts) -> str:
    """Return the metadata of an artifact whose other files are in ``facts.entries``."""
    crate = ROCrate(version="1.1")
    root = crate.root_dataset
    root["name"], root["description"] = facts.title, plain(facts.description) or facts.title
    root["datePublished"], root["license"] = facts.start.date().isoformat(), {"@id": _licence(crate, facts)}
    root["conformsTo"], root["mentions"] = [{"@id": PROFILE}], []
    _context(crate, PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    authors = _authors(crate, facts)
    root["author"] = root["publisher"] = authors
    if facts.about.doi:
        root["identifier"] = DOI_SITE + facts.about.doi
    if facts.about.repository:
        root["url"] = facts.about.repository
    software = _software(crate, facts)
    entries = [entry for entry in facts.entries if entry.path != CRATE_NAME]
    for entry in entries:
        _add_file(crate, entry)
    planned = [{"@id": entry.path} for entry in entries if entry.role in PLANNED_ROLES]
    results = [{"@id": entry.path} for entry in entries if entry.role not in (*PLANNED_ROLES, "software", "example")]
    run = _action(crate, "#run", facts.start, facts.end, software, authors)
    run["name"], run["description"] = f"Run of the study {facts.name}", f"{facts.trials.count} trials"
    run["object"], run["result"], run["actionStatus"] = planned, results, COMPLETED
    for failed in facts.trials.failed:
        _add_failure(crate, failed, software, authors)
    crate.metadata.extra_terms.update(TERMS)
    metadata = crate.metadata.generate()
    metadata["@graph"] = sorted(map(_compacted, metadata["@graph"]), key=lambda entity: str(entity["@id"]))
    return json.dumps(metadata, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _context(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Any:
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _licence(crate: ROCrate, facts: Facts) -> str:
    """Add the licence that the study states, or one that says who has to; return its id."""
    name = facts.about.licence
    if name is None:
        text = asked("the licence", "licence").replace("`", "")
        _context(crate, "#licence", "CreativeWork", name=text, description=text)
        return "#licence"
    _context(crate, SPDX + name, "CreativeWork", name=name, description=f"SPDX licence {name}")
    return SPDX + name


def _authors(crate: ROCrate, facts: Facts) -> list[dict[str, str]]:
    """Add the authors that the study names, or one that says who has to; return references to them."""
    found = []
    for number, one in enumerate(facts.about.authors, 1):
        identifier, kind = one.orcid or f"#author-{number}", "Organization" if one.parts is None else "Person"
        properties: dict[str, Any] = {"name": one.shown}
        if one.affiliation:
            properties["affiliation"] = {"@id": f"#affiliation-{number}"}
            _context(crate, f"#affiliation-{number}", "Organization", name=one.affiliation)
        _context(crate, identifier, kind, **properties)
        found.append({"@id": identifier})
    if not found:
        _context(crate, "#authors", "Organization", name=unnamed_authors(facts))
        found.append({"@id": "#authors"})
    return found


def _software(crate: ROCrate, facts: Facts) -> list[dict[str, str]]:
    """Add the software named in the records, ablatrix first."""
    pages = {"ablatrix": REPOSITORY, "python": "https://www.python.org/", "llvm": "https://llvm.org/"}
    packages = {"tvm": "apache-tvm", "jax": "jax"}
    names = sorted(facts.trials.versions, key=lambda name: (name != "ablatrix", name))
    for name in names:
        page = pages.get(name, f"https://pypi.org/project/{packages.get(name, name)}/")
        version = facts.trials.versions[name]
        _context(crate, page, "SoftwareApplication", name=name, url=page, softwareVersion=version)
    return [{"@id": pages.get(name, f"https://pypi.org/project/{packages.get(name, name)}/")} for name in names]


def _add_file(crate: ROCrate, entry: FileEntry) -> None:
    ending = entry.path.rpartition(".")[2]
    properties = {
        "name": entry.path,
        "description": MEANING[entry.role].replace("`", ""),
        "contentSize": str(entry.bytes),
        "encodingFormat": FORMATS.get(ending) or mimetypes.types_map.get(f".{ending}", "application/octet-stream"),
        "sha256": entry.sha256,
    }
    crate.add_file(dest_path=entry.path, properties=properties)


def _action(
    crate: ROCrate,
    identifier: str,
    start: datetime,
    end: datetime,
    software: list[dict[str, str]],
    authors: list[dict[str, str]],
) -> Any:
    action = _context(
        crate,
        identifier,
        "CreateAction",
        startTime=_moment(start),
        endTime=_moment(end),
        instrument=software[0] if software else {"@id": REPOSITORY},
        agent=authors,
    )
    crate.root_dataset.append_to("mentions", action)
    return action


def _add_failure(
    crate: ROCrate, failed: FailedTrial, software: list[dict[str, str]], authors: list[dict[str, str]]
) -> None:
    action = _action(crate, f"#trial-{failed.trial_id}", failed.start, failed.end, software, authors)
    action["name"] = f"Trial {failed.trial_id}: {failed.workload} on {failed.compiler}, {failed.mode}"
    action["description"] = failed.levels or "the reference"
    is_told = failed.error_type is not None
    action["error"] = f"{failed.status}: {failed.error_type}: {failed.message}" if is_told else failed.status
    action["actionStatus"] = FAILED
    action["object"], action["result"] = [{"@id": STUDY_NAME}], [{"@id": RECORDS_NAME}]


def _compacted(entity: dict[str, Any]) -> dict[str, Any]:
    """Return an entity with every list of one element replaced by that element, as the specification recommends."""
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in entity.items()}


def _moment(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
