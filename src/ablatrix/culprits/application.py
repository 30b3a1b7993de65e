"""Which application of a pass it is: it is applied so many times at most, and the number is halved."""

from __future__ import annotations

from dataclasses import replace

from ablatrix.compilers.settings import LIMIT, ask_addresses
from ablatrix.culprits.asking import Asking
from ablatrix.culprits.candidates import Candidate, with_settings
from ablatrix.culprits.finding import Application
from ablatrix.culprits.journal import Applied
from ablatrix.errors import CompilerError
from ablatrix.troubles import Answer, Configuration, Predicate


def find_application(asking: Asking, culprit: Candidate) -> tuple[Application | None, str]:
    """Return with which application of a pass the trouble begins, or why that cannot be said.

    Args:
        asking: Who was asked for the culprit.
        culprit: The pass.

    Raises:
        InterruptedLook: The user stopped it. TrialError: A run cannot be made.
    """
    name = asking.question.configuration.compiler
    known = ask_addresses(asking.question.configuration.entry)
    kind, _, own = culprit.title.partition(":")
    address = known.find(kind, own)
    if address is None or not address.counted:
        return None, _unknown(culprit.title, f"'{name}' applies it to the whole program or not at all")
    runs = culprit.runs or 0
    if runs < 2:
        return None, f"{culprit.title} is applied once, so there is no application to choose"
    limit = f"{LIMIT}:{culprit.title}"
    try:
        resolved, names = with_settings(asking.candidates.configuration.resolved, name, {limit: list(range(runs + 1))})
    except CompilerError as error:
        return None, str(error)
    configuration = replace(asking.candidates.configuration, resolved=resolved)
    return _search(_Limited(asking, configuration, names[limit], culprit), runs)


def _unknown(title: str, why: str) -> str:
    return f"which application of {title} it is cannot be said: {why}"


class _Limited:
    """Asks whether the trouble shows while a pass is applied so many times at most."""

    def __init__(self, asking: Asking, configuration: Configuration, knob: str, culprit: Candidate) -> None:
        self.asking, self.configuration, self.knob, self.culprit = asking, configuration, knob, culprit

    def ask(self, limit: int) -> Answer:
        """Return it; a look that was made before is not made again."""
        for one in self.asking.journal.events:
            if isinstance(one, Applied) and (one.title, one.limit) == (self.culprit.title, limit):
                return one.answer
        asking = self.asking
        assert asking.trouble is not None
        predicate = Predicate(
            looks=asking.looks,
            trouble=asking.trouble,
            reference=asking.reference,
            metric=asking.question.metric,
            mode=asking.question.mode,
            seen=[one.logs for one in asking.journal.looks if one.logs],
        )
        observed = predicate.ask(self.configuration.at({self.knob: limit}), f"limit-{limit:04d}")
        asking.journal.append(
            Applied(
                title=self.culprit.title,
                limit=limit,
                answer=observed.answer,
                trials=observed.trials,
                seconds=observed.seconds,
                results=observed.results,
            )
        )
        kind = asking.question.kind.replace("_", " ")
        word = {"yes": kind, "no": f"not {kind}"}.get(observed.answer, observed.why or observed.answer)
        asking.tell(f"{self.culprit.title} applied {limit} times at most: {word}")
        return observed.answer


def _search(limited: _Limited, runs: int) -> tuple[Application | None, str]:
    title = limited.culprit.title
    if limited.ask(0) != "no":
        return None, _unknown(title, "none allowed is not the same as off")
    if limited.ask(runs) != "yes":
        return None, _unknown(title, f"{runs} allowed do not show the trouble")
    low, high = 0, runs
    while high - low > 1:
        middle = (low + high) // 2
        answer = limited.ask(middle)
        if answer not in {"yes", "no"}:
            return None, _unknown(title, f"with {middle} something else goes wrong")
        low, high = (low, middle) if answer == "yes" else (middle, high)
    return Application(title=title, number=high, count=runs), ""
