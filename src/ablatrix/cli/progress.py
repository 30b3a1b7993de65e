"""Progress on stderr: a live view in a terminal, plain lines elsewhere."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ablatrix.records.model import Record, Stopping
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.progress import Progress as Listener
from ablatrix.trials.progress import Silence

GOOD = {"ok", "unsupported"}


@contextmanager
def watch(quiet: bool) -> Iterator[Listener]:
    """Yield what listens to a run: nothing, a live view, or plain lines."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty():
        live = LiveView()
        with live.bar:
            yield live
    else:
        yield PlainLines()


class Counts:
    """What every view counts: done, failed, and the pace for the time that is left."""

    def __init__(self) -> None:
        self.planned = self.done = 0
        self.failures: Counter[str] = Counter()
        self._began = monotonic()

    def begin(self, planned: int, finished: int) -> None:
        """Note what there is to do."""
        self.planned = planned
        self._began = monotonic()

    def count(self, record: Record) -> None:
        """Note one record."""
        self.done += 1
        if record.status not in GOOD:
            self.failures[record.status] += 1

    def eta(self) -> str:
        """Return the time left, from the pace so far."""
        if not self.done:
            return "?"
        left = (monotonic() - self._began) / self.done * (self.planned - self.done)
        return f"{left / 60:.1f} min" if left >= 60 else f"{left:.0f} s"

    def failed(self) -> str:
        """Return the failures so far, by status."""
        return ", ".join(f"{count} {status}" for status, count in sorted(self.failures.items()))


def describe(trial: Trial | None, cell: Cell | None, what: str) -> str:
    """Return one line on what is being done."""
    if cell is None:
        return what
    knobs = " ".join(f"{knob}={level}" for knob, level in cell.knobs.items())
    role = "" if trial is None or trial.role == "measured" else f" ({trial.role})"
    return f"{cell.workload} {cell.compiler}{role} {what} {knobs}".rstrip()


def describe_stopping(workload: str, compiler: str, stopping: Stopping) -> str:
    """Return one line on the widths reached and what follows from them."""
    widths = [
        f"{name} +-{width:.1%} (wanted {target:.1%})"
        for name, width, target in (
            ("effects", stopping.effect_half_width, stopping.effect_target),
            ("cells", stopping.cell_half_width, stopping.cell_target),
        )
        if width is not None
    ]
    reached = ", ".join(widths) or "no interval yet"
    return f"{workload} {compiler}: {stopping.blocks} blocks, {reached}: {stopping.decision}"


class PlainLines:
    """A line a notice, a record in ten, and every failure."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._last = ""

    def begin(self, planned: int, finished: int) -> None:
        """Say how much there is to do."""
        self._counts.begin(planned, finished)
        self._say(f"{planned} trials to run, {finished} finished before")

    def notice(self, text: str) -> None:
        """Say it."""
        self._say(text)

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Say it when it is a new workload or a new kind of work."""
        kind = what if cell is None else f"{cell.workload}: {what}"
        if kind != self._last and not what.startswith("hot: round"):
            self._last = kind
            self._say(kind)

    def added(self, trials: int) -> None:
        """Count them."""
        self._counts.planned += trials

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Say how wide the intervals are and what follows."""
        self._say(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Record) -> None:
        """Say every failure, and how far it is every ten records."""
        counts = self._counts
        counts.count(record)
        if record.status not in GOOD:
            message = record.error.message if record.error else ""
            self._say(f"{record.status}: {record.workload.name} {record.config.knobs} {record.mode}: {message[:200]}")
        if counts.done % 10 == 0 or counts.done == counts.planned:
            failed = counts.failed()
            self._say(f"{counts.done}/{counts.planned} done, {counts.eta()} left{f'; {failed}' if failed else ''}")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class LiveView:
    """One bar with what is running, failures so far and the time left."""

    def __init__(self) -> None:
        self._counts = Counts()
        self.bar = Progress(
            TextColumn("{task.fields[what]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left {task.fields[eta]}"),
            TextColumn("[red]{task.fields[failed]}"),
            console=Console(stderr=True),
        )
        self._task = self.bar.add_task("", total=None, what="starting", eta="?", failed="")

    def begin(self, planned: int, finished: int) -> None:
        """Show how much there is to do."""
        self._counts.begin(planned, finished)
        self.bar.update(self._task, total=planned)
        if finished:
            self.notice(f"{finished} trials finished before")

    def notice(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(Text(text))

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Show what is running."""
        self.bar.update(self._task, what=describe(trial, cell, what)[: max(20, self.bar.console.width - 70)])

    def added(self, trials: int) -> None:
        """Make the bar longer."""
        self._counts.planned += trials
        self.bar.update(self._task, total=self._counts.planned)

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Print above the bar how wide the intervals are and what follows."""
        self.notice(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Record) -> None:
        """Move the bar, and print every failure above it."""
        self._counts.count(record)
        if record.status not in GOOD:
            message = record.error.message if record.error else ""
            self.notice(f"{record.status}: {record.workload.name} {record.config.knobs} {record.mode}: {message[:200]}")
        self.bar.update(self._task, advance=1, eta=self._counts.eta(), failed=self._counts.failed())
