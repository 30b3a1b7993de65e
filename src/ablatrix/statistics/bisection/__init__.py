"""Which of many commits brought a trouble: a belief over all, and what to look at next. See docs/bisect-builds.md."""

from ablatrix.statistics.bisection.belief import Belief, Suspects
from ablatrix.statistics.bisection.decision import Decision, State, decide
from ablatrix.statistics.bisection.failing import Votes, failing_belief
from ablatrix.statistics.bisection.sets import Relation, SetLook, set_probability
from ablatrix.statistics.bisection.slower import slower_belief

__all__ = [
    "Belief",
    "Decision",
    "Relation",
    "SetLook",
    "State",
    "Suspects",
    "Votes",
    "decide",
    "failing_belief",
    "set_probability",
    "slower_belief",
]
