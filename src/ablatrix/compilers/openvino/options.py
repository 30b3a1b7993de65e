"""From the settings of a configuration to properties of OpenVINO's compiled models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ablatrix.compilers.settings import NO_SETTINGS, Applied

PRECISION = "f32"  # without the hint the plug-in takes bfloat16 where the processor has it
OF_BUILDING = ("SNIPPETS_MODE",)  # a stored model is not loaded with it


@dataclass(frozen=True, slots=True)
class Options:
    """What a model depends on; ``partition``, ``reuse`` and ``upper_bound`` enter through the plan and the task.

    Attributes:
        threads: Threads of the one stream.
        settings: What the knobs set, by address.
    """

    threads: int
    settings: Applied = NO_SETTINGS

    def compiling(self) -> dict[str, Any]:
        """Return the properties of a model that is compiled."""
        return {**self._always(), **self.settings.building("property")}

    def running(self) -> dict[str, Any]:
        """Return the properties of a stored model that is loaded."""
        kept = {name: one for name, one in self.settings.running("property").items() if name not in OF_BUILDING}
        return {**self._always(), **kept}

    def _always(self) -> dict[str, Any]:
        return {
            "INFERENCE_PRECISION_HINT": PRECISION,
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            # The runner says on which processors a trial runs.
            "ENABLE_CPU_PINNING": False,
        }
