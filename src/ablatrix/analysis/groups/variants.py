"""Which workloads of a table are variants of one, as its records say it, and over what a mean of several is."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from ablatrix.records.variants import AxisValue, axis_text


@dataclass(frozen=True)
class Variant:
    """What a workload is a variant of.

    Attributes:
        base: The workload; without axes it is itself.
        axes: The value of each axis, in the order of the study.
    """

    base: str
    axes: Mapping[str, AxisValue] = field(default_factory=dict)

    def at(self, axis: str) -> str:
        """Return the value of an axis as text."""
        return axis_text(self.axes[axis])

    def others(self, axis: str) -> dict[str, str]:
        """Return the values of the other axes as text."""
        return {name: axis_text(value) for name, value in self.axes.items() if name != axis}


Variants = Mapping[str, Variant]
"""By the name of the workload; one without axes need not be there."""
NO_VARIANTS: Variants = {}


def variants_of(trials: pl.DataFrame) -> Variants:
    """Return the variants of a table, by name; none of records without axes, and before version 1.4."""
    if "workload_base" not in trials.columns:
        return NO_VARIANTS
    rows = trials.lazy().filter(pl.col("workload_base").is_not_null())
    names = [pl.col(name).cast(pl.String) for name in ("workload", "workload_base", "workload_axes")]
    return {
        workload: Variant(base, {one["name"]: one["value"] for one in json.loads(axes)})
        for workload, base, axes in rows.select(names).unique().sort("workload").collect().iter_rows()
    }


def base_of(workload: str, variants: Variants) -> str:
    """Return the workload that one is a variant of; without axes itself."""
    return variants[workload].base if workload in variants else workload


def families(workloads: Iterable[str], variants: Variants) -> dict[str, list[int]]:
    """Return the places of workloads by what they are variants of, in their order."""
    found: dict[str, list[int]] = {}
    for place, workload in enumerate(workloads):
        found.setdefault(base_of(workload, variants), []).append(place)
    return found


def axis_counts(workloads: Iterable[str], variants: Variants) -> dict[str, int]:
    """Return how many values of each axis some variants of one workload have; nothing of one without axes."""
    values: dict[str, set[str]] = {}
    for workload in workloads:
        for name, value in (variants[workload].axes if workload in variants else {}).items():
            values.setdefault(name, set()).add(axis_text(value))
    return {name: len(held) for name, held in values.items()}


def over_text(workloads: Iterable[str], variants: Variants) -> str:
    """Return over what a mean of variants is, in English: ``3 values of tokens and 2 of dtype of encoder``.

    Of workloads without axes there is nothing to say, and the text is empty.
    """
    names = list(dict.fromkeys(workloads))
    parts = []
    for base, places in families(names, variants).items():
        counts = axis_counts([names[place] for place in places], variants)
        if counts:
            first, *rest = [(count, name) for name, count in counts.items()]
            axes = [f"{first[0]} {'value' if first[0] == 1 else 'values'} of {first[1]}"]
            parts.append(f"{_listed([*axes, *(f'{count} of {name}' for count, name in rest)])} of {base}")
    return "; ".join(parts)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
