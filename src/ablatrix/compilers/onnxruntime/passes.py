"""Time by optimiser, from ONNX Runtime's log: a line with the time before each optimiser, and one behind it."""

from __future__ import annotations

import re
from calendar import timegm
from time import strptime

from ablatrix.errors import CompilerError

LINE = re.compile(
    r"^(?P<second>\S+ \S+)\.(?P<nanoseconds>\d{9}) \[\w:onnxruntime:.*\] "
    r"(?:Applying graph transformer (?P<begun>\S+) on step \d+\.|GraphTransformer (?P<ended>\S+) modified: .*)$",
    re.MULTILINE,
)
NONE = "No graph transformers registered for level"  # so it is at the graph level "disabled"
SECOND = "%Y-%m-%d %H:%M:%S"


def read_passes(log: str) -> dict[str, float]:
    """Return milliseconds by optimiser, all steps together, of a log of severity ``verbose``.

    Work on the graph between optimisers (inferring types and shapes again after a change) is counted to none.

    Raises:
        CompilerError: The log does not say which optimisers run, or the system's clock was set back meanwhile.
    """
    milliseconds: dict[str, float] = {}
    name, since = None, 0
    for found in LINE.finditer(log):
        now = timegm(strptime(found["second"], SECOND)) * 10**9 + int(found["nanoseconds"])
        if found["begun"]:
            name, since = found["begun"], now
        elif found["ended"] == name:
            if now < since:
                raise CompilerError("the system's clock was set back while optimisers were timed; run the trial again")
            milliseconds[name] = milliseconds.get(name, 0.0) + (now - since) / 1e6
            name = None
    if not milliseconds and NONE not in log:
        raise CompilerError("ONNX Runtime's log names no optimiser; leave the knob pass_timing off with this version")
    return milliseconds
