"""From the levels of knobs to Inductor's own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablatrix.compilers.catalogue import Level
from ablatrix.compilers.settings import NO_SETTINGS, Applied

# What Inductor always runs with here. Its own caches are off, since otherwise they would answer in place of
# ours; and it compiles in this process, since a pool of compile workers would be shared by trials.
ALWAYS: Mapping[str, Any] = {"fx_graph_cache": False, "fx_graph_remote_cache": False, "compile_threads": 1}
# The scheduler may not fuse, and lowering may not inline one operator into the next: it stores what it computed.
NO_FUSION: Mapping[str, Any] = {
    "max_fusion_size": 1,
    "epilogue_fusion": False,
    "prologue_fusion": False,
    "realize_reads_threshold": 0,
    "realize_opcount_threshold": 0,
    "realize_acc_reads_threshold": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that the knobs set; ``partition`` and ``upper_bound`` enter through the task itself.

    Attributes:
        reuse: The wrapper lets a later buffer take the memory of a dead one, and kernels write in place.
        memory_plan: The wrapper places buffers in pools.
        fusion: Operators are fused into one loop nest.
        constant_weights: Weights are constants, which Inductor folds and packs (``freezing``).
        layout: Convolutions may be brought to channels-last.
        autotune: Inductor tries templates beside the library's kernels, and takes the fastest.
        cpp_wrapper: The calls to kernels are C++ instead of Python.
        threads: Threads among which generated loops are divided: the number is part of the generated code.
        settings: What the study sets besides, by address; it holds over what the knobs set.
    """

    reuse: bool
    memory_plan: bool
    fusion: bool
    constant_weights: bool
    layout: bool
    autotune: bool
    cpp_wrapper: bool
    threads: int
    settings: Applied = NO_SETTINGS

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], threads: int, settings: Applied = NO_SETTINGS) -> Options:
        """Read the knobs of one configuration; a knob that is not named has its default."""
        return cls(
            reuse=knobs.get("reuse") == "release",
            memory_plan=knobs.get("memory_plan") == "on",
            fusion=knobs.get("fusion") == "on",
            constant_weights=knobs.get("weights") == "constant",
            layout=knobs.get("layout_optimization", "on") == "on",
            autotune=knobs.get("max_autotune") == "on",
            cpp_wrapper=settings.building("config").get("cpp_wrapper", knobs.get("cpp_wrapper") == "on") is True,
            threads=threads,
            settings=settings,
        )

    def switches(self) -> dict[str, Any]:
        """Return the entries of ``torch._inductor.config`` that differ from its defaults."""
        return {
            **ALWAYS,
            **({} if self.fusion else NO_FUSION),
            "allow_buffer_reuse": self.reuse,
            "inplace_buffers": self.reuse,
            "memory_planning": self.memory_plan,
            "freezing": self.constant_weights,
            "layout_optimization": self.layout,
            "max_autotune": self.autotune,
            "cpp_wrapper": self.cpp_wrapper,
            "cpp.threads": self.threads,
            **self.settings.building("config"),
        }
