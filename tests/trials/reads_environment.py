"""A compiler that reads a variable when it is imported, as libraries do; otherwise it runs eager."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tests.trials.faulty import FaultyCompiler

NAME = "ABLATRIX_TEST_SWITCH"
SEEN = os.environ.get(NAME, "not set")


class ReadingCompiler(FaultyCompiler):
    def versions(self) -> Mapping[str, str]:
        return {"seen": SEEN}
