"""Claims: each claim of the study with its outcome, its interval and the trials behind it."""

from ablatrix.analysis.claims import Claim
from ablatrix.analysis.reasons import text_of
from ablatrix.paper.claim_ratio import claim_is_no_op, claim_ratio
from ablatrix.paper.fragment import Fragment, Name, Statement, say
from ablatrix.paper.number import WHOLE, Form
from ablatrix.paper.sentences.sentence import LANGUAGES, LeftOut, Sentence, Sources, Writes, Written
from ablatrix.provenance.claims import claim_rows
from ablatrix.provenance.ranges import count_rows

BOUNDS = {"at_least": Form(".4g"), "at_most": Form(".4g"), "within": Form(".4g", 0.01, "%")}


def claims(sources: Sources) -> Written:
    """A sentence for each claim; the reason why one does not hold is listed with what is omitted."""
    for checked in sources.claims or ():
        claim = checked.claim
        slots: dict[str, Fragment | str] = {"statement": _statement(sources, claim), "id": claim.id}
        if not checked.rows:
            yield Sentence(claim.id, say("claim_without_trials", state=say(f"claim/{checked.state}"), **slots))
        else:
            is_no_op = claim_is_no_op(sources.estimates, claim)
            interval = None if is_no_op else claim_ratio(sources.estimates, checked)
            rows = claim_rows(sources.ledger.rows, checked)
            trials = sources.ledger.enter(f"claims/{claim.id}/trials", "count", count_rows(rows), WHOLE, rows)
            state = say("claim/no_op" if is_no_op else f"claim/{checked.state}")
            ratio = Name("") if interval is None else say("claim_ratio", ratio=interval.said())
            yield Sentence(claim.id, say("claim", state=state, trials=trials, ratio=ratio, **slots))
        if checked.reason is not None:
            yield LeftOut(f"{claim.id}/holds", Name(text_of(checked.reason)))


def _statement(sources: Sources, claim: Claim) -> Statement:
    """Return the statement of a claim, with its bound as a number that the claim sets."""
    for name, form in BOUNDS.items():
        value = getattr(claim, name)
        if value is not None:
            parts = {code: claim.parts(code) for code in LANGUAGES}
            bound = sources.ledger.constant(f"claims/{claim.id}/{name}", value, f"claim {claim.id}", form)
            return Statement({code: (before, after) for code, (before, _, after) in parts.items()}, bound)
    return Statement({code: (claim.statement(code), "") for code in LANGUAGES}, None)


CLAIMS: tuple[Writes, ...] = (claims,)
