"""All documents of an artifact, made from its records, study, claims, environment and files."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ablatrix.artifact.contents import (
    APPENDIX_LATEX_NAME,
    APPENDIX_LONG_NAME,
    APPENDIX_NAME,
    CITATION_NAME,
    CRATE_NAME,
    DOCUMENT_NAMES,
    README_NAME,
    FileEntry,
    entry_of,
)
from ablatrix.artifact.documents.appendix import appendix_texts
from ablatrix.artifact.documents.citation import citation_text
from ablatrix.artifact.documents.crate import crate_text
from ablatrix.artifact.documents.facts import Facts
from ablatrix.artifact.documents.readme import readme_text
from ablatrix.paper.markup import for_any_engine


def make_documents(facts: Facts) -> Mapping[str, str]:
    """Return the text of every document by its name.

    The documents state the size of the other files, and the crate also lists the documents: it is made last.
    """
    rest = replace(facts, entries=tuple(entry for entry in facts.entries if entry.path not in DOCUMENT_NAMES))
    appendix = appendix_texts(rest)
    texts = {
        README_NAME: readme_text(rest),
        APPENDIX_NAME: appendix.markdown,
        APPENDIX_LATEX_NAME: for_any_engine(appendix.short_latex),
        APPENDIX_LONG_NAME: for_any_engine(appendix.latex),
        CITATION_NAME: citation_text(rest),
    }
    named = _sorted([*rest.entries, *(entry_of(name, text.encode()) for name, text in texts.items())])
    return texts | {CRATE_NAME: crate_text(replace(facts, entries=named))}


def _sorted(entries: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.path))
