"""What a search for culprits came to, as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.cli.display import ratio_text
from ablatrix.cli.tables import say, show_steps
from ablatrix.cli.time_left import duration_text

if TYPE_CHECKING:
    from ablatrix.culprits import Candidate, Finding


def show_finding(found: Finding, out: Path) -> None:
    """Print what was found, and to stderr the commands that come next."""
    say(_answer(found), hanging=2)
    if found.ending == "found":
        _show_evidence(found)
    if found.application is not None:
        one = found.application
        told = f": {one.told}" if one.told else ""
        say(f"application: {one.number} of {one.count} of {one.title}{told}", hanging=2)
    if found.departure is not None:
        _show_departure(found)
    for why in found.why:
        say(why, hanging=2)
    if found.stay:
        say(f"never off, as the compiler fails in another way without: {', '.join(found.stay)}", hanging=2)
    say(
        f"{len(found.candidates)} candidates, {len(found.looks)} looks, {found.trials} trials, "
        f"{duration_text(found.seconds)}",
        hanging=2,
    )
    _show_next(found, out)


def _answer(found: Finding) -> str:
    """Return the answer as one sentence."""
    kind = found.question.kind.replace("_", " ")
    configuration = found.question.configuration
    of = f"{configuration.workload} on {configuration.compiler}"
    yes, looks = found.shown
    if found.ending == "found":
        names = [one.title for one in found.culprits]
        if found.relation == "together":
            return f"culprits: {' and '.join(names)} together (either one off is enough)"
        return f"culprit{'s' if len(names) > 1 else ''}: {', '.join(names)}" + (
            " (each of them)" if len(names) > 1 else ""
        )
    trouble = "another trouble" if found.trouble is None else f"another trouble, {found.trouble.text}"
    return {
        "no_trouble": f"no culprit: {of} does not have the trouble ({kind}) in any of {looks} looks"
        if looks
        else f"no culprit: {of} is not slower than without its knobs and passes",
        "other_trouble": f"no culprit: {of} has {trouble}; ask for that one with --trouble",
        "flaky": f"no culprit: {of} is flaky, {kind} in {yes} of {looks} trials, so that switching passes off proves "
        "nothing",
        "no_candidates": f"no culprit: nothing can be switched off on {of}" + (f": {found.note}" if found.note else ""),
        "not_among": f"no culprit: {of} is {kind} with every candidate off, so it is none of them",
        "unstable": f"no culprit: looks at {of} contradict each other, as the trouble ({kind}) comes and goes",
        "most_looks": "no culprit yet: as many looks were made as --most-looks allows",
    }[found.ending]


def _show_evidence(found: Finding) -> None:
    for one in found.culprits:
        say(_switch(one), indent=2, hanging=2)
    if found.trouble is not None and not found.trouble.is_slower:
        say(f"trouble: {found.trouble.text}", hanging=2)
    if found.confidence is not None:
        from ablatrix.bisection import sure_text

        say(f"confidence: {sure_text(found.confidence)}", hanging=2)
    if found.whole is not None:
        say(f"against the reference: {ratio_text(found.whole)} in {found.whole.count} blocks", hanging=2)
    if found.cured is not None:
        word = "" if found.holds else "; this does not confirm it"
        times = f"{ratio_text(found.cured)} in {found.cured.count} blocks"
        say(f"{found.question.metric} over that without it: {times}{word}", hanging=2)
    if found.alone is False:
        say("with all other candidates off the trouble does not show: it takes some of them, too", hanging=2)


def _switch(one: Candidate) -> str:
    changed = f"; it changed the program {one.changed} time{'s' if one.changed != 1 else ''}" if one.changed else ""
    return f"{one.title}: without the trouble at {one.knob}={one.neutral}{changed}"


def _show_departure(found: Finding) -> None:
    one = found.departure
    assert one is not None
    say(f"first wrong value: {one.node} = {one.operation}, operation {one.number} of {one.count}", hanging=2)
    if one.line:
        say(f"in the model: {one.line}", indent=2, hanging=2)
    if one.values:
        say(f"values: {one.values}", indent=2, hanging=2)
    if one.before:
        say(f"still right before it: {one.before}", indent=2, hanging=2)


def _show_next(found: Finding, out: Path) -> None:
    steps = []
    if found.compared:
        steps.append(("both beside each other", f"ablatrix effects {out / 'looks' / found.compared}"))
    yes = next((one for one in found.looks if one.answer in {"yes", "other"}), None)
    if yes is not None:
        steps.append(("the trials of the first look", f"ablatrix status {out / 'looks' / yes.results[0]}"))
    if steps:
        show_steps(steps)
