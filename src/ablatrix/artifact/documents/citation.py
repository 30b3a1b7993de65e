"""CITATION.cff of an artifact: how to cite it, in the Citation File Format 1.2.0."""

import json

from ablatrix.artifact.documents.facts import Facts

AUTHOR = "The ablatrix authors"
REPOSITORY = "https://github.com/ablatrix/ablatrix"


def citation_text(facts: Facts) -> str:
    """Return the citation, with the date of the first trial."""
    version = facts.versions.get("ablatrix", "0")
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this artifact, please cite it, and ablatrix, which made it.",
        "type: dataset",
        f"title: {_quoted(title(facts))}",
        f"abstract: {_quoted(facts.description)}" if facts.description else None,
        "authors:",
        f"  - name: {_quoted(f'The authors of the study {facts.name}')}",
        f"version: {_quoted(facts.records[0].study_digest[:16])}",
        f"date-released: {facts.start:%Y-%m-%d}",
        "license: Apache-2.0",
        "keywords:",
        "  - ablation study",
        "  - compiler",
        "  - machine learning",
        "references:",
        "  - type: software",
        '    title: "ablatrix: fair, checked, reproducible ablation studies of machine-learning compilers"',
        "    authors:",
        f"      - name: {AUTHOR}",
        f"    version: {_quoted(version)}",
        f"    repository-code: {REPOSITORY}",
        "    license: Apache-2.0",
    ]
    return "\n".join(line for line in lines if line is not None) + "\n"


def title(facts: Facts) -> str:
    """Return the artifact's title."""
    return f"Artifact of the ablation study {facts.name}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML one
