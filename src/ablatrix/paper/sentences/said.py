"""Small parts of sentences that several writers share."""

from ablatrix.analysis.effects import DEFAULT_MARGIN
from ablatrix.analysis.table import IS_OK
from ablatrix.paper.fragment import Fragment, Said, say
from ablatrix.paper.number import PERCENT, Form, Number
from ablatrix.paper.sentences.sentence import Sources

CONFIDENCE = "confidence of every interval"
MARGIN = "largest relative difference that counts as none"


def margin_of(sources: Sources) -> Number:
    """Return the largest difference that counts as none."""
    return sources.ledger.constant("margin", DEFAULT_MARGIN, MARGIN, Form("g", 0.01, "%"))


def confidence_of(sources: Sources) -> Number:
    """Return the confidence of every interval."""
    return sources.ledger.constant("confidence", 0.95, CONFIDENCE, PERCENT)


def counted(phrase: str, count: Number, slot: str = "count", **slots: Fragment) -> Said:
    """Return a phrase around a count: that of one where it is one."""
    return say(f"{phrase}/one" if count.value == 1 else phrase, **{slot: count}, **slots)


def scaled(number: Number) -> Fragment:
    """Return a large number with the letter of its unit, such as k."""
    return say("scaled", number=number, unit=number.form.unit) if number.form.unit else number


def all_succeeded(sources: Sources) -> bool:
    """Return whether every trial succeeded: then no sentence speaks of successful ones."""
    return not sources.trials.select((~IS_OK).any()).item()
