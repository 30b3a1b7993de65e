"""The progress of a run that is started from Python: a bar in a notebook, a line that is kept up to date elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from ablatrix.records.brief import Brief
    from ablatrix.records.model import Stopping
    from ablatrix.study.design import Cell, Trial

MAX_LINES = 8
LEAST_S = 0.2


def progress_bar() -> ProgressBar:
    """Return what shows how far a run is: ``ablatrix.run(study, out, progress=ablatrix.progress_bar())``.

    In a notebook it is a bar below the cell; elsewhere one line on standard error. It needs no further package.
    """
    return ProgressBar(_notebook_display())


class ProgressBar:
    """Counts trials, and shows what is being done; nothing that it does happens while something is timed."""

    def __init__(self, display: Any = None, stream: TextIO | None = None) -> None:
        """Show by IPython's ``display``, where it is given, else on a stream (standard error by default)."""
        self._display = display
        self._stream = stream or sys.stderr
        self._handle: Any = None
        self._began = self._shown = monotonic()
        self._planned = self._done = self._width = 0
        self._failed: Counter[str] = Counter()
        self._what = "starting"
        self._lines: list[str] = []

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Show how many trials there are to run."""
        self._planned += len(trials)
        if finished:
            self._lines.append(f"{finished} trials finished before")
        self._show(at_once=True)

    def notice(self, text: str) -> None:
        """Show it below the bar."""
        self._lines.append(text)
        self._show(at_once=True)

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Show what is running."""
        self._what = what if cell is None else f"{cell.workload} {cell.compiler}: {what}"
        self._show()

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Make the bar longer."""
        self._planned += len(trials)
        self._show()

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Show what was decided about further blocks."""
        self.notice(f"{workload} {compiler}: {stopping.blocks} blocks; {stopping.decision.replace('_', ' ')}")

    def recorded(self, record: Brief) -> None:
        """Move the bar, and show what failed."""
        self._done += 1
        if record.status.is_failure or not record.status.ran:
            self._failed[record.status.value] += 1
            knobs = "".join(f" {knob}={level}" for knob, level in record.knobs.items())
            why = f": {record.error.message[:200]}" if record.error else ""
            self._lines.append(f"{record.status}: {record.workload} {record.compiler}{knobs}{why}")
        self._show(at_once=self._done >= self._planned)

    def _show(self, at_once: bool = False) -> None:
        now = monotonic()
        if not at_once and now - self._shown < LEAST_S:
            return
        self._shown = now
        if self._display is None:
            self._write_line()
        elif self._handle is None:
            self._handle = self._display.display(self._display.HTML(self._html()), display_id=True)
        else:
            self._handle.update(self._display.HTML(self._html()))

    def _counts(self) -> str:
        failed = "".join(f", {count} {status}" for status, count in self._failed.items())
        return f"{self._done} of {self._planned} trials{failed}, {_minutes(monotonic() - self._began)}"

    def _html(self) -> str:
        lines = "".join(f"<br>{escape(line)}" for line in self._lines[-MAX_LINES:])
        return (
            f'<div><progress value="{self._done}" max="{max(1, self._planned)}"></progress> {escape(self._counts())}'
            f"<br>{escape(self._what)}{lines}</div>"
        )

    def _write_line(self) -> None:
        text = f"{self._counts()}; {self._what}"[:160]
        end = "\n" if self._planned and self._done >= self._planned else ""
        if self._stream.isatty():
            for line in self._lines:
                self._stream.write(f"\r{line.ljust(self._width)}\n")
            self._stream.write(f"\r{text.ljust(self._width)}{end}")
            self._width = len(text)
        else:  # a file: whole lines, and only what is news
            self._stream.writelines(f"{line}\n" for line in [*self._lines, *([text] if end else [])])
        self._lines.clear()
        self._stream.flush()


def _minutes(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def _notebook_display() -> Any:
    """Return IPython's display module where this process is a notebook's kernel; None elsewhere."""
    python = sys.modules.get("IPython")  # a kernel has imported it; nothing else is worth importing it for
    shell = python.get_ipython() if python is not None else None
    return import_module("IPython.display") if hasattr(shell, "kernel") else None
