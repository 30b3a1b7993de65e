"""The shipped reference program with a knob that makes it misbehave once it has loaded what it runs."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy

EXAMPLE = Path(__file__).parents[2] / "examples" / "command" / "numpy_compiler.py"
FAULTS = ("none", "garbage", "exit", "signal", "silence", "shapes", "fewer", "long_times", "short_times", "two_times")


def planted(answer: Callable[[Any], Any], request: Any, fault: str) -> Any:
    """Return the answer to a request with the fault in it; ``answer`` makes the true one."""
    what = request["do"]
    if what == "describe":
        reply = answer(request)
        levels = [*FAULTS, {"name": "absent", "unsupported": "nobody has it"}]
        reply["knobs"] = [{"name": "fault", "levels": levels, "default": "none", "affects": "run_time"}]
        return reply
    if what == "compile":
        request["knobs"] = {"buffers": "fresh", "weights": "given"}
    if what == "run":
        if fault == "garbage":
            print("now it runs")
        elif fault == "exit":
            sys.exit(3)
        elif fault == "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif fault == "silence":
            time.sleep(600)
        elif fault == "short_times":
            busy = time.perf_counter()
            while time.perf_counter() - busy < 0.004 * request["count"]:
                pass
    reply = answer(request)
    if what == "check" and fault == "shapes":
        for one in reply["outputs"]:
            file = Path(request["directory"], one["file"])
            array = numpy.load(file).reshape(-1)
            numpy.save(file, array)
            one["shape"] = list(array.shape)
    elif what == "check" and fault == "fewer":
        reply["outputs"] = []
    elif what == "run" and fault == "long_times":
        reply["ms"] = [one + 1000.0 for one in reply["ms"]]
    elif what == "run" and fault == "two_times":
        reply["ms"] = reply["ms"][:1] * (request["count"] + 1)
    return reply


def main() -> None:
    """Run the example with its answers planted."""
    stream, sys.stdin = sys.stdin, iter(())
    example = runpy.run_path(str(EXAMPLE))
    fault = "none"
    for line in stream:
        request = json.loads(line)
        if request["do"] == "load":
            fault = request["knobs"]["fault"]
        print(json.dumps(planted(example["ANSWERS"][request["do"]], request, fault)), flush=True)


if __name__ == "__main__":
    main()
