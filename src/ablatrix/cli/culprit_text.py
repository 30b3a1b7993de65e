"""What a search for culprits came to, as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ablatrix.cli.display import ratio_text
from ablatrix.cli.tables import say, show_steps
from ablatrix.cli.time_left import duration_text
from ablatrix.foreign_text import shell_word

if TYPE_CHECKING:
    from ablatrix.culprits import Candidate, Departure, Finding


@dataclass(frozen=True)
class Line:
    """One sentence of the answer, and how far it is set in."""

    text: str
    indent: int = 0


def show_finding(found: Finding, out: Path) -> None:
    """Print what was found, and to stderr the commands that come next."""
    for line in finding_lines(found):
        say(line.text, indent=line.indent, hanging=2)
    _show_next(found, out)


def finding_lines(found: Finding) -> list[Line]:
    """Return what was found, a sentence each."""
    lines = [Line(_answer(found))]
    if found.ending == "found":
        lines += _evidence(found)
    if found.application is not None:
        one = found.application
        told = f": {one.told}" if one.told else ""
        lines.append(Line(f"application: {one.number} of {one.count} of {one.title}{told}"))
    if found.departure is not None:
        lines += _departure(found.departure)
    lines += [Line(why) for why in found.why]
    if found.note and found.ending != "no_candidates":
        lines.append(Line(f"of passes: {found.note}"))
    if found.stay:
        lines.append(Line(f"never off, as the compiler fails in another way without: {', '.join(found.stay)}"))
    counts = f"{len(found.candidates)} candidates, {len(found.looks)} looks, {found.trials} trials"
    return [*lines, Line(f"{counts}, {duration_text(found.seconds)}")]


def keep_beside(found: Finding, results: Path, trial: str, command: str) -> Path:
    """Keep what was found beside the results with the trial, for the page."""
    from ablatrix.records.kept_findings import KeptFinding, keep_finding

    configuration = found.question.configuration
    kind = found.question.kind.replace("_", " ")
    kept = KeptFinding(
        kind="bisect",
        title=f"{configuration.workload} on {configuration.compiler}: {kind} (trial {trial})",
        lines=tuple(line.text for line in finding_lines(found)),
        command=command,
    )
    return keep_finding(results, trial, kept)


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
        "no_trouble": f"no culprit: {of} is not slower than without its knobs and passes"
        if found.question.is_slower
        else f"no culprit: {of} does not have the trouble ({kind}) in any of {looks} looks",
        "other_trouble": f"no culprit: {of} has {trouble}; ask for that one with --trouble",
        "flaky": f"no culprit: {of} is flaky, {kind} in {yes} of {looks} trials, so that switching passes off proves "
        "nothing",
        "no_candidates": f"no culprit: nothing can be switched off on {of}" + (f": {found.note}" if found.note else ""),
        "not_among": f"no culprit: {of} is {kind} with every candidate off, so it is none of them",
        "unstable": f"no culprit: looks at {of} contradict each other, as the trouble ({kind}) comes and goes",
        "most_looks": "no culprit yet: as many looks were made as --most-looks allows",
    }[found.ending]


def _evidence(found: Finding) -> Iterator[Line]:
    for one in found.culprits:
        yield Line(_switch(one), 2)
    if found.trouble is not None and not found.trouble.is_slower:
        yield Line(f"trouble: {found.trouble.text}")
    if found.confidence is not None:
        from ablatrix.bisection import sure_text

        yield Line(f"confidence: {sure_text(found.confidence)}")
    if found.whole is not None:
        yield Line(f"against the reference: {ratio_text(found.whole)} in {found.whole.count} blocks")
    if found.cured is not None:
        word = "" if found.holds else "; this does not confirm it"
        times = f"{ratio_text(found.cured)} in {found.cured.count} blocks"
        yield Line(f"{found.question.metric} over that without it: {times}{word}")
    if found.alone is False:
        yield Line("with all other candidates off the trouble does not show: it takes some of them, too")


def _switch(one: Candidate) -> str:
    changed = f"; it changed the program {one.changed} time{'s' if one.changed != 1 else ''}" if one.changed else ""
    return f"{one.title}: without the trouble at {one.knob}={one.neutral}{changed}"


def _departure(one: Departure) -> Iterator[Line]:
    yield Line(f"first wrong value: {one.node} = {one.operation}, operation {one.number} of {one.count}")
    if one.line:
        yield Line(f"in the model: {one.line}", 2)
    if one.values:
        yield Line(f"values: {one.values}", 2)
    if one.before:
        yield Line(f"still right before it: {one.before}", 2)


def _show_next(found: Finding, out: Path) -> None:
    steps = []
    if found.compared:
        steps.append(("both beside each other", f"ablatrix effects {shell_word(out / 'looks' / found.compared)}"))
    yes = next((one for one in found.looks if one.answer in {"yes", "other"}), None)
    if yes is not None:
        steps.append(("the trials of the first look", f"ablatrix status {shell_word(out / 'looks' / yes.results[0])}"))
    if steps:
        show_steps(steps)
