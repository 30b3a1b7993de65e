"""Which commit of a repository brought a trouble: builds of commits are looked at until one of them is the culprit.

    question = Question(trouble="slower", ...)
    finding = bisect_builds(resolved, question, Path("out/bisect"))

Each look is an ordinary run of the study with two builds: the good one and that of a commit. The statistics are those
of `ablatrix.statistics.bisection`; what was seen is in a journal, from which an interrupted bisection goes on.
"""

from ablatrix.bisection.finding import Finding, finding_data, sure_text
from ablatrix.bisection.line import Commit
from ablatrix.bisection.question import SLOWER, TROUBLES, Question
from ablatrix.bisection.search import bisect_builds

__all__ = [
    "SLOWER",
    "TROUBLES",
    "Commit",
    "Finding",
    "Question",
    "bisect_builds",
    "finding_data",
    "sure_text",
]
