"""Workloads on compilers, with the trials that numbers about them follow from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ablatrix.analysis.table import IS_OK
from ablatrix.provenance.keys import key_part
from ablatrix.provenance.rows import Rows

UNIT = ("workload", "workload_digest", "compiler")
UnitKey = tuple[Any, ...]
"""Values of the columns that distinguish mixed records, then workload, digest and compiler."""
Levels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Unit:
    """One workload, in one size, on one compiler.

    Attributes:
        origin: Values of the columns that distinguish mixed records; empty when all have one origin.
        label: Its workload; with the start of its digest where several sizes share the name.
        baseline: The baseline's level of each knob that the compiler has.
        ok: Its ok measured trials by mode.
        twins: The ok A/A controls of its baseline by mode.
    """

    origin: tuple[Any, ...]
    workload: str
    digest: str
    compiler: str
    label: str
    baseline: Levels
    ok: Mapping[str, pl.DataFrame]
    twins: Mapping[str, pl.DataFrame]

    @property
    def key(self) -> str:
        """Its part of the key of a number."""
        return f"{self.workload_key}/{key_part(self.compiler)}"

    @property
    def workload_key(self) -> str:
        """The part of a key that names its workload, in its size."""
        size = self.label.removeprefix(self.workload).removeprefix("@")
        return f"{key_part(self.workload)}-{size}" if size else key_part(self.workload)

    @property
    def identity(self) -> UnitKey:
        """What distinguishes it from other units."""
        return (*self.origin, self.workload, self.digest, self.compiler)


def units_of(rows: Rows, origin: Sequence[str] = ()) -> dict[UnitKey, Unit]:
    """Return the units of the measured trials by their identity, sorted.

    Args:
        rows: The trials.
        origin: Columns that distinguish mixed records.
    """
    by = [*origin, *UNIT]
    measured = rows.trials.filter(pl.col("role") == "measured")
    controls = rows.trials.filter(pl.col("role") == "twin").partition_by(by, as_dict=True, maintain_order=True)
    sizes = dict(measured.group_by("workload").agg(pl.col("workload_digest").n_unique()).iter_rows())
    parts = measured.partition_by(by, as_dict=True, maintain_order=True)
    found = {}
    for key in sorted(parts, key=lambda one: tuple(map(str, one))):
        workload, digest, compiler = map(str, key[len(origin) :])
        base = {knob: parts[key][f"baseline_{knob}"].drop_nulls() for knob in rows.knobs()}
        unit = Unit(
            origin=key[: len(origin)],
            workload=workload,
            digest=digest,
            compiler=compiler,
            label=workload if sizes[workload] == 1 else f"{workload}@{digest[:6]}",
            baseline={knob: str(levels[0]) for knob, levels in base.items() if levels.len()},
            ok=_ok_by_mode(parts[key]),
            twins=_ok_by_mode(controls[key]) if key in controls else {},
        )
        found[unit.identity] = unit
    return found


def _ok_by_mode(trials: pl.DataFrame) -> dict[str, pl.DataFrame]:
    ok = trials.filter(IS_OK).partition_by("mode", as_dict=True, maintain_order=True)
    return {str(mode): held for (mode,), held in ok.items()}
