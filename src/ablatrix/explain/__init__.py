"""Why one configuration is faster than another: time by operation that adds up, and causes that are tried."""

from ablatrix.explain.code import write_code
from ablatrix.explain.configuration import Pair, pair_of_model, pair_of_results, pair_of_study
from ablatrix.explain.explaining import explain

__all__ = [
    "Pair",
    "explain",
    "pair_of_model",
    "pair_of_results",
    "pair_of_study",
    "write_code",
]
