"""Workloads on compilers, with the trials that numbers about them follow from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.groups import Sizes
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
    measured = rows.trials.filter(pl.col("role") == "measured")
    controls = rows.trials.filter(pl.col("role") == "twin").partition_by(by, as_dict=True, maintain_order=True)
    sizes_of = dict(measured.group_by("workload").agg(pl.col("workload_digest").n_unique()).iter_rows())
    parts = measured.partition_by(by, as_dict=True, maintain_order=True)
    found = {}
    for key in sorted(parts, key=lambda one: tuple(map(str, one))):
        workload, digest, compiler = map(str, key[len(origin) :])
        base = {knob: parts[key][f"baseline_{knob}"].drop_nulls() for knob in rows.knobs()}
        has_sizes = sizes_of[workload] > 1
        size = (sizes or {}).get((workload, digest), digest[:_DIGEST_LETTERS])
        unit = Unit(
            origin=key[: len(origin)],
            workload=workload,
            digest=digest,
            compiler=compiler,
            label=sized(workload, size) if has_sizes else workload,
            baseline={knob: str(levels[0]) for knob, levels in base.items() if levels.len()},
            ok=_ok_by_mode(parts[key]),
            twins=_ok_by_mode(controls[key]) if key in controls else {},
            has_sizes=has_sizes,
        )
        found[unit.identity] = unit
    return found


def _ok_by_mode(trials: pl.DataFrame) -> dict[str, pl.DataFrame]:
    ok = trials.filter(IS_OK).partition_by("mode", as_dict=True, maintain_order=True)
    return {str(mode): held for (mode,), held in ok.items()}
