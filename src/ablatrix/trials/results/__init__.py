"""From outcomes to records, samples and files."""

from ablatrix.trials.results.directory import ResultDirectory, largest_sizes
from ablatrix.trials.results.ledger import Ledger, Sink
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.progress import Progress, Silence
from ablatrix.trials.results.recording import FACTS_FILE
from ablatrix.trials.results.logbook import LoggedProgress, run_log

__all__ = [
    "FACTS_FILE",
    "Ledger",
    "LoggedProgress",
    "Outcome",
    "Progress",
    "ResultDirectory",
    "Silence",
    "Sink",
    "largest_sizes",
    "run_log",
]
