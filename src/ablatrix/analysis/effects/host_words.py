"""What is said of an effect over hosts, in words."""

from collections.abc import Sequence

import polars as pl

from ablatrix.analysis.effects.over_hosts import EffectOnHosts, HostJudgement
from ablatrix.analysis.groups import host_numbers
from ablatrix.records.metrics import Language

MOST_NAMED = 4
"""Hosts that disagree and are named; of more, how many there are."""


def hosts_text(held: EffectOnHosts, judgement: HostJudgement | None, language: Language = "en") -> str:
    """Return on how many hosts an effect was measured, how much they differ, and which of them do."""
    tau = held.tau_percent
    if language == "zh":
        text = f"{len(held.names)} 台主机" + ("" if tau is None else f"\N{FULLWIDTH COMMA}τ = {tau:.1f}%")
        differ = "\N{FULLWIDTH SEMICOLON}主机间有差异\N{FULLWIDTH COLON}{hosts}"
    else:
        text = f"on {len(held.names)} hosts" + ("" if tau is None else f" (tau {tau:.1f} %)")
        differ = "; hosts differ: {hosts}"
    return text + (differ.format(hosts=odd_text(judgement.odd, language)) if judgement and judgement.differs else "")


def odd_text(odd: Sequence[str], language: Language = "en") -> str:
    """Return which hosts disagree."""
    named = list(odd[:MOST_NAMED])
    more = len(odd) - len(named)
    if language == "zh":
        return "\N{IDEOGRAPHIC COMMA}".join(named) + (f" 等 {len(odd)} 台" if more else "")
    return ", ".join([*named, *([f"{more} more"] if more else [])])


def repeats_text(hosts: Sequence[str]) -> str:
    """Return what repeats where results are of several hosts, in English; empty for one."""
    if not hosts:
        return ""
    few = "; so few hosts say little of others, and intervals are wide" if len(hosts) < FEW else ""
    return (
        f"Results of {len(hosts)} hosts: an effect is measured within each of them, and hosts are what repeats, so "
        f"that intervals are for hosts like these (Student's t over hosts){few}."
    )


def notes_on_hosts(trials: pl.DataFrame) -> list[str]:
    """Return what must be said beside figures of a table of trials: nothing where all are of one host."""
    found = host_numbers(trials)
    return [] if found is None else [repeats_text(found.names)]


FEW = 4
"""Fewer hosts leave t with 1 or 2 degrees of freedom."""
