"""A compiler with four switches, some of which have a fault, and the study of it: eager underneath, so it is quick."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from ablatrix.plugin_files import read_catalogue
from ablatrix.study.load import load_study
from ablatrix.study.resolve import ResolvedStudy

SWITCHES = ("first", "second", "third", "fourth")
PLUGIN = """
import os
from pathlib import Path

from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry, LevelEntry, SHIPPED
from ablatrix.testing.planted import Around, Wrapped

LEVELS = (LevelEntry("off", "Off."), LevelEntry("on", "On."))
OWN = tuple(KnobEntry(name=name, kind="primary", summary="A switch.", levels=LEVELS, default="off", affects="code")
            for name in {switches!r})
FAULT, GUILTY, COUNTER = {fault!r}, {guilty!r}, Path({counter!r})


class Made(Around):
    name = "made"

    def compile(self, request):
        if FAULT == "trade":
            costs, saves = GUILTY
            runs = 1 + 3 * (request.knobs[costs] == "on") + 8 * (request.knobs[saves] == "off")

            def run_often(bound, inputs):
                for _ in range(runs):
                    bound.run()

            return Wrapped(self.inner.compile(request), run_often)
        if not all(request.knobs[one] == "on" for one in GUILTY):
            return self.inner.compile(request)
        if FAULT == "flaky":
            count = len(COUNTER.read_text()) if COUNTER.exists() else 0
            COUNTER.write_text("x" * (count + 1))
            if count % 2:
                return self.inner.compile(request)
        if FAULT == "crash":
            os.abort()

        def run(bound, inputs):
            bound.run()
            if FAULT in ("spoil", "flaky"):
                bound.outputs()[-1].view(-1)[-1] += 0.5
            else:
                for _ in range(3):
                    bound.run()

        return Wrapped(self.inner.compile(request), run)


COMPILERS = [CompilerEntry(name="made", summary="Eager with switches.", modules=("torch",), extra="",
                           adapter="{module}:Made", knobs=(*SHIPPED["tvm"].knobs[:1], *OWN))]
"""


def make_study(directory: Path, fault: str, guilty: tuple[str, ...]) -> ResolvedStudy:
    """Write the plug-in and a study of it, whose baseline has every switch off.

    Args:
        directory: An empty directory.
        fault: ``spoil``, ``slow``, ``crash`` or ``flaky``; ``trade``: the first of two switches costs time, and the
            second saves more than that.
        guilty: The switches that have it together.
    """
    text = PLUGIN.replace("{switches!r}", repr(SWITCHES)).replace("{fault!r}", repr(fault))
    text = text.replace("{guilty!r}", repr(guilty)).replace("{counter!r}", repr(str(directory / "counter")))
    module = f"made_compiler_{next(NUMBERS)}"  # a module is imported once in a process
    (directory / f"{module}.py").write_text(text.replace("{module}", module))
    study = {
        "name": "made",
        "plugins": [f"{module}.py"],
        "workloads": [{"name": "mlp", "parameters": {"layers": 1, "hidden": 16, "batch": 2}}],
        "compilers": ["made"],
        "modes": ["cold"],
        "stages": [{"name": "switches", "factorial": {name: ["off", "on"] for name in SWITCHES}}],
        "checks": {"input_sets": 1},
        "protocol": {
            "cold": {"replicates": 1, "timeout_s": 60},
            "hot": {"rounds": 8, "burst_ms": 1, "warm_up_ms": 1, "timeout_s": 60, "blocks": 1, "max_blocks": 1},
        },
    }
    file = directory / "study.yaml"
    file.write_text(json.dumps(study))
    return load_study(file, read_catalogue(()))


NUMBERS = itertools.count()
ON = dict.fromkeys(SWITCHES, "on")
