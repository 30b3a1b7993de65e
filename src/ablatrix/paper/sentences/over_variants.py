"""Over what a mean of all workloads is, where workloads have axes: which values of which."""

from typing import Literal

from ablatrix.analysis.groups import axis_counts, families
from ablatrix.paper.fragment import Fragment, Said, listed, say
from ablatrix.paper.sentences.sentence import Sources
from ablatrix.provenance.keys import key_part


def over_all(sources: Sources) -> Said:
    """Return that a mean is over all workloads; of variants, over how many values of which axes."""
    variants = sources.findings.variants
    if not variants:
        return say("over/all")
    units = {unit.workload: unit for unit in sources.estimates.units.values()}
    names = list(units)
    held: list[Fragment] = []
    found = families(names, variants)
    for base, places in found.items():
        own = [names[place] for place in places]
        axes = list(axis_counts(own, variants))
        if axes:
            counts = [_count(sources, base, axis, [(one, units[one].digest) for one in own]) for axis in axes]
            said = [
                say("over/values/further" if place else "over/values", count=count, axis=axis)
                for place, (axis, count) in enumerate(zip(axes, counts, strict=True))
            ]
            held.append(say("over/of", values=listed(said), workload=sources.workload_named(base)))
    return say("over/variants" if len(found) == 1 else "over/all_variants", values=listed(held, "items"))


def some_phrase(sources: Sources, where: Literal["over", "in"]) -> str:
    """Return the phrase for a mean over some of the workloads, which counts variants where there are any."""
    return f"{where}/some/variants" if sources.findings.variants else f"{where}/some"


def _count(sources: Sources, base: str, axis: str, named: list[tuple[str, str]]) -> Fragment:
    # A parameter whose column would have the name of another one has an underscore behind it.
    column = next(name for name in (f"parameter_{axis}_", f"parameter_{axis}") if name in sources.trials.columns)
    part = sources.part(sources.of_workloads(named), column)
    return sources.ledger.distinct(f"workloads/{key_part(base)}/values/{key_part(axis)}", part, column)
