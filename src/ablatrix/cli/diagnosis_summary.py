"""The three things of a diagnosis that matter first, in sentences: what fails, what does not act, what costs time."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ablatrix.analysis.diagnosis import BreakEven, Causes, KnobProof, described
from ablatrix.analysis.effects import names_text
from ablatrix.records.status import FAILURES

MAX_LINES = 3
"""Lines below each of the three; the tables have the rest."""
PAYING = {
    "pays at once": "pay at once",
    "repaid": "are repaid",
    "pays at first": "pay at first only",
    "never pays": "never pay",
    "undecided": "are undecided",
    "not attributable": "cannot be compared",
}


def show_summary(proofs: Sequence[KnobProof], causes: Sequence[Causes], even: Sequence[BreakEven], failed: int) -> None:
    """Print what matters first.

    Args:
        proofs: Of each knob on each workload and compiler.
        causes: Of each trouble.
        even: Break-even of each configuration.
        failed: Trials that failed.
    """
    failures = [one for one in causes if one.trouble in FAILURES]
    slow = [one for one in causes if one.trouble not in FAILURES]
    _show("1. What fails", [] if failed else ["no trial failed"], [_failure(one) for one in _worst_first(failures)])
    _show("2. What does not act", [_acting(proofs)], list(_idle(proofs)))
    _show("3. What costs time", list(_paying(even)), [_slow(one) for one in _worst_first(slow)])


def _show(title: str, always: Sequence[str], lines: Sequence[str]) -> None:
    from ablatrix.cli.tables import say

    say(title)
    for line in (*always, *lines[:MAX_LINES]):
        say(f"- {line}", indent=2, hanging=2)
    if len(lines) > MAX_LINES:
        say(f"... and {len(lines) - MAX_LINES} more like these", indent=4)
    print()


def _worst_first(causes: Sequence[Causes]) -> list[Causes]:
    return sorted(causes, key=lambda one: -len(one.bad))


def _failure(one: Causes) -> str:
    every = sum(one.states.values())
    subject = f"{one.workload} on {one.compiler}, {one.mode}: {one.trouble.replace('_', ' ')}"
    return f"{subject} in {len(one.bad)} of {every} configurations{_where(one)}"


def _slow(one: Causes) -> str:
    every = sum(one.states.values())
    subject = f"{one.workload} on {one.compiler}: {len(one.bad)} of {every} configurations are slower than the baseline"
    return f"{subject}{_where(one)}"


def _where(one: Causes) -> str:
    """Return which configurations have a trouble, as the end of a sentence."""
    if not one.causes:
        return "; no small number of sets of levels explains which"
    if any(cause.is_elsewhere for cause in one.causes):
        return ": all of them, so that the cause is none of the knobs"
    explained = [" or ".join(map(described, cause.sets)) for cause in one.causes]
    if one.settled:
        return f": those with {explained[0]}"
    more = "" if len(explained) == 1 else f", or {len(explained) - 1} other explanations"
    following = one.next_study
    decides = following is not None and following.stages is not None
    way = "a further stage would decide" if decides else "nothing that can be run decides it"
    return f": those with {explained[0]}{more} (open: {way})"


def _acting(proofs: Sequence[KnobProof]) -> str:
    if not proofs:
        return "no knob varies"
    counts = Counter(proof.verdict for proof in proofs)
    if counts["effective"] == len(proofs):
        return f"every knob changes the program on every workload ({len(proofs)} of {len(proofs)} proven)"
    return f"{counts['effective']} of {len(proofs)} changes of a knob on a workload are proven to change the program"


def _idle(proofs: Sequence[KnobProof]) -> Iterator[str]:
    """Yield a line for each knob that does not act, or only in part, with the workloads on which that is so."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for verdict in ("no_op", "unproven", "aliased"):
        for proof in proofs:
            if proof.verdict == verdict:
                change = f"{proof.knob}: {proof.base_level} -> {proof.level}"
                found.setdefault((verdict, proof.compiler, change), []).append(proof.workload)
    words = {
        "no_op": "is the same program at both levels: a difference in time is none of its own",
        "unproven": "is not proven to act",
        "aliased": "acts in part of the configurations; in the others another knob overrides it",
    }
    alike: dict[tuple[str, str], list[str]] = {}
    for (verdict, compiler, change), workloads in found.items():
        where = f"on {', '.join(dict.fromkeys(workloads))} ({compiler})"
        alike.setdefault((where, words[verdict]), []).append(change)
    for (where, says), changes in alike.items():
        if len(changes) > MAX_LINES:  # of many knobs those of which the same is said are one line
            knobs = names_text([change.split(":")[0] for change in changes])
            yield f"{len(changes)} knobs {where}, each {says}: {knobs}"
        else:
            yield from (f"{change} {where} {says}" for change in changes)


def _paying(even: Sequence[BreakEven]) -> Iterator[str]:
    counts = Counter(one.verdict for one in even)
    if not counts:
        return
    runs = sorted(one.runs for one in even if one.verdict == "repaid" and one.runs is not None)
    after = "" if not runs else f" (after {runs[0]:,.0f} runs)"
    if len(runs) > 1:
        after = f" (after {runs[0]:,.0f} to {runs[-1]:,.0f} runs)"
    parts = [
        f"{count} {PAYING[verdict]}{after if verdict == 'repaid' else ''}" for verdict, count in counts.most_common()
    ]
    yield f"compiling {len(even)} configurations against the baseline: {', '.join(parts)}"
