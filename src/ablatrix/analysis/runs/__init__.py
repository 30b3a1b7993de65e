"""More than one run or repeat: agreement, stability, comparison."""

from ablatrix.analysis.runs.agreement import Agreement
from ablatrix.analysis.runs.primary_matrix import MODES, PrimaryMatrix, primary_matrices
from ablatrix.analysis.runs.side_by_side import SideBySide, compare, side_by_side_data, sizes
from ablatrix.analysis.runs.stability import Margins, Stability, find_stability

__all__ = [
    "MODES",
    "Agreement",
    "Margins",
    "PrimaryMatrix",
    "SideBySide",
    "Stability",
    "compare",
    "find_stability",
    "primary_matrices",
    "side_by_side_data",
    "sizes",
]
