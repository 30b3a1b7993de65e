"""Which pairs of configurations are one program: of these no effect is estimated, whatever their times are."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ablatrix.analysis.diagnosis import KnobProof, Settings, prove_knobs
from ablatrix.analysis.groups import grouped
from ablatrix.statistics.precision import Comparison, Configuration

Key = tuple[Any, ...]
Same = frozenset[frozenset[Configuration]]
ByLevels = Mapping[tuple[str, ...], Configuration]
"""Configurations by the names of their levels."""


class SamePrograms:
    """The pairs of configurations that differ in one knob and are one program, by unit; see `prove_knobs`."""

    def __init__(self, proofs: Mapping[Key, Sequence[KnobProof]]) -> None:
        """Take the proofs by the values of the columns that distinguish mixed records."""
        self._by_unit: dict[Key, list[KnobProof]] = {}
        for origin, of_origin in proofs.items():
            for one in of_origin:
                self._by_unit.setdefault((*origin, one.workload, one.digest, one.compiler), []).append(one)

    @classmethod
    def of(cls, trials: pl.DataFrame, origin: Sequence[str] = ()) -> "SamePrograms":
        """Prove the knobs of a table of trials, each origin by itself."""
        parts = grouped(trials, origin) if origin else [((), trials)]
        return cls({tuple(key): prove_knobs(part) for key, part in parts})

    def within(self, unit: Key, comparison: Comparison, fixed: Mapping[str, str]) -> Same:
        """Return the pairs among the configurations of a comparison.

        Args:
            unit: Values of the columns that distinguish mixed records, workload, its digest, compiler.
            comparison: Of that unit.
            fixed: Levels of the knobs that are none of the comparison's.
        """
        there = {tuple(map(str, one)): one for one in comparison.configurations}
        found: set[frozenset[Configuration]] = set()
        for proof in self._by_unit.get(unit, ()):
            if proof.knob not in comparison.knobs:
                continue
            if proof.verdict == "no_op":
                found |= _all_pairs(there, comparison.knobs.index(proof.knob), proof)
            for alias in proof.aliases:
                pair = frozenset(_named(one, there, comparison.knobs, fixed) for one in (alias.one, alias.other))
                found |= {frozenset(one for one in pair if one is not None)} if None not in pair else set()
        return frozenset(found)


def _all_pairs(there: ByLevels, position: int, proof: KnobProof) -> set[frozenset[Configuration]]:
    found: set[frozenset[Configuration]] = set()
    for levels, one in there.items():
        other = there.get((*levels[:position], proof.level, *levels[position + 1 :]))
        if levels[position] == proof.base_level and other is not None:
            found.add(frozenset((one, other)))
    return found


def _named(settings: Settings, there: ByLevels, knobs: Sequence[str], fixed: Mapping[str, str]) -> Configuration | None:
    """Return the configuration with these settings; None where a fixed knob has another level."""
    levels = {one.knob: one.level for one in settings}
    if any(levels.get(knob, at) != at for knob, at in fixed.items()):
        return None
    return there.get(tuple(levels.get(knob, "") for knob in knobs))
