"""Which pass or setting has a trouble of a configuration: passes are switched off until the smallest set is known.

    question = Question(configuration=configuration, kind="wrong_output")
    finding = find_culprits(question, Path("out/bisect"))

Each look is an ordinary run (`ablatrix.troubles`); what was seen is in a journal, from which an interrupted search goes
on. Which commit of a compiler's repository it is, `ablatrix.bisection` finds.
"""

from ablatrix.culprits.candidates import Candidate, Candidates, find_candidates
from ablatrix.culprits.finding import Application, Departure, Ending, Finding, finding_data
from ablatrix.culprits.posing import question_of_study, question_of_trial
from ablatrix.culprits.question import Question
from ablatrix.culprits.search import find_culprits
from ablatrix.culprits.seen_passes import SeenPasses, see_passes

__all__ = [
    "Application",
    "Candidate",
    "Candidates",
    "Departure",
    "Ending",
    "Finding",
    "Question",
    "SeenPasses",
    "find_candidates",
    "find_culprits",
    "finding_data",
    "question_of_study",
    "question_of_trial",
    "see_passes",
]
