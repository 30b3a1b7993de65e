"""CITATION.cff of an artifact: how to cite it, in the Citation File Format 1.2.0."""

import json
from collections.abc import Iterator

from ablatrix.artifact.documents.facts import Facts
from ablatrix.artifact.documents.origins import asked

AUTHOR = "The ablatrix authors"
REPOSITORY = "https://github.com/ablatrix/ablatrix"


def citation_text(facts: Facts) -> str:
    """Return the citation, with the date of the first trial."""
    about = facts.about
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this artifact, please cite both it and ablatrix, which produced it.",
        "type: dataset",
        f"title: {_quoted(facts.title)}",
        f"abstract: {_quoted(facts.description)}" if facts.description else None,
        "authors:",
        *_authors(facts),
        f"version: {_quoted(facts.recorded.study_digest[:16])}",
        f"date-released: {facts.start:%Y-%m-%d}",
        f"license: {_quoted(about.licence)}"
        if about.licence
        else f"# license: {asked('an SPDX identifier', 'licence')}",
        f"doi: {_quoted(about.doi)}" if about.doi else None,
        f"repository: {_quoted(about.repository)}" if about.repository else None,
        "keywords:",
        "  - ablation study",
        "  - compiler",
        "  - machine learning",
        "references:",
        "  - type: software",
        '    title: "ablatrix: fair, checked, reproducible ablation studies of machine-learning compilers"',
        "    authors:",
        f"      - name: {AUTHOR}",
        f"    version: {_quoted(facts.trials.versions.get('ablatrix', '0'))}",
        f"    repository-code: {REPOSITORY}",
        "    license: Apache-2.0",
    ]
    return "\n".join(line for line in lines if line is not None) + "\n"


def unnamed_authors(facts: Facts) -> str:
    """Return what stands for the authors where the study does not name them."""
    return f"The authors of the study {facts.name}: {asked('names', 'authors').replace('`', '')}"


def _authors(facts: Facts) -> Iterator[str]:
    for one in facts.about.authors:
        if one.parts is None:
            yield f"  - name: {_quoted(one.name)}"
            continue
        family, given = one.parts
        yield f"  - family-names: {_quoted(family)}"
        if given:
            yield f"    given-names: {_quoted(given)}"
        if one.affiliation:
            yield f"    affiliation: {_quoted(one.affiliation)}"
        if one.orcid:
            yield f"    orcid: {_quoted(one.orcid)}"
    if not facts.about.authors:
        yield f"  - name: {_quoted(unnamed_authors(facts))}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML one
