"""The environment of the trials: the study, the machine, the software, and disturbances."""

import json
from collections.abc import Iterable
from typing import Any

import polars as pl

from ablatrix.analysis.table import Tidy
from ablatrix.page.printed import count, memory, number, seconds, significant
from ablatrix.page.table import Heading, Row, Shown, Table

STUDY = ("study", "study_digest", "study_commit", "study_dirty", "ablatrix_commit", "ablatrix_dirty", "seed")
MACHINE = (
    "host",
    "cpu",
    "cores",
    "machine_cpus",
    "cpu_quota_cores",
    "memory_bytes",
    "kernel",
    "container",
    "governor",
    "turbo",
    "smt",
)
OTHER_ROLES = {"primer": "primer: it only fills a cache", "probe": "probe: an untimed compile"}
"""Roles of trials that no statistic is about."""
GPU = ("gpu_name", "gpu_driver", "gpu_memory_bytes", "gpu_count")
NOISE = (
    ("load_average_before", "load average before a trial", significant),
    ("load_average_after", "load average after a trial", significant),
    ("steal_ms", "time taken by the hypervisor (ms)", significant),
    ("throttled_ms", "time stopped by a CPU quota (ms)", significant),
    ("swapped_pages", "pages swapped", number),
    ("involuntary_switches", "times that a CPU was taken away", number),
)
PREFIXES = {"version_": "version of ", "threads_": "threads of "}
UNKNOWN = "not known"
LAYOUTS = {
    "run": "once a run",
    "padding": "in each process: stack, heap and mappings",
    "block": "in each hot block: its fork server",
    "both": "in each process: stack, heap and mappings; in each hot block: its fork server",
}


def environment_table(found: Tidy) -> Table:
    """Return what the records report on study, machine and software; several values where trials differ."""
    trials = found.trials
    rows = [("schema version", trials["schema_version"])]
    rows += [(name.replace("_", " "), trials[name]) for name in (*STUDY, *MACHINE)]
    rows += [(name.replace("_", " "), trials[name]) for name in GPU if trials[name].null_count() < trials.height]
    for prefix, words in PREFIXES.items():
        rows += [(words + name.removeprefix(prefix), trials[name]) for name in found.columns(prefix)]
    rows.append(("how processes came to be", trials["process"]))
    rows.append(("address-space layout drawn anew", trials["layout_sampling"].cast(pl.String).replace(LAYOUTS)))
    shown = [Row([Shown(name), Shown(_values(values, name.endswith("memory bytes")))]) for name, values in rows]
    shown += [Row([Shown(f"environment {name}"), Shown(text)]) for name, text in _variables(trials["environment"])]
    return Table(
        "surroundings", "Study, machine and software", [Heading("what", wide=True), Heading("value", wide=True)], shown
    )


def machine_line(found: Tidy) -> str:
    """Return the machine and the versions in one line; what differs between trials is in the environment's table."""
    trials = found.trials

    def one(name: str) -> Any:
        values = trials[name].drop_nulls().unique().to_list()
        return values[0] if len(values) == 1 else None

    cores, memory_bytes = one("cores"), one("memory_bytes")
    kernel, container = one("kernel"), one("container")
    parts = [
        *([str(one("cpu"))] if one("cpu") else []),
        *([count(cores, "core")] if cores else []),
        *([f"{memory(float(memory_bytes))} of memory"] if memory_bytes else []),
        *([str(one("gpu_name"))] if one("gpu_name") else []),
        *([f"Linux {kernel}"] if kernel else []),
        *([f"in a container or virtual machine ({container})"] if container else []),
    ]
    versions = {name.removeprefix("version_"): one(name) for name in found.columns("version_")}
    parts += [f"{name} {version}" for name, version in versions.items() if version]
    return ", ".join(parts)


def noise_table(trials: pl.DataFrame) -> Table:
    """Return how disturbed the trials were: median and largest value of each counter, and how many report it."""
    rows = []
    for column, name, write in NOISE:
        values = trials[column].drop_nulls().cast(pl.Float64).sort()
        shown = [Shown(write(value), value) for value in (_middle(values), values[-1])] if len(values) else []
        missing = [Shown(UNKNOWN, tone="quiet")] * 2
        rows.append(Row([Shown(name), *(shown or missing), Shown(f"{len(values):,}", len(values))]))
    for reason, times in _counted(trials["disturbance"]):
        rows.append(Row([Shown(f"disturbed: {reason}"), Shown(""), Shown(""), Shown(f"{times:,}", times)]))
    return Table(
        "noise",
        "Disturbance of the trials",
        [Heading("counter"), Heading("median", True), Heading("largest", True), Heading("trials that tell", True)],
        rows,
    )


def _middle(ordered: pl.Series) -> float:
    """Return the median of numbers that are sorted: of an even number the mean of the middle two."""
    low, high = (float(ordered[index]) for index in ((len(ordered) - 1) // 2, len(ordered) // 2))
    return low if len(ordered) % 2 else (low + high) / 2


def exclusions_table(found: Tidy) -> Table:
    """Return how many records are in no number of the page, by reason."""
    counts = [(reason, int((found.trials["role"] == role).sum())) for role, reason in OTHER_ROLES.items()]
    reasons = [*found.excluded.items(), *(pair for pair in counts if pair[1])]
    rows = [Row([Shown(reason), Shown(f"{number:,}", number)]) for reason, number in reasons]
    return Table("exclusions", "Records left out", [Heading("reason"), Heading("records", True)], rows)


def run_span(trials: pl.DataFrame) -> str:
    """Return when the trials ran, and how long they took."""
    times = trials["time_utc"].drop_nulls()
    wall = sum(trials["wall_s"].drop_nulls().sort().to_list())
    took = f"{count(trials.height, 'trial')} in {seconds(wall)} of machine time"
    return f"{took}, from {str(times.min())[:16]} to {str(times.max())[:16]} UTC" if len(times) else took


def _values(series: pl.Series, is_memory: bool) -> str:
    values = _counted(series)
    if not values:
        return UNKNOWN
    write: Any = (lambda value: memory(float(value))) if is_memory else str
    if len(values) == 1 and values[0][1] == len(series):
        return str(write(values[0][0]))
    known = [f"{write(value)} ({count(number, 'trial')})" for value, number in values]
    unknown = len(series) - sum(number for _, number in values)
    return "; ".join([*known, *([f"{UNKNOWN} ({count(unknown, 'trial')})"] if unknown else [])])


def _counted(series: pl.Series) -> list[tuple[Any, int]]:
    counts = series.drop_nulls().value_counts()
    return sorted(counts.iter_rows(), key=lambda row: str(row[0]))


def _variables(texts: pl.Series) -> Iterable[tuple[str, str]]:
    held: dict[str, set[str]] = {}
    for text in texts.drop_nulls().unique():
        for name, value in json.loads(text).items():
            held.setdefault(name, set()).add(str(value))
    return [(name, "; ".join(sorted(values))) for name, values in sorted(held.items())]
