"""The progress of a run: a bar in a notebook, a line elsewhere, and nothing in a file but what is news."""

from __future__ import annotations

import io
from typing import Any

import pytest

from ablatrix.notebook import progress
from ablatrix.notebook.progress import ProgressBar, progress_bar
from ablatrix.records.brief import Brief
from ablatrix.records.model import Record
from tests.synthetic import broken, make_records

RECORDS = [one for one in make_records(workloads=["attention"], blocks=1, modes=["cold"]) if one.role == "measured"]


class Display:
    """IPython.display, as far as it is used: keeps what is shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:
        return text

    def display(self, shown: str, display_id: bool) -> Display:
        assert display_id
        self.update(shown)
        return self

    def update(self, shown: str) -> None:
        self.shown.append(shown)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LEAST_S", 0.0)


def run(bar: ProgressBar, records: list[Record]) -> None:
    trials: list[Any] = [None] * len(records)
    bar.begin(trials, 2)
    bar.working(None, None, "preparing <mlp>")
    for record in records:
        bar.recorded(Brief.of(record))


def test_progress_in_notebook_updates_one_bar() -> None:
    display = Display()
    run(ProgressBar(display), [RECORDS[0], broken(RECORDS[1], "timeout")])
    assert 'value="0" max="2"' in display.shown[0]
    assert "preparing &lt;mlp&gt;" in display.shown[1]
    assert 'value="2" max="2"' in display.shown[-1]
    assert "2 of 2 trials, 1 timeout" in display.shown[-1]
    assert "timeout: attention tvm" in display.shown[-1]
    assert "planted: timeout" in display.shown[-1]
    assert "2 trials finished before" in display.shown[-1]


def test_progress_grows_with_further_trials() -> None:
    display = Display()
    bar = ProgressBar(display)
    run(bar, [RECORDS[0]])
    more: list[Any] = [None, None]
    bar.added(more)
    assert "1 of 3 trials" in display.shown[-1]


def test_progress_in_terminal_rewrites_one_line() -> None:
    terminal = Terminal()
    run(ProgressBar(stream=terminal), RECORDS[:3])
    text = terminal.getvalue()
    assert text.count("\n") == 2  # what was finished before, and the end
    assert text.rstrip().rpartition("\r")[2].startswith("3 of 3 trials, 0 s; preparing <mlp>")


def test_progress_in_file_writes_only_what_is_news() -> None:
    file = io.StringIO()
    run(ProgressBar(stream=file), [*RECORDS[:2], broken(RECORDS[2], "crashed")])
    lines = file.getvalue().splitlines()
    assert lines[0] == "2 trials finished before"
    assert lines[1].startswith("crashed: attention ")
    assert lines[1].endswith(": planted: crashed")
    assert lines[2].startswith("3 of 3 trials, 1 crashed, 0 s")
    assert len(lines) == 3


def test_progress_outside_notebook_uses_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    bar = progress_bar()
    run(bar, RECORDS[:1])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "1 of 1 trials" in captured.err
