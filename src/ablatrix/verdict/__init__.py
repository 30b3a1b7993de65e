"""Is a study done: four criteria, a module for each."""

from ablatrix.verdict.model import Criterion, Verdict
from ablatrix.verdict.paper import Make
from ablatrix.verdict.reach import reach_verdict

__all__ = ["Criterion", "Make", "Verdict", "reach_verdict"]
