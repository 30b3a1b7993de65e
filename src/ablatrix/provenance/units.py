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
    knobs = rows.knobs()
    measured = rows.trials.lazy().filter(pl.col("role") == "measured")
    counts = measured.group_by("workload").agg(pl.col("workload_digest").n_unique()).collect()
    sizes = dict(counts.iter_rows())
    levels = measured.group_by(by).agg(pl.col(f"baseline_{knob}").drop_nulls().first() for knob in knobs).collect()
    bases = {tuple(row[: len(by)]): dict(zip(knobs, row[len(by) :], strict=True)) for row in levels.iter_rows()}
    ok, twins = (_ok_by_mode(rows, by, role) for role in ("measured", "twin"))
    found = {}
    for key in sorted(bases, key=lambda one: tuple(map(str, one))):
        workload, digest, compiler = map(str, key[len(origin) :])
        unit = Unit(
            origin=key[: len(origin)],
            workload=workload,
            digest=digest,
            compiler=compiler,
            label=workload if sizes[workload] == 1 else f"{workload}@{digest[:6]}",
            baseline={knob: str(level) for knob, level in bases[key].items() if level is not None},
            ok=ok.get(key, {}),
            twins=twins.get(key, {}),
        )
        found[unit.identity] = unit
    return found


def _ok_by_mode(rows: Rows, by: Sequence[str], role: str) -> dict[UnitKey, dict[str, pl.DataFrame]]:
    """Return the ok trials of one role, by unit and mode."""
    found: dict[UnitKey, dict[str, pl.DataFrame]] = {}
    for key, held in rows.parts([*by, "mode"], IS_OK & (pl.col("role") == role)).items():
        found.setdefault(key[:-1], {})[str(key[-1])] = held
    return found
