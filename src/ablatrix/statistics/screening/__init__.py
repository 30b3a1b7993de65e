"""Many factors, few runs: which of them matter, with intervals. Sources and assumptions: docs/screening.md."""

from ablatrix.statistics.screening.checks import DesignCheck, design_checks
from ablatrix.statistics.screening.collapse import Collapsed, collapsed
from ablatrix.statistics.screening.design import ScreeningDesign, Word, correlated_words
from ablatrix.statistics.screening.designs import (
    definitive_screening,
    fractional_factorial,
    one_at_a_time,
    plackett_burman_folded,
)
from ablatrix.statistics.screening.effects import ScreenedEffect, screened_effects
from ablatrix.statistics.screening.groups import Group, GroupTest, LeftOut, first_groups, left_out, next_groups
from ablatrix.statistics.screening.incomplete import incomplete_blocks, neighbours, unmet_pairs
from ablatrix.statistics.screening.intra_block import IntraBlock, intra_block_estimates
from ablatrix.statistics.screening.lenth import Lenth, lenth
from ablatrix.statistics.screening.permutations import Order, antithetic_permutations, coalitions
from ablatrix.statistics.screening.sampled import SampledShare, sampled_shapley

__all__ = [
    "Collapsed",
    "DesignCheck",
    "Group",
    "GroupTest",
    "IntraBlock",
    "LeftOut",
    "Lenth",
    "Order",
    "SampledShare",
    "ScreenedEffect",
    "ScreeningDesign",
    "Word",
    "antithetic_permutations",
    "coalitions",
    "collapsed",
    "correlated_words",
    "definitive_screening",
    "design_checks",
    "first_groups",
    "fractional_factorial",
    "incomplete_blocks",
    "intra_block_estimates",
    "left_out",
    "lenth",
    "neighbours",
    "next_groups",
    "one_at_a_time",
    "plackett_burman_folded",
    "sampled_shapley",
    "screened_effects",
    "unmet_pairs",
]
