"""Where the baselines of a table's trials are not as their compilers ship."""

import json

import polars as pl

DEPARTURES = "departures"


def departures_of(trials: pl.DataFrame) -> dict[str, dict[str, str]]:
    """Return the level as shipped of each knob that the baseline has at another, by compiler.

    A compiler is not there where its records do not say it, as those before 1.3.
    """
    if DEPARTURES not in trials.columns:
        return {}
    found: dict[str, dict[str, str]] = {}
    for compiler, text in trials.select("compiler", DEPARTURES).drop_nulls().unique().sort(pl.all()).iter_rows():
        found.setdefault(str(compiler), {}).update({knob: str(level) for knob, level in json.loads(text).items()})
    return found
