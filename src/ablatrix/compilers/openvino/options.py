"""From the levels of knobs to properties of OpenVINO's compiled models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.settings import NO_SETTINGS, Applied

BY_KNOBS = ("SNIPPETS_MODE", "CPU_DENORMALS_OPTIMIZATION")
PRECISION = "f32"  # without the hint the plug-in takes bfloat16 where the processor has it


@dataclass(frozen=True, slots=True)
class Options:
    """The options that the knobs set; ``partition``, ``reuse`` and ``upper_bound`` enter through the plan and the task.

    Attributes:
        fusion: Chains of element-wise operations are compiled into one kernel.
        flush_denormals: Numbers too small for a normal float are taken for zero.
        threads: Threads of the one stream.
        settings: What the study sets besides, by address; it holds over what the knobs set.
    """

    fusion: bool
    flush_denormals: bool
    threads: int
    settings: Applied = NO_SETTINGS

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], threads: int, settings: Applied = NO_SETTINGS) -> Options:
        """Read the knobs of one configuration; a knob that is not named has its default."""
        return cls(
            fusion=knobs.get("fusion") == "on",
            flush_denormals=knobs.get("denormals") == "flush",
            threads=threads,
            settings=settings,
        )

    def compiling(self) -> dict[str, Any]:
        """Return the properties of a model that is compiled."""
        snippets = {"SNIPPETS_MODE": "ENABLE" if self.fusion else "DISABLE"}
        return {**self._always(), **snippets, **self.settings.building("property")}

    def running(self) -> dict[str, Any]:
        """Return the properties of a stored model that is loaded."""
        kept = {name: value for name, value in self.settings.running("property").items() if name != "SNIPPETS_MODE"}
        return {**self._always(), **kept}

    def _always(self) -> dict[str, Any]:
        return {
            "INFERENCE_PRECISION_HINT": PRECISION,
            "CPU_DENORMALS_OPTIMIZATION": self.flush_denormals,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            # The runner says on which processors a trial runs.
            "ENABLE_CPU_PINNING": False,
        }
