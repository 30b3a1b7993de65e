"""What ONNX Runtime's log says of its optimisers: a line with the time before each one, and one behind it."""

from __future__ import annotations

import re
from calendar import timegm
from time import strptime

from ablatrix.compilers.passes import PassRun
from ablatrix.errors import CompilerError

LINE = re.compile(
    r"^(?P<second>\S+ \S+)\.(?P<nanoseconds>\d{9}) \[\w:onnxruntime:.*\] "
    r"(?:Applying graph transformer (?P<begun>\S+) on step \d+\."
    r"|GraphTransformer (?P<ended>\S+) modified: (?P<modified>\d) .*)$",
    re.MULTILINE,
)
NONE = "No graph transformers registered for level"  # so it is at the graph level "disabled"
SECOND = "%Y-%m-%d %H:%M:%S"
OPTIMIZER = "optimizer"


def read_runs(log: str) -> list[PassRun]:
    """Return every run of an optimiser, in order, of a log of severity ``verbose``.

    Work on the graph between optimisers (inferring types and shapes again after a change) is counted to none.

    Raises:
        CompilerError: The log does not say which optimisers run, or the system's clock was set back meanwhile.
    """
    runs: list[PassRun] = []
    name, since = None, 0
    for found in LINE.finditer(log):
        now = timegm(strptime(found["second"], SECOND)) * 10**9 + int(found["nanoseconds"])
        if found["begun"]:
            name, since = found["begun"], now
        elif found["ended"] == name:
            if now < since:
                raise CompilerError("the system's clock was set back while optimisers were timed; run the trial again")
            changed = found["modified"] != "0"
            runs.append(PassRun(name=name, kind=OPTIMIZER, milliseconds=(now - since) / 1e6, changed=changed))
            name = None
    if not runs and NONE not in log:
        raise CompilerError(
            "ONNX Runtime's log names no optimiser; this version cannot be observed, so leave pass_timing off"
        )
    return runs
