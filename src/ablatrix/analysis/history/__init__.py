"""Runs of one study over time as series of ratios to a bridge, and where these change their level."""

from ablatrix.analysis.history.bridges import Bridges
from ablatrix.analysis.history.measured import HistoryRun, Measured, read_run
from ablatrix.analysis.history.plain import history_data
from ablatrix.analysis.history.series import find_history
from ablatrix.analysis.history.values import MEAN, History, Point, Series, Shift, kind_text

__all__ = [
    "MEAN",
    "Bridges",
    "History",
    "HistoryRun",
    "Measured",
    "Point",
    "Series",
    "Shift",
    "find_history",
    "history_data",
    "kind_text",
    "read_run",
]
