"""Progress on stderr: a live view in a terminal, plain lines elsewhere."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from ablatrix.cli.time_left import Costs, Group, TimeLeft, duration_text
from ablatrix.cli.trial_text import decision_text
from ablatrix.foreign_text import printed
from ablatrix.records.brief import Brief
from ablatrix.records.model import Stopping
from ablatrix.records.status import Status
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.results import Progress as Listener
from ablatrix.trials.results import Silence

ALL = "all trials"
LEAST_S = 1.0
"""Between two lines on how far a run is."""


@contextmanager
def watch(quiet: bool, verbose: bool = False, costs: Costs | None = None) -> Iterator[Listener]:
    """Yield the listener of a run: a silent one, a live view in a terminal, or plain lines elsewhere."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and not verbose:
        live = LiveView(costs)
        with live.bar:
            yield live
    else:
        yield PlainLines(verbose, costs)


class Counts:
    """Counts of every view: trials by workload and mode, and how they ended."""

    def __init__(self) -> None:
        self.planned: Counter[Group] = Counter()
        self.done: Counter[Group] = Counter()
        self.failures: Counter[Status] = Counter()
        self.not_run = 0

    def add(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Add trials to run."""
        self.planned.update((cell.workload, trial.mode) for trial, cell in trials)

    def count(self, record: Brief) -> None:
        """Count one record."""
        self.done[record.workload, record.mode] += 1
        if record.status is Status.OK:  # nearly always
            return
        if record.status.is_failure:
            self.failures[record.status] += 1
        self.not_run += not record.status.ran

    def of_workload(self, workload: str) -> tuple[int, int]:
        """Return (done, planned) of one workload."""
        return (
            sum(count for group, count in self.done.items() if group[0] == workload),
            sum(count for group, count in self.planned.items() if group[0] == workload),
        )

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


def describe_record(record: Brief) -> str:
    """Return one line on how a trial ended."""
    knobs = " ".join(f"{knob}={level}" for knob, level in record.knobs.items())
    message = f": {record.error.message[:200]}" if record.error else f" in {record.wall_s:.2f} s"
    return f"{record.status}: {record.workload} {record.mode} {record.role} {knobs}".rstrip() + message


def describe_stopping(workload: str, compiler: str, stopping: Stopping) -> str:
    """Return one line on the interval half-widths reached and the decision that follows from them."""
    return f"{workload} on {compiler}: {decision_text(stopping)}"


def _is_trouble(record: Brief) -> bool:
    return record.status is not Status.OK and (record.status.is_failure or not record.status.ran)


def _prepares(trial: Trial | None, cell: Cell | None) -> bool:
    """Return whether work is the preparation of a workload."""
    return trial is None and cell is not None


class PlainLines:
    """One line per notice, per ten records (or per record), and per trial that failed or was not run.

    Many hosts bring hundreds of records a second: how far the run is, is said once a second at most.
    """

    def __init__(self, verbose: bool = False, costs: Costs | None = None) -> None:
        self._counts, self._time_left = Counts(), TimeLeft(costs)
        self._verbose = verbose
        self._last = ""
        self._said_at = -LEAST_S

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Print how many trials there are to run, and how long that may take."""
        self._counts.add(trials)
        self._time_left.add(trials)
        seconds = self._time_left.seconds() if trials else None
        about = "" if seconds is None else f"; about {duration_text(seconds)}, further blocks not counted"
        self._say(f"{len(trials)} trials to run, {finished} finished before{about}")

    def notice(self, text: str) -> None:
        """Print it."""
        self._say(text)

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Print it when it is a new workload or a new kind of work."""
        kind = what if cell is None else f"{cell.workload}: {what}"
        if _prepares(trial, cell) and cell is not None:
            self._time_left.prepare(cell.workload)
            kind = f"{kind} ({self._time_left.text()} left)"
        elif trial is not None:
            self._time_left.start()
        if self._verbose:
            self._say(describe(trial, cell, what))
        elif kind != self._last and not what.startswith("hot: round"):
            self._last = kind
            self._say(kind)

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Count them."""
        self._counts.add(trials)
        self._time_left.add(trials, prepared=True)

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Print how wide the intervals are and what was decided."""
        self._say(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Brief) -> None:
        """Print what failed or was not run, and the progress every ten records."""
        counts = self._counts
        counts.count(record)
        self._time_left.count(record)
        if self._verbose or _is_trouble(record):
            self._say(describe_record(record))
        done, planned = counts.done.total(), counts.planned.total()
        now = monotonic()
        if done == planned or (done % 10 == 0 and now - self._said_at >= LEAST_S):
            self._said_at = now
            own, of = counts.of_workload(record.workload)
            troubles = f"; {counts.troubles()}" if counts.troubles() else ""
            left = f", {self._time_left.text()} left" if done < planned else ""
            self._say(f"{done}/{planned} done ({record.workload} {own}/{of}){left}{troubles}")

    def _say(self, text: str) -> None:
        print(printed(text), file=sys.stderr, flush=True)


class _TimeLeftColumn(ProgressColumn):
    """The time left, on the line of all trials alone; it goes on counting between two records."""

    def __init__(self, time_left: TimeLeft) -> None:
        super().__init__()
        self._time_left = time_left

    def render(self, task: Task) -> Text:
        """Return the text of one line."""
        is_open = task.fields["name"] == ALL and task.total != task.completed
        return Text(f"{self._time_left.text()} left" if is_open else "")


class LiveView:
    """A bar for each workload and one for all, with the current trial, the failures so far and the time left."""

    def __init__(self, costs: Costs | None = None) -> None:
        self._counts, self._time_left = Counts(), TimeLeft(costs)
        self.bar = Progress(
            TextColumn("{task.fields[name]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            _TimeLeftColumn(self._time_left),
            TextColumn("{task.fields[what]}"),
            console=Console(stderr=True),
        )
        self._all = self.bar.add_task("", total=None, name=ALL, what="starting")
        self._bars: dict[str, TaskID] = {}

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Show how many trials there are to run."""
        self._add(trials, prepared=False)
        if finished:
            self.notice(f"{finished} trials finished before")

    def notice(self, text: str) -> None:
        """Print a line above the bars."""
        self.bar.console.print(Text(printed(text)))

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Show what is running, on the bar of its workload if it has one."""
        if _prepares(trial, cell) and cell is not None:
            self._time_left.prepare(cell.workload)
        elif trial is not None:
            self._time_left.start()
        room = max(20, self.bar.console.width - 70)
        if cell is not None and cell.workload in self._bars:
            for workload, bar in self._bars.items():
                shown = _fitted(describe(trial, cell, what), room) if workload == cell.workload else ""
                self.bar.update(bar, what=shown)
        else:
            self.bar.update(self._all, what=_fitted(describe(trial, cell, what), room))

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Make the bars longer."""
        self._add(trials, prepared=True)

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Print above the bars how wide the intervals are and what was decided."""
        self.notice(describe_stopping(workload, compiler, stopping))

    def recorded(self, record: Brief) -> None:
        """Move the bars, and print what failed or was not run above them."""
        self._counts.count(record)
        self._time_left.count(record)
        if _is_trouble(record):
            self.notice(describe_record(record))
        if record.workload in self._bars:
            self.bar.update(self._bars[record.workload], advance=1)
        self.bar.update(self._all, advance=1, what=self._counts.troubles())

    def _add(self, trials: Sequence[tuple[Trial, Cell]], *, prepared: bool) -> None:
        self._counts.add(trials)
        self._time_left.add(trials, prepared=prepared)
        for workload in dict.fromkeys(cell.workload for _, cell in trials):
            if workload not in self._bars:
                self._bars[workload] = self.bar.add_task("", total=0, name=workload, what="")
            self.bar.update(self._bars[workload], total=self._counts.of_workload(workload)[1])
        self.bar.update(self._all, total=self._counts.planned.total())


def _fitted(text: str, room: int) -> str:
    """Return a text that a terminal may show, at most so long, ended between words."""
    text = printed(text)
    if len(text) <= room:
        return text
    return text[: room - 3].rpartition(" ")[0] + " ..."
