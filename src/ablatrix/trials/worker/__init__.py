"""The worker: plan, compile, check, time, report."""

from ablatrix.trials.worker.check import Comparison
from ablatrix.trials.worker.monologue import run_here
from ablatrix.trials.worker.worker import prepare_program, work

__all__ = [
    "Comparison",
    "prepare_program",
    "run_here",
    "work",
]
