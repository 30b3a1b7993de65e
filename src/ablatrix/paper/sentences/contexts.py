"""How the time of a token grows with its context."""

from itertools import groupby

from ablatrix.analysis.effects import ContextLine, is_of_line
from ablatrix.paper.fragment import Fragment, Name, Said, listed, say
from ablatrix.paper.number import Form, Number
from ablatrix.paper.sentences.said import confidence_of
from ablatrix.paper.sentences.sentence import Sentence, Sources, Written
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.ranges import ranges_of
from ablatrix.provenance.rows import ROW

NANOSECOND = 1e-6  # in milliseconds
FIT = Form(".4f")
LARGE = 999.5  # from here on three digits would take an exponent


def over_context(sources: Sources) -> Written:
    """Yield a sentence for each model and phase with three contexts or more; nothing without one."""
    alike = groupby(sources.findings.context_lines, key=lambda one: (one.model, one.phase, one.batch))
    for number, ((model, phase, batch), lines) in enumerate(alike):
        held = list(lines)
        numbers = [_Numbers(sources, one) for one in held]
        slopes = [_slope(sources, one, found) for one, found in zip(held, numbers, strict=True)]
        key = f"benefit/{key_part(model)}/{phase}/{batch}/context"
        said = say(
            "context",
            model=sources.workload_named(model),
            phase=phase,
            slopes=listed(slopes, "parallel"),
            least=sources.ledger.minimum_of(f"{key}/least", [one.shortest for one in numbers]),
            most=sources.ledger.greatest_of(f"{key}/most", [one.longest for one in numbers]),
            fit=sources.ledger.minimum_of(f"{key}/fit", [one.fit for one in numbers if one.fit is not None]),
        )
        yield Sentence(f"over_context_{number}" if number else "over_context", said)


class _Numbers:
    """The numbers of a line, entered with the rows that it was fitted to."""

    def __init__(self, sources: Sources, one: ContextLine) -> None:
        part = sources.part(is_of_line(one), "tokens_context")
        key = f"benefit/{key_part(one.model)}/{one.phase}/{one.batch}/{key_part(one.compiler)}/context"
        largest = max(abs(one.line.slope.low), abs(one.line.slope.high)) / NANOSECOND
        form = Form(".3g" if largest < LARGE else ",.0f", NANOSECOND, "ns")

        def enter(name: str, value: float, form: Form) -> Number:
            return sources.ledger.enter(f"{key}/{name}", "line", value, form, ranges_of(part[ROW]), {"part": name})

        slope = one.line.slope
        self.slope = enter("slope", slope.value, form)
        self.low, self.high = enter("low", slope.low, form), enter("high", slope.high, form)
        self.fit = None if one.line.r_squared is None else enter("r_squared", one.line.r_squared, FIT)
        self.shortest = sources.ledger.least(f"{key}/shortest", part, "tokens_context", Form(",d"))
        self.longest = sources.ledger.greatest(f"{key}/longest", part, "tokens_context", Form(",d"))


def _slope(sources: Sources, one: ContextLine, found: _Numbers) -> Said:
    ends: Fragment = say("ends/plain", low=found.low, high=found.high)
    if found.low.value < 0.0:  # a minus sign and a dash would stand side by side
        ends = say("from_to", least=found.low, most=found.high)
    interval = say("ci/first", confidence=confidence_of(sources), ends=ends)
    value = say("with_unit", number=found.slope, unit=Name(str(found.slope.form.unit)))
    compiler = sources.eager() if one.compiler == "eager" else sources.compiler(one.compiler)
    return say("context/slope", slope=value, compiler=compiler, ci=interval)
