"""Small parts of sentences that several writers share."""

from ablatrix.analysis.effects import DEFAULT_MARGIN
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
