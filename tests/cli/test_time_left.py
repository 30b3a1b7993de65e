"""The time left of a run: right within a factor of 1.5 from the first record on, and never standing still."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from ablatrix.cli.progress import LiveView, PlainLines
from ablatrix.cli.time_left import TimeLeft, duration_text
from ablatrix.records.brief import Brief
from ablatrix.records.model import Record
from ablatrix.study.design import Cell, Trial
from tests.synthetic import make_records

PREPARE, COLD, HOT = 10.0, 1.0, 0.5


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Expected:
    """Costs that are wrong by a factor."""

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def preparation(self, workload: str) -> float:
        return PREPARE

    def trial(self, trial: Trial, cell: Cell) -> float:
        return self.factor * (COLD if trial.mode == "cold" else HOT)


def planned(records: list[Record]) -> list[tuple[Trial, Cell]]:
    return [
        (
            Trial(
                trial_id=one.trial_id,
                cell_id=one.cell_id,
                block_id=one.block_id,
                block=one.meta.block,
                replicate=0,
                position=one.meta.position,
                mode=one.mode,
                role=one.role,
            ),
            Cell(
                cell_id=one.cell_id,
                workload=one.workload.name,
                parameters={},
                compiler="tvm",
                knobs={},
                stage=None,
                baseline={},
            ),
        )
        for one in records
    ]


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
def test_time_left_is_right_within_half_after_few_records(factor: float) -> None:
    clock, records = Clock(), make_records(blocks=2)
    real = {"cold": COLD, "hot": HOT}
    left = TimeLeft(Expected(factor), clock)
    left.add(planned(records))
    for workload in ("attention", "encoder"):
        left.prepare(workload)
        clock.now += PREPARE
    left.start()
    for number, record in enumerate(records):
        if record.mode == "cold" or records[number - 1].block_id != record.block_id:
            of_block = [one for one in records if one.block_id == record.block_id]
            clock.now += COLD if record.mode == "cold" else HOT * len(of_block)
        left.count(Brief.of(record))
        rest = sum(real[one.mode] for one in records[number + 1 :])
        whole = number + 1 == len(records) or records[number + 1].block_id != record.block_id
        if number >= 8 and rest > 10 and whole and {one.mode for one in records[: number + 1]} == {"cold", "hot"}:
            assert 1 / 1.5 <= (left.seconds() or 0) / rest <= 1.5


def test_time_left_falls_during_preparation_and_a_long_block() -> None:
    clock, records = Clock(), make_records(blocks=1)
    left = TimeLeft(Expected(1.0), clock)
    left.add(planned(records))
    begun = 2 * PREPARE + 36 * COLD + 36 * HOT
    assert left.seconds() == begun
    left.prepare("attention")
    clock.now += 4
    assert left.seconds() == begun - 4
    clock.now += 6
    left.prepare("encoder")
    assert left.seconds() == begun - PREPARE
    clock.now += 25
    left.start()
    assert left.seconds() == begun - 2 * PREPARE
    clock.now += 3
    assert left.seconds() == begun - 2 * PREPARE - 3
    clock.now += 1e6
    assert 0 < (left.seconds() or 0) <= 0.1 * begun


def test_time_left_without_costs_is_unknown_before_first_record() -> None:
    clock, records = Clock(), make_records(blocks=1, modes=["cold"])
    left = TimeLeft(clock=clock)
    left.add(planned(records))
    assert (left.seconds(), left.text()) == (None, "?")
    clock.now += 2
    left.count(Brief.of(records[0]))
    assert left.seconds() == pytest.approx(2.0 * (len(records) - 1))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (900, "15 min"), (5400, "1 h 30 min")]
)
def test_duration_is_written_as_people_say_it(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_live_view_shows_time_left_on_the_line_of_all_trials(capsys: pytest.CaptureFixture[str]) -> None:
    records = make_records(workloads=["encoder"], modes=["cold"], blocks=1)
    trials = planned(records)
    view = LiveView(Expected(1.0))
    view.begin(trials, 3)
    view.working(None, trials[0][1], "preparing the workload: build, export, oracle")
    view.working(*trials[0], "cold")
    view.recorded(Brief.of(records[0]))
    console = Console(file=io.StringIO(), width=160)
    console.print(view.bar.get_renderable())
    assert isinstance(console.file, io.StringIO)
    everything, workload = console.file.getvalue().splitlines()
    assert re.match(rf"all trials .* 1/{len(records)} \d+ s left", everything)
    assert re.match(rf"encoder .* 1/{len(records)} .*encoder tvm cold", workload)
    assert "left" not in workload
    assert capsys.readouterr().err == "3 trials finished before\n"


def test_plain_lines_state_time_left_until_all_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    records = make_records(workloads=["encoder"], modes=["cold"], blocks=1)
    lines = PlainLines(costs=Expected(1.0))
    lines.begin(planned(records), 2)
    for record in records:
        lines.recorded(Brief.of(record))
    first, *_, last = capsys.readouterr().err.splitlines()
    seconds = PREPARE + len(records) * COLD
    assert (
        first == f"{len(records)} trials to run, 2 finished before; about {seconds:.0f} s, further blocks not counted"
    )
    assert last == f"{len(records)}/{len(records)} done (encoder {len(records)}/{len(records)})"


def test_plain_lines_say_how_far_it_is_once_a_second_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    records = make_records(workloads=["encoder"], modes=["cold"], blocks=2)
    assert len(records) > 30
    lines = PlainLines()
    lines.begin(planned(records), 0)
    for record in records:
        lines.recorded(Brief.of(record))
    said = [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines() if " done (" in line]
    assert said == [f"10/{len(records)}", f"{len(records)}/{len(records)}"]


def test_time_left_of_many_units_is_that_of_their_groups() -> None:
    """What is left is kept by group; it is what all units that are left add up to, whichever came."""
    clock, records = Clock(), make_records(blocks=2)
    left = TimeLeft(Expected(1.0), clock)
    left.add(planned(records), prepared=True)
    cost = {"cold": COLD, "hot": HOT}
    units = {one.block_id if one.mode == "hot" else one.trial_id for one in records[::3]}
    for key in sorted(units):
        held = [one for one in records if key in (one.block_id, one.trial_id)]
        clock.now += sum(cost[one.mode] for one in held)
        for one in held:
            left.count(Brief.of(one))
    rest = [one for one in records if not units & {one.trial_id, one.block_id if one.mode == "hot" else ""}]
    assert left.seconds() == pytest.approx(sum(cost[one.mode] for one in rest))
