"""Workloads on compilers, with the trials that numbers about them follow from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.groups import Sizes, sort_key
from ablatrix.analysis.table import IS_OK
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.rows import Rows
from ablatrix.records.titles import sized

UNIT = ("workload", "workload_digest", "compiler")
UnitKey = tuple[Any, ...]
"""Values of the columns that distinguish mixed records, then workload, digest and compiler."""
Levels = Mapping[str, str]
_DIGEST_LETTERS = 6


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One workload, in one size, on one compiler.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        label: Its workload; with its size where several share the name.
        baseline: The baseline's level of each knob that the compiler has.
        ok: Its ok measured trials by mode.
        twins: The ok A/A controls of its baseline by mode.
        has_sizes: Whether other programs share the name of its workload.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    label: str
    baseline: Levels
    ok: Mapping[str, pl.DataFrame]
    twins: Mapping[str, pl.DataFrame]
    has_sizes: bool = False

    @property
    def key(self) -> str:
        """Its part of the key of a number."""
        return f"{self.workload_key}/{key_part(self.compiler)}"

    @property
    def workload_key(self) -> str:
        """The part of a key that names its workload, in its size."""
        return key_part(self.workload) + (f"-{self.digest[:_DIGEST_LETTERS]}" if self.has_sizes else "")

    @property
    def identity(self) -> UnitKey:
        """What distinguishes it from other units."""
        return (*self.origin, self.workload, self.digest, self.compiler)


def units_of(rows: Rows, origin: Sequence[str] = (), sizes: Sizes | None = None) -> dict[UnitKey, Unit]:
    """Return the units of the measured trials by their identity, sorted.

    Args:
        rows: The trials.
        origin: Columns that distinguish mixed records.
        sizes: What tells apart the sizes of a workload; where it is not known, the start of the digest does.
    """
    by = [*origin, *UNIT]
    knobs = rows.knobs()
    measured = rows.trials.lazy().filter(pl.col("role") == "measured")
    counts = measured.group_by("workload").agg(pl.col("workload_digest").n_unique()).collect()
    sizes_of = dict(counts.iter_rows())
    levels = measured.group_by(by).agg(pl.col(f"baseline_{knob}").drop_nulls().first() for knob in knobs).collect()
    bases = {tuple(row[: len(by)]): dict(zip(knobs, row[len(by) :], strict=True)) for row in levels.iter_rows()}
    ok, twins = (_ok_by_mode(rows, by, role) for role in ("measured", "twin"))
    found = {}
    for key in sorted(bases, key=lambda one: _order(tuple(map(str, one)), len(origin))):
        workload, digest, compiler = map(str, key[len(origin) :])
        has_sizes = sizes_of[workload] > 1
        size = (sizes or {}).get((workload, digest), digest[:_DIGEST_LETTERS])
        unit = Unit(
            origin=key[: len(origin)],
            workload=workload,
            digest=digest,
            compiler=compiler,
            label=sized(workload, size) if has_sizes else workload,
            baseline={knob: str(level) for knob, level in bases[key].items() if level is not None},
            ok=ok.get(key, {}),
            twins=twins.get(key, {}),
            has_sizes=has_sizes,
        )
        found[unit.identity] = unit
    return found


def _order(key: tuple[str, ...], at: int) -> tuple[Any, ...]:
    """Return what puts a unit in order: the variants of its workload, which is at a place, by their axes."""
    return (key[:at], sort_key(key[at]), key[at + 1 :])


def _ok_by_mode(rows: Rows, by: Sequence[str], role: str) -> dict[UnitKey, dict[str, pl.DataFrame]]:
    """Return the ok trials of one role, by unit and mode."""
    found: dict[UnitKey, dict[str, pl.DataFrame]] = {}
    for key, held in rows.parts([*by, "mode"], IS_OK & (pl.col("role") == role)).items():
        found.setdefault(key[:-1], {})[str(key[-1])] = held
    return found
