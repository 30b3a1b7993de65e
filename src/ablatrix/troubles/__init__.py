"""What is wrong with a configuration, and whether another one has the same: failure signatures and looks.

    with Looks(Path("out/looks")) as looks:
        trouble = trouble_of(record)
        predicate = Predicate(looks=looks, trouble=trouble)
        found = predicate.ask(Configuration(resolved=resolved, workload="mlp", compiler="tvm", levels={...}), "001")

Each look is an ordinary run with isolated trials and caches of its own; compilers stay imported between looks.
"""

from ablatrix.troubles.configuration import Configuration, mode_of
from ablatrix.troubles.look import InterruptedLook, Looks, Sight
from ablatrix.troubles.predicate import Answer, Observation, Predicate, failure_observation
from ablatrix.troubles.step_journal import StepJournal, Wording
from ablatrix.troubles.trouble import KINDS, SLOWER, Trouble, check_kind, message_class, trouble_of

__all__ = [
    "KINDS",
    "SLOWER",
    "Answer",
    "Configuration",
    "InterruptedLook",
    "Looks",
    "Observation",
    "Predicate",
    "Sight",
    "StepJournal",
    "Trouble",
    "Wording",
    "check_kind",
    "failure_observation",
    "message_class",
    "mode_of",
    "trouble_of",
]
