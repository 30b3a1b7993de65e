"""Progress on stderr: a live view in a terminal, plain lines elsewhere."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from ablatrix.records.model import Record, Stopping
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.results import Progress as Listener
from ablatrix.trials.results import Silence

Group = tuple[str, str]


@contextmanager
def watch(quiet: bool, verbose: bool = False) -> Iterator[Listener]:
    """Yield the listener of a run: a silent one, a live view in a terminal, or plain lines elsewhere."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and not verbose:
        live = LiveView()
        with live.bar:
            yield live
    else:
        yield PlainLines(verbose)


class Counts:
    """Counts of every view: trials by workload and mode, how they ended, and seconds per trial, for the time left."""

    def __init__(self) -> None:
        self.planned: Counter[Group] = Counter()
        self.done: Counter[Group] = Counter()
        self.failures: Counter[Status] = Counter()
        self.not_run = 0
        self._spent: dict[Group, float] = {}
        self._last = monotonic()

    def add(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Add trials to run."""
        self.planned.update((cell.workload, trial.mode) for trial, cell in trials)
        self._last = monotonic()

    def count(self, record: Record) -> None:
        """Count one record; the time since the record before it is its cost, whatever that time was spent on."""
        group = (record.workload.name, record.mode)
        now = monotonic()
        self._spent[group] = self._spent.get(group, 0.0) + now - self._last
        self._last = now
        self.done[group] += 1
        if record.status.is_failure:
            self.failures[record.status] += 1
        self.not_run += not record.status.ran

    def of_workload(self, workload: str) -> tuple[int, int]:
        """Return (done, planned) of one workload."""
        return (
            sum(count for group, count in self.done.items() if group[0] == workload),
            sum(count for group, count in self.planned.items() if group[0] == workload),
        )

    def eta(self) -> str:
        """Return the time left: remaining trials of each workload and mode, at the mean time of such trials so far."""
        total = self.done.total()
        if not total:
            return "?"
        usual = sum(self._spent.values()) / total
        left = 0.0
        for group, planned in self.planned.items():
            done = self.done[group]
            left += max(0, planned - done) * (self._spent[group] / done if done else usual)
        return f"{left / 60:.1f} min" if left >= 60 else f"{left:.0f} s"

    def troubles(self) -> str:
        """Return the failures so far, by status, and how many trials were not run; empty if there are none."""
        failed = [f"{count} {status}" for status, count in sorted(self.failures.items())]
        return ", ".join([*failed, f"{self.not_run} not run"] if self.not_run else failed)


def describe(trial: Trial | None, cell: Cell | None, what: str) -> str:
    """Return one line on what is running."""
    if cell is None:
        return what
    knobs = " ".join(f"{knob}={level}" for knob, level in cell.knobs.items())
    role = "" if trial is None or trial.role == "measured" else f" ({trial.role})"
    return f"{cell.workload} {cell.compiler}{role} {what} {knobs}".rstrip()


def describe_record(record: Record) -> str:
    """Return one line on how a trial ended."""
    knobs = " ".join(f"{knob}={level}" for knob, level in record.config.knobs.items())
    message = f": {record.error.message[:200]}" if record.error else f" in {record.wall_s:.2f} s"
    return f"{record.status}: {record.workload.name} {record.mode} {record.role} {knobs}".rstrip() + message


def describe_stopping(workload: str, compiler: str, stopping: Stopping) -> str:
    """Return one line on the interval half-widths reached and the decision that follows from them."""
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


def _is_trouble(record: Record) -> bool:
    return record.status.is_failure or not record.status.ran


class PlainLines:
    """One line per notice, per ten records (or per record), and per trial that failed or was not run."""

    def __init__(self, verbose: bool = False) -> None:
        self._counts = Counts()
        self._verbose = verbose
        self._last = ""

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Print how many trials there are to run."""
        self._counts.add(trials)
        self._say(f"{len(trials)} trials to run, {finished} finished before")

    def notice(self, text: str) -> None:
        """Print it."""
        self._say(text)

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Print it when it is a new workload or a new kind of work."""
        kind = what if cell is None else f"{cell.workload}: {what}"
        if self._verbose:
            self._say(describe(trial, cell, what))
        elif kind != self._last and not what.startswith("hot: round"):
            self._last = kind
            self._say(kind)

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Count them."""
        self._counts.add(trials)

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Print how wide the intervals are and what was decided."""
        self._say(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Record) -> None:
        """Print what failed or was not run, and the progress every ten records."""
        counts = self._counts
        counts.count(record)
        if self._verbose or _is_trouble(record):
            self._say(describe_record(record))
        done, planned = counts.done.total(), counts.planned.total()
        if done % 10 == 0 or done == planned:
            own, of = counts.of_workload(record.workload.name)
            troubles = f"; {counts.troubles()}" if counts.troubles() else ""
            self._say(f"{done}/{planned} done ({record.workload.name} {own}/{of}), {counts.eta()} left{troubles}")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class LiveView:
    """A bar for each workload and one for all, with the current trial, the failures so far and the time left."""

    def __init__(self) -> None:
        self._counts = Counts()
        self.bar = Progress(
            TextColumn("{task.fields[name]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[what]}"),
            console=Console(stderr=True),
        )
        self._all = self.bar.add_task("", total=None, name="all", what="starting")
        self._bars: dict[str, TaskID] = {}

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Show how many trials there are to run."""
        self.added(trials)
        if finished:
            self.notice(f"{finished} trials finished before")

    def notice(self, text: str) -> None:
        """Print a line above the bars."""
        self.bar.console.print(Text(text))

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Show what is running, on the bar of its workload if it has one."""
        room = max(20, self.bar.console.width - 60)
        if cell is not None and cell.workload in self._bars:
            for workload, bar in self._bars.items():
                shown = describe(trial, cell, what)[:room] if workload == cell.workload else ""
                self.bar.update(bar, what=shown)
        else:
            self.bar.update(self._all, what=describe(trial, cell, what)[:room])

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Make the bars longer."""
        self._counts.add(trials)
        for workload in dict.fromkeys(cell.workload for _, cell in trials):
            if workload not in self._bars:
                self._bars[workload] = self.bar.add_task("", total=0, name=workload, what="")
            self.bar.update(self._bars[workload], total=self._counts.of_workload(workload)[1])
        self.bar.update(self._all, total=self._counts.planned.total())

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Print above the bars how wide the intervals are and what was decided."""
        self.notice(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Record) -> None:
        """Move the bars, and print what failed or was not run above them."""
        self._counts.count(record)
        if _is_trouble(record):
            self.notice(describe_record(record))
        if record.workload.name in self._bars:
            self.bar.update(self._bars[record.workload.name], advance=1)
        troubles = f", {self._counts.troubles()}" if self._counts.troubles() else ""
        self.bar.update(self._all, advance=1, what=f"{self._counts.eta()} left{troubles}")
