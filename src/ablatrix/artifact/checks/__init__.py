"""Checks of a bundle that make files again or recompute numbers."""

from ablatrix.artifact.checks.difference import describe_difference
from ablatrix.artifact.checks.remake import Derive, check_derived, derive, derive_anew
from ablatrix.artifact.checks.samples_check import check_samples

__all__ = [
    "Derive",
    "check_derived",
    "check_samples",
    "derive",
    "derive_anew",
    "describe_difference",
]
