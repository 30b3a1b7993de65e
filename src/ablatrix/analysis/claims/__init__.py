"""A study's claims, checked against its records."""

from ablatrix.analysis.claims.check import check_claims, load_claims, plain, unmet
from ablatrix.analysis.claims.checked import CheckedClaim
from ablatrix.analysis.claims.model import Claim, Claims

__all__ = [
    "CheckedClaim",
    "Claim",
    "Claims",
    "check_claims",
    "load_claims",
    "plain",
    "unmet",
]
