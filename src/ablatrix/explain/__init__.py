"""Why one configuration is faster than another: time by operation that adds up, and causes that are tried."""

from ablatrix.explain.bars import bars_of, family_text
from ablatrix.explain.code import write_code
from ablatrix.explain.configuration import Pair, pair_of_model, pair_of_results, pair_of_study
from ablatrix.explain.explaining import explain
from ablatrix.explain.families import Family, families

__all__ = [
    "Family",
    "Pair",
    "bars_of",
    "explain",
    "families",
    "family_text",
    "pair_of_model",
    "pair_of_results",
    "pair_of_study",
    "write_code",
]
