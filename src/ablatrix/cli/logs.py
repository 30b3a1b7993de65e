"""The option ``--log-level``: the library's log messages on stderr while a command runs."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]

FORMAT = "%(levelname)s %(name)s: %(message)s"
NOTICES, NOTICE_FORMAT = "ablatrix.study", "note: %(message)s"
"""What a study file's reader should know is shown without the option, too: a renamed key, for example."""


class _ToStderr(logging.Handler):
    """Writes to the current ``sys.stderr``, so that lines appear above a live view of progress."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr)
        except (OSError, ValueError):  # stderr was closed
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line."""


@contextmanager
def logs_on_stderr(level: Level) -> Iterator[None]:
    """Show what ablatrix logs, from a level on; afterwards its logger is restored."""
    with _shown("ablatrix", level, FORMAT):
        yield


@contextmanager
def notices_on_stderr() -> Iterator[None]:
    """Show notices on the study alone; afterwards its logger is restored."""
    with _shown(NOTICES, "warning", NOTICE_FORMAT):
        yield


@contextmanager
def _shown(name: str, level: Level, form: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    handler = _ToStderr(level.upper())
    handler.setFormatter(logging.Formatter(form))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
