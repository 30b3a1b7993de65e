"""From outcomes to records, samples and files."""

from ablatrix.trials.results.directory import ResultDirectory, largest_sizes, preparing_code
from ablatrix.trials.results.finished import Finished
from ablatrix.trials.results.ledger import Batch, Ledger, Sink
from ablatrix.trials.results.line import Line, read_whole, validated_text
from ablatrix.trials.results.logbook import LoggedProgress, run_log
from ablatrix.trials.results.outcome import Outcome
from ablatrix.trials.results.own_code import CellCaches
from ablatrix.trials.results.progress import Progress, Silence
from ablatrix.trials.results.recording import FACTS_FILE, read_facts

__all__ = [
    "FACTS_FILE",
    "Batch",
    "CellCaches",
    "Finished",
    "Ledger",
    "Line",
    "LoggedProgress",
    "Outcome",
    "Progress",
    "ResultDirectory",
    "Silence",
    "Sink",
    "largest_sizes",
    "preparing_code",
    "read_facts",
    "read_whole",
    "run_log",
    "validated_text",
]
