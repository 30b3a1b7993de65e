"""How verdicts are grouped into clauses: what is said of an effect, and in which order."""

from collections.abc import Iterable, Sequence

from ablatrix.analysis.effects import DEFAULT_MARGIN, UNDECIDED, Judgement
from ablatrix.paper.fragment import Fragment, say
from ablatrix.paper.number import Form, Number
from ablatrix.paper.sentences.fairness import MARGIN
from ablatrix.paper.sentences.sentence import Sources

Said = tuple[str, bool]  # verdict, and whether it is of a difference within the margin


def said_of(judgement: Judgement) -> Said:
    """Return a verdict, and whether it is of a difference within the margin."""
    return str(judgement.verdict), judgement.is_different and judgement.within


def differences_first(said: Iterable[Said]) -> list[Said]:
    """Return verdicts in the order in which they are said."""
    return sorted(said, key=lambda one: UNDECIDED.index(one[0]) if one[0] in UNDECIDED else -1)


def range_of(sources: Sources, phrase: str, key: str, unit: str, ratios: Sequence[Number]) -> Fragment:
    """Return how many ratios there are, and their range; ``unit`` ends the key of their number."""
    return say(
        phrase,
        count=sources.ledger.number_of(f"{key}/{unit}", ratios),
        least=sources.ledger.minimum_of(f"{key}/least", ratios),
        most=sources.ledger.greatest_of(f"{key}/most", ratios),
    )


def margin_of(sources: Sources) -> Fragment:
    """Return the largest difference that counts as none."""
    return sources.ledger.constant("margin", DEFAULT_MARGIN, MARGIN, Form("g", 0.01, "%"))
