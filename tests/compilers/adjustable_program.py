"""The shipped reference program with settings: it writes those of its code into the artifact, and reads all back."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "command" / "numpy_compiler.py"
SETTINGS = [
    {"kind": "flag", "name": "limit", "type": "whole number", "value": 1},
    {"kind": "flag", "name": "half", "type": "switch", "value": False},
    {"kind": "flag", "name": "short", "type": "switch", "value": False},
    {"kind": "flag", "name": "mode", "type": "text", "choices": ["near", "far"]},
    {"kind": "run", "name": "spin", "type": "switch", "value": False, "affects": "run_time"},
]
RATE = {"name": "rate", "kind": "secondary", "levels": [0.5, 1, 4], "default": 0.5, "affects": "run_time"}
ROUNDED = "    return [value.astype(numpy.float16).astype(value.dtype) for value in ({})]"


def adjusted(answers: Any, request: Any) -> Any:
    """Return the answer to a request, with what its settings change."""
    reply = answers[request["do"]](request)
    if request["do"] == "describe":
        reply["settings"] = SETTINGS
        reply["knobs"] = [*reply["knobs"], RATE]
    elif request["do"] == "compile":
        file = Path(request["directory"], reply["artifact"])
        text, settings = file.read_text(), request["settings"]
        if settings.get("flag:half") or settings.get("flag:short"):
            head, _, result = text.rstrip().rpartition("    return ")
            text = f"{head}{ROUNDED.format(result)}\n"
        file.write_text(f"# {json.dumps(settings)}\n{text}")
    elif request["do"] == "load":
        reply["settings"] = {**request["settings"], "flag:unknown": 1}
    return reply


def main() -> None:
    """Run the example with its answers adjusted."""
    stream, sys.stdin = sys.stdin, iter(())
    answers = runpy.run_path(str(EXAMPLE))["ANSWERS"]
    for line in stream:
        print(json.dumps(adjusted(answers, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
