"""Assembling and verifying a bundle."""

from ablatrix.artifact.bundle.anonymity import Pseudonyms, find_pseudonyms, refuse_identity
from ablatrix.artifact.bundle.assembly import Origin, assemble, sign
from ablatrix.artifact.bundle.container import gather_wheels, make_recipe, wheels_beside
from ablatrix.artifact.bundle.lock import study_lock
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
    "gather_wheels",
    "make_recipe",
    "refuse_identity",
    "refuse_plain_results",
    "sign",
    "study_lock",
    "verify",
    "wheels_beside",
]
