"""Histories: a bridge takes the machine out, a change of bridge is linked, and a step is found where it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ablatrix.analysis.history import History, HistoryRun, find_history, history_data, read_run
from ablatrix.errors import AnalysisError
from tests.history_of_builds import build_records, write_run

METRIC = "run_ms_paired"


def a_run(path: Path, day: int, factors: Mapping[str, float], **of_run: object) -> HistoryRun:
    records = build_records(factors, seed=day, day=day, **of_run)  # type: ignore[arg-type]
    return read_run(f"run-{day:02d}", write_run(path / f"{day:02d}", records) / "results.jsonl", [METRIC])


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Twelve runs: the new build is 4 % slower from the seventh on, the machine another one from the tenth on."""
    path = tmp_path_factory.mktemp("moved")
    runs = [
        a_run(
            path,
            day,
            {"bridge": 1.0, "head": 1.04 if day >= 7 else 1.0},
            host="old" if day < 10 else "new",
            slow=1.0 if day < 10 else 1.7,
        )
        for day in range(1, 13)
    ]
    return find_history(runs)


def test_step_is_found_at_its_run(moved: History) -> None:
    (series,) = moved.series
    (shift,) = series.shifts
    assert (moved.runs[shift.before].name, moved.runs[shift.run].name) == ("run-06", "run-07")
    assert shift.kind == "slower"
    assert shift.ratio.value == pytest.approx(1.04, abs=0.005)
    assert not moved.holds


def test_other_machine_raises_no_alarm(moved: History) -> None:
    assert [moved.runs[number].name for number in moved.host_changes] == ["run-10"]
    assert len(moved.alarms) == 1


def test_exit_code_looks_back_as_far_as_asked(moved: History) -> None:
    assert find_history(moved.runs, last=6).alarms
    assert not find_history(moved.runs, last=5).alarms


def test_levels_are_ratios_to_bridge(moved: History) -> None:
    (before, behind) = moved.series[0].levels
    assert before[2].value == pytest.approx(1.0, abs=0.005)
    assert behind[2].value == pytest.approx(1.04, abs=0.005)


def test_plain_data_names_runs(moved: History) -> None:
    data = history_data(moved)
    assert data["host_changes"] == ["run-10"]
    assert data["alarms"][0]["run"] == "run-07"
    assert len(data["series"][0]["points"]) == 12


def test_step_at_other_machine_is_no_alarm(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path, day, {"bridge": 1.0, "head": 1.0 if day < 7 else 1.05}, host="old" if day < 7 else "new")
        for day in range(1, 13)
    ]
    found = find_history(runs)
    assert [one.kind for one in found.series[0].shifts] == ["at_host_change"]
    assert found.holds


def test_new_bridge_is_linked_by_run_of_both(tmp_path: Path) -> None:
    """The new bridge is twice as fast as the old one; the new build stays as it is."""
    runs = [a_run(tmp_path, day, {"old": 1.0, "head": 1.1}) for day in range(1, 5)]
    runs += [a_run(tmp_path, 5, {"old": 1.0, "young": 0.5, "head": 1.1})]
    runs += [a_run(tmp_path, day, {"young": 0.5, "head": 1.1}) for day in range(6, 10)]
    found = find_history(runs, head="head")
    (series,) = found.series
    assert [one.bridge for one in series.points] == ["old"] * 5 + ["young"] * 4
    assert [one.ratio.value for one in series.points] == pytest.approx([1.1] * 9, rel=0.01)
    assert series.shifts == ()


def test_bridge_without_link_leaves_runs_out(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, day, {"old": 1.0, "head": 1.1}) for day in range(1, 4)]
    runs += [a_run(tmp_path, 4, {"young": 0.5, "head": 1.1})]
    found = find_history(runs)
    assert len(found.series[0].points) == 3
    assert "never measured in one run with old" in found.series[0].missing[3]
    assert found.lost == list(found.series)
    assert not found.holds


def test_bridge_of_same_name_and_other_build_is_another_bridge(tmp_path: Path) -> None:
    runs = [
        a_run(
            tmp_path,
            day,
            {"bridge": 1.0, "head": 1.0},
            digests={"bridge": "3.11" if day < 3 else "3.12", "head": str(day)},
        )
        for day in range(1, 5)
    ]
    (series,) = find_history(runs).series
    assert len(series.points) == 2
    assert "never measured in one run with bridge" in series.missing[2]


def test_wrong_output_of_new_build_is_missing_point(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, day, {"bridge": 1.0, "head": 1.0}) for day in range(1, 3)]
    runs += [a_run(tmp_path, 3, {"bridge": 1.0, "head": 1.0}, failing="head")]
    found = find_history(runs)
    assert "wrong_output in 5 of 5 blocks" in found.series[0].missing[2]
    assert found.series[0].too_short


def of_two(path: Path, day: int, attention: float, encoder: float, **of_run: object) -> HistoryRun:
    workloads = {"attention": attention, "encoder": encoder}
    return a_run(path, day, {"bridge": 1.0, "head": 1.0}, workloads=workloads, **of_run)


def test_mean_over_workloads_is_series_with_changes_of_its_own(tmp_path: Path) -> None:
    runs = [of_two(tmp_path, day, 1.06 if day > 6 else 1.0, 1.02 if day > 6 else 1.0) for day in range(1, 11)]
    found = find_history(runs)
    assert [one.name for one in found.series] == [
        "attention on tvm",
        "encoder on tvm",
        "geometric mean of 2 workloads on tvm",
    ]
    mean = found.series[-1]
    (shift,) = mean.shifts
    assert found.runs[shift.run].name == "run-07"
    assert shift.ratio.value == pytest.approx((1.06 * 1.02) ** 0.5, abs=0.003)
    assert [one.ratio.value for one in mean.points] == pytest.approx(
        [
            (one.ratio.value * other.ratio.value) ** 0.5
            for one, other in zip(found.series[0].points, found.series[1].points, strict=True)
        ]
    )
    assert history_data(found)["series"][-1]["workloads"] == ["attention", "encoder"]


def test_interval_of_mean_is_narrower_than_those_of_its_workloads(tmp_path: Path) -> None:
    one, other, mean = find_history([of_two(tmp_path, 1, 1.0, 1.0)]).series
    errors = [series.points[0].estimate.error for series in (one, other, mean)]
    assert errors[2] == pytest.approx((errors[0] ** 2 + errors[1] ** 2) ** 0.5 / 2)  # type: ignore[operator]


def test_mean_has_no_point_where_a_workload_has_none(tmp_path: Path) -> None:
    runs = [of_two(tmp_path, day, 1.0, 1.0) for day in (1, 2)]
    runs += [a_run(tmp_path, 3, {"bridge": 1.0, "head": 1.0})]
    found = find_history(runs)
    assert found.series[-1].missing == {2: "no point of encoder"}
    assert [one.workload for one in found.lost] == ["encoder"]


def test_workload_of_few_runs_is_left_out_of_mean(tmp_path: Path) -> None:
    runs = [a_run(tmp_path, day, {"bridge": 1.0, "head": 1.0}) for day in (1, 2)]
    runs += [of_two(tmp_path, 3, 1.0, 1.0)]
    assert [one.workload for one in find_history(runs).series] == ["attention", "encoder"]


def test_runs_of_one_build_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="no run has a new build beside a bridge"):
        find_history([a_run(tmp_path, 1, {"head": 1.0})])


def test_several_new_builds_have_to_be_named(tmp_path: Path) -> None:
    run = a_run(tmp_path, 1, {"bridge": 1.0, "one": 1.0, "two": 1.0})
    with pytest.raises(AnalysisError, match="several: bridge, one, two; name the new one"):
        find_history([run])
    assert find_history([run], head="two").series[0].points[0].bridge == "bridge"


def test_unknown_metric_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="there is no metric 'speed'"):
        read_run("x", tmp_path, ["speed"])
