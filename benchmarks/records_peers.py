"""The job of ``records_scale.py`` by the plain means of pandas and of DuckDB, on the same file.

Both do a naive version: no validation, no intervals, no choice of attempts beyond ``final``.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import numpy as np

STATISTICS = ("run_ms_mean", "run_ms_p50", "compile_first_run_ms")


def analyse_by_pandas(results: Path) -> dict[str, float]:
    """Read by chunks of read_json and json_normalize, then group."""
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

    from records_scale import BASELINE, PRIMARY

    laps = [perf_counter()]
    frames = []
    for chunk in pd.read_json(results, lines=True, chunksize=10_000):
        frames.append(pd.json_normalize(chunk.to_dict("records")))
    table = pd.concat(frames)
    table = table[table["final"]]
    laps.append(perf_counter())
    keys = ["workload.name", "config.compiler", "role", "mode", *(f"config.knobs.{knob}" for knob in PRIMARY)]
    metrics = [f"runtime.{name}" for name in STATISTICS]
    ok = table[table["status"] == "ok"]
    groups = len(ok.groupby(keys, dropna=False)[metrics].agg(["count", "median", "mean"]))
    laps.append(perf_counter())
    base = ok[
        (ok["role"] == "measured")
        & (ok[[f"config.knobs.{k}" for k in PRIMARY]] == [BASELINE[k] for k in PRIMARY]).all(axis=1)
    ]
    joined = ok.merge(base[["block_id", metrics[1]]], on="block_id", suffixes=("", "_base"))
    joined["log"] = np.log(joined[metrics[1]]) - np.log(joined[f"{metrics[1]}_base"])
    joined.groupby(keys, dropna=False)["log"].agg(["mean", "std", "count"])
    laps.append(perf_counter())
    return _answer(len(table), groups, laps)


def analyse_by_duckdb(results: Path) -> dict[str, float]:
    """Read by read_json with the types that it finds, then group."""
    import duckdb  # type: ignore[import-not-found,unused-ignore]

    from records_scale import BASELINE, PRIMARY

    database = duckdb.connect()
    laps = [perf_counter()]
    knobs = ", ".join(f"config['knobs']['{knob}'] AS {knob}" for knob in PRIMARY)
    metrics = ", ".join(f"runtime['{name}'] AS {name}" for name in STATISTICS)
    database.execute(
        f"CREATE TABLE trials AS SELECT *, workload['name'] AS model, config['compiler'] AS compiler, {knobs}, "
        f"{metrics} FROM read_json('{results}', format='newline_delimited') WHERE final"
    )
    laps.append(perf_counter())
    (trials,) = database.execute("SELECT count(*) FROM trials").fetchall()[0]
    keys = ", ".join(("model", "compiler", "role", "mode", *PRIMARY))
    figures = ", ".join(f"count({name}), median({name}), avg({name})" for name in STATISTICS)
    grouped = f"SELECT {keys}, {figures} FROM trials WHERE status = 'ok' GROUP BY {keys}"
    groups = len(database.execute(grouped).fetchall())
    laps.append(perf_counter())
    is_base = " AND ".join(f"{knob} = '{BASELINE[knob]}'" for knob in PRIMARY)
    database.execute(
        "WITH ok AS (SELECT * FROM trials WHERE status = 'ok' AND run_ms_p50 > 0), "
        f"base AS (SELECT block_id, run_ms_p50 FROM ok WHERE role = 'measured' AND {is_base}), "
        f"logs AS (SELECT {', '.join(f'ok.{key}' for key in keys.split(', '))}, "
        "ln(ok.run_ms_p50) - ln(base.run_ms_p50) AS log FROM ok JOIN base USING (block_id)) "
        f"SELECT {keys}, avg(log), stddev_samp(log), count(log) FROM logs GROUP BY {keys}"
    ).fetchall()
    laps.append(perf_counter())
    return _answer(trials, groups, laps)


def _answer(trials: int, groups: int, laps: list[float]) -> dict[str, float]:
    seconds = dict(zip(("read_s", "summary_s", "ratios_s"), np.diff(laps).tolist(), strict=True))
    return {"trials": trials, **seconds, "groups": groups}
