"""Where the baselines of a table's trials are not as their compilers ship."""

import json

import polars as pl

DEPARTURES = "departures"
_BASELINE = "baseline_"


def departures_of(trials: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return the level as shipped of each knob that the baseline has at another, by compiler.

    A compiler is not there where its records do not say it, as those before 1.3. A knob that no baseline of it has is
    omitted: there is nothing that could be another level.
    """
    if DEPARTURES not in trials.columns:
        return {}
    told = trials.lazy().filter(pl.col(DEPARTURES).is_not_null())
    texts = told.select("compiler", DEPARTURES).drop_nulls().unique().sort(pl.all()).collect()
    shipped: dict[str, dict[str, str]] = {}
    for compiler, text in texts.iter_rows():
        shipped.setdefault(str(compiler), {}).update({knob: str(level) for knob, level in json.loads(text).items()})
    names = [name for name in trials.columns if name.startswith(_BASELINE)]
    counts = told.group_by("compiler").agg(pl.col(name).count() for name in names).collect()
    return {
        str(row["compiler"]): {
            knob: level for knob, level in shipped[str(row["compiler"])].items() if row.get(f"{_BASELINE}{knob}")
        }
        for row in counts.sort("compiler").iter_rows(named=True)
        if row["compiler"] is not None
    }
