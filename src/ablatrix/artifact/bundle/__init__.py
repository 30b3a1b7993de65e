"""Assembling and verifying a bundle."""

from ablatrix.artifact.bundle.anonymity import Pseudonyms, find_pseudonyms, refuse_identity
from ablatrix.artifact.bundle.assembly import Origin, assemble
from ablatrix.artifact.bundle.results import copy_results
from ablatrix.artifact.bundle.verify import Verification, examine, refuse_plain_results, verify

__all__ = [
    "Origin",
    "Pseudonyms",
    "Verification",
    "assemble",
    "copy_results",
    "examine",
    "find_pseudonyms",
    "refuse_identity",
    "refuse_plain_results",
    "verify",
]
