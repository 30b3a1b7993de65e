"""The documents of a bundle: README, appendix, citation, crate."""

from ablatrix.artifact.documents.facts import read_facts
from ablatrix.artifact.documents.make import make_documents
from ablatrix.artifact.documents.origins import ASKED

__all__ = [
    "ASKED",
    "make_documents",
    "read_facts",
]
