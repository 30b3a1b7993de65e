"""The faulty compiler, with a thread that it starts while it is imported: after that no fork is safe."""

from __future__ import annotations

import threading

from tests.trials.faulty import FaultyCompiler


class ThreadedCompiler(FaultyCompiler):
    name = "faulty"

    def preload(self) -> None:
        super().preload()
        threading.Thread(target=threading.Event().wait, daemon=True).start()
