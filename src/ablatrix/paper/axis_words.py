"""Axes of workloads in the words of the paper's language."""

from collections.abc import Iterable

from ablatrix.analysis.groups import Variants, axis_counts, families
from ablatrix.plotting.labels import Labels


def over_words(labels: Labels, workloads: Iterable[str], variants: Variants) -> str:
    """Return over what a mean of variants is: ``3 values of tokens and 2 of dtype of BERT``."""
    names = list(dict.fromkeys(workloads))
    parts = []
    for base, places in families(names, variants).items():
        counts = list(axis_counts([names[place] for place in places], variants).items())
        if counts:
            said = [labels("values_of", count=count, axis=axis) for axis, count in counts[:1]]
            said += [labels("further_values_of", count=count, axis=axis) for axis, count in counts[1:]]
            parts.append(labels("values_of_workload", values=labels("and").join(said), workload=labels.workload(base)))
    return labels("semicolon").join(parts)
