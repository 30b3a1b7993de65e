"""The log of a run, ``work/run.log``: who started what, blocks, repeats, lost workers, errors with their traceback.

Library code writes to ``logging.getLogger(__name__)`` and configures nothing. While a run lasts, a handler of the
logger ``ablatrix`` writes all of it to the file; afterwards the logger is as it was. The log is for people: nothing
reads it back. What happens is logged where progress is reported, so never inside a timed region.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ablatrix.errors import TrialError
from ablatrix.records.brief import Brief
from ablatrix.records.model import Stopping
from ablatrix.study.design import Cell, Trial
from ablatrix.trials.results.progress import Progress

LOGGER = "ablatrix"
FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(process)d %(name)s: %(message)s"

_log = logging.getLogger(__name__)


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Append whatever ablatrix logs to a file while the context lasts, the error that ends it with its traceback.

    Handlers of the application, and those of the loggers above, get what they would get without it.

    Raises:
        TrialError: The file cannot be written.
    """
    logger = logging.getLogger(LOGGER)
    try:
        file = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise TrialError(f"{path}: cannot be written: {error.strerror}; choose another --out") from None
    above = _Above(logger)
    level, propagates = logger.level, logger.propagate
    logger.addHandler(file)
    logger.addHandler(above)
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    try:
        yield
    except BaseException as error:
        _log.error("the run ended with %s: %s", type(error).__name__, error)
        _log.debug("its traceback:", exc_info=True)
        raise
    finally:
        logger.setLevel(level)
        logger.propagate = propagates
        logger.removeHandler(above)
        logger.removeHandler(file)
        with suppress(OSError):  # what a full disk left in the buffer
            file.close()


class _LogFile(logging.FileHandler):
    """A file that gets every message, with times in UTC; a full disk loses lines of the log, never the run."""

    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__(path, encoding=encoding)
        formatter = logging.Formatter(FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Lose the line."""


class _Above(logging.Handler):
    """Passes on to the loggers above what they got before the level was lowered for the file, and no more."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logger.getEffectiveLevel())
        self._parent = logger.parent if logger.propagate else None

    def emit(self, record: logging.LogRecord) -> None:
        if self._parent is not None and self._parent.hasHandlers():
            self._parent.callHandlers(record)


class LoggedProgress:
    """A listener that logs each event and passes it on."""

    def __init__(self, listener: Progress, *, only_failures: bool = False) -> None:
        """Begin.

        Args:
            listener: To whom events are passed on.
            only_failures: Log no trial that ended well: on slots, whose own logs have each, these are many.
        """
        self._listener = listener
        self._only_failures = only_failures

    def begin(self, trials: Sequence[tuple[Trial, Cell]], finished: int) -> None:
        """Log how many trials there are to run."""
        _log.info("%d trials to run, %d were finished before", len(trials), finished)
        self._listener.begin(trials, finished)

    def notice(self, text: str) -> None:
        """Log the notice."""
        _log.warning("%s", text)
        self._listener.notice(text)

    def working(self, trial: Trial | None, cell: Cell | None, what: str) -> None:
        """Log the beginning of a trial or a preparation; rounds of a hot block have no line."""
        if trial is not None and cell is not None:
            _log.info("block %s: %s trial %s, %s: %s", trial.block_id, trial.role, trial.trial_id, _words(cell), what)
        elif cell is not None:
            _log.info("%s: %s", cell.workload, what)
        self._listener.working(trial, cell, what)

    def added(self, trials: Sequence[tuple[Trial, Cell]]) -> None:
        """Log how many trials were added."""
        blocks = sorted({trial.block_id for trial, _ in trials})
        _log.info("%d further trials, in blocks %s", len(trials), ", ".join(blocks))
        self._listener.added(trials)

    def decided(self, workload: str, compiler: str, stopping: Stopping) -> None:
        """Log what was decided about further blocks."""
        _log.info("%s, %s: further hot blocks: %s", workload, compiler, stopping.decision)
        self._listener.decided(workload, compiler, stopping)

    def recorded(self, record: Brief) -> None:
        """Log the outcome of a trial: as a warning, with its message, where there is an error."""
        if record.error is not None or not self._only_failures:
            standing = "" if record.final else ", not final"
            message = "" if record.error is None else f": {record.error.message}"
            level = logging.INFO if record.error is None else logging.WARNING
            what = f"{record.status}{standing} in {record.wall_s:.2f} s{message}"
            ids = record.block_id, record.trial_id, record.attempt
            _log.log(level, "block %s: trial %s, attempt %d: %s", *ids, what)
        self._listener.recorded(record)


def _words(cell: Cell) -> str:
    knobs = " ".join(f"{knob}={level}" for knob, level in cell.knobs.items())
    return f"{cell.workload} {cell.compiler} {knobs}".rstrip()
