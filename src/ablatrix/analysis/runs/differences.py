"""How the environments of the trials of two results differ: machine, versions, commits, threads, environment."""

import json
from dataclasses import dataclass

import polars as pl

from ablatrix.analysis.groups import ORIGIN_COLUMNS, sort_key

MACHINE_COLUMNS = (
    *("memory_bytes", "kernel", "container", "governor", "turbo", "smt", "machine_cpus", "cpu_quota_cores"),
    *("gpu_name", "gpu_driver", "gpu_memory_bytes", "gpu_count"),
)
OTHER_COLUMNS = ("study", "seed", "catalogue_digest", "workload_digest", "process")


@dataclass(frozen=True)
class Change:
    """Something in the environment of the trials that differs between A and B, with the values of each."""

    what: str
    a: tuple[str, ...]
    b: tuple[str, ...]


def find_changes(a: pl.DataFrame, b: pl.DataFrame) -> tuple[Change, ...]:
    """Return what differs around two tables of trials: origins, machine, versions, threads, environment variables."""
    prefixed = [name for name in (*a.columns, *b.columns) if name.startswith(("version_", "threads_"))]
    columns = dict.fromkeys((*ORIGIN_COLUMNS, *MACHINE_COLUMNS, *prefixed, *OTHER_COLUMNS))
    found = [Change(name, _values(a, name), _values(b, name)) for name in columns]
    variables = [_variables(one) for one in (a, b)]
    for name in sorted(variables[0].keys() | variables[1].keys()):
        found.append(Change(f"environment {name}", variables[0].get(name, ()), variables[1].get(name, ())))
    return tuple(change for change in found if change.a != change.b)


def _values(trials: pl.DataFrame, column: str) -> tuple[str, ...]:
    if column not in trials.columns:
        return ()
    return tuple(map(str, sorted(trials[column].drop_nulls().unique().to_list(), key=sort_key)))


def _variables(trials: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    held: dict[str, set[str]] = {}
    for text in trials["environment"].drop_nulls().unique():
        for name, value in json.loads(text).items():
            held.setdefault(name, set()).add(str(value))
    return {name: tuple(sorted(values)) for name, values in held.items()}
