"""Time by pass, as torch reports it.

torch times the parts of a compile by itself (``torch._dynamo.utils.dynamo_timed``) and reports to a logger of events
when each begins and ends. For one compile that logger is replaced by one that also keeps a clock.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch._dynamo import utils

from ablatrix.compilers.adapter import PhaseClock


@contextmanager
def watch_passes() -> Iterator[dict[str, float]]:
    """Return a dictionary that is filled inside the block: milliseconds by the name that torch has for a part.

    A part inside another counts for itself alone.
    """
    before, watch = utils.get_chromium_event_logger(), Watch()
    utils.CHROMIUM_EVENT_LOG = watch
    try:
        yield watch.clock.milliseconds
    finally:
        utils.CHROMIUM_EVENT_LOG = before


class Watch(utils.ChromiumEventLogger):  # type: ignore[misc]
    """The logger, with a clock. Parts in other threads, which the one that began waits for, count to what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = PhaseClock()
        self._thread = threading.get_ident()

    def log_event_start(self, event_name: str, *arguments: Any, **keywords: Any) -> None:
        """Begin a part."""
        super().log_event_start(event_name, *arguments, **keywords)
        if threading.get_ident() == self._thread:
            self.clock.enter(event_name)

    def log_event_end(self, event_name: str, *arguments: Any, **keywords: Any) -> None:
        """End it."""
        if threading.get_ident() == self._thread:
            self.clock.leave()
        super().log_event_end(event_name, *arguments, **keywords)
