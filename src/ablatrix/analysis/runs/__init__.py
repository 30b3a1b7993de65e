"""More than one run or repeat: agreement, stability, comparison."""

from ablatrix.analysis.runs.agreement import Agreement
from ablatrix.analysis.runs.primary_matrix import MODES, PrimaryMatrix, primary_matrices
from ablatrix.analysis.runs.side_by_side import SideBySide, compare, count_sizes, side_by_side_data
from ablatrix.analysis.runs.stability import Margins, Stability, find_stability

__all__ = [
    "MODES",
    "Agreement",
    "Margins",
    "PrimaryMatrix",
    "SideBySide",
    "Stability",
    "compare",
    "count_sizes",
    "find_stability",
    "primary_matrices",
    "side_by_side_data",
]
