"""A history as plain data, for JSON and charts."""

from __future__ import annotations

from typing import Any

from ablatrix.analysis.history.values import History, Point, Series, Shift
from ablatrix.statistics.ratio import Ratio


def history_data(found: History) -> dict[str, Any]:
    """Return a history as plain data."""
    return {
        "holds": found.holds,
        "least": found.least,
        "runs": [
            {"name": run.name, "time_utc": run.time_utc, "host": run.host, "cpu": run.cpu, "head": head}
            for run, head in zip(found.runs, found.heads, strict=True)
        ],
        "host_changes": [found.runs[number].name for number in found.host_changes],
        "unused": {found.runs[number].name: why for number, why in found.unused.items()},
        "alarms": [{"series": one.name, **_shift(found, shift)} for one, shift in found.alarms],
        "series": [_series(found, one) for one in found.series],
    }


def _series(found: History, one: Series) -> dict[str, Any]:
    return {
        "workload": one.workload,
        "workloads": list(one.workloads),
        "compiler": one.compiler,
        "metric": one.metric,
        "bridge": one.bridge,
        "too_short": one.too_short,
        "points": [_point(found, point) for point in one.points],
        "shifts": [_shift(found, shift) for shift in one.shifts],
        "levels": [
            {"first": found.runs[first].name, "last": found.runs[last].name, **_ratio(ratio)}
            for first, last, ratio in one.levels
        ],
        "missing": {found.runs[number].name: why for number, why in one.missing.items()},
    }


def _point(found: History, point: Point) -> dict[str, Any]:
    return {"run": found.runs[point.run].name, "bridge": point.bridge, **_ratio(point.ratio)}


def _shift(found: History, shift: Shift) -> dict[str, Any]:
    names = {"run": found.runs[shift.run].name, "before": found.runs[shift.before].name, "kind": shift.kind}
    return {**names, **_ratio(shift.ratio), "p": shift.p_value}


def _ratio(ratio: Ratio) -> dict[str, Any]:
    return {"ratio": ratio.value, "low": ratio.low, "high": ratio.high}
