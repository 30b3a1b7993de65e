"""From the settings of a configuration to Inductor's own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablatrix.compilers.settings import NO_SETTINGS, Applied

# What Inductor always runs with here. Its own caches are off, since otherwise they would answer in place of
# ours; and it compiles in this process, since a pool of compile workers would be shared by trials.
ALWAYS: Mapping[str, Any] = {"fx_graph_cache": False, "fx_graph_remote_cache": False, "compile_threads": 1}


@dataclass(frozen=True, slots=True)
class Options:
    """What a compilation depends on; ``partition`` and ``upper_bound`` enter through the task itself.

    Attributes:
        threads: Threads among which generated loops are divided: the number is part of the generated code.
        settings: What the knobs set, by address.
    """

    threads: int
    settings: Applied = NO_SETTINGS

    def switches(self) -> dict[str, Any]:
        """Return the entries of ``torch._inductor.config`` that differ from its defaults."""
        return {**ALWAYS, "cpp.threads": self.threads, **self.settings.building("config")}

    @property
    def cpp_wrapper(self) -> bool:
        """Whether the calls to kernels are C++ instead of Python."""
        return self.settings.building("config").get("cpp_wrapper") is True

    @property
    def memory_plan(self) -> bool:
        """Whether the wrapper places buffers in pools."""
        return self.settings.building("config").get("memory_planning") is True

    @property
    def constant_weights(self) -> bool:
        """Whether weights are constants, which Inductor folds and packs."""
        return self.settings.building("config").get("freezing") is True
