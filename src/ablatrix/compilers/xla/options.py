"""From the levels of knobs to XLA's options of one compilation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ablatrix.compilers.catalogue import Level, SettingValue
from ablatrix.compilers.settings import NO_SETTINGS, Applied

CODE_LEVELS = {"none": 0, "less": 1, "default": 2, "aggressive": 3}
FUSION = "fusion"
LIBRARY = "dot-library-rewriter"
ALGEBRA = "algsimp"
CONVOLUTION_LAYOUT = "convolution-canonicalization"
PASSES = (FUSION, LIBRARY, ALGEBRA, CONVOLUTION_LAYOUT)
SINGLE_PRODUCTS = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that the knobs set; ``partition``, ``reuse`` and ``upper_bound`` enter through the plan and the task.

    Attributes:
        fusion: Operations are put together.
        library: Products and reductions may go to YNNPACK.
        algebra: Expressions are simplified.
        convolution_layout: Convolutions are brought to channels-last.
        code_level: How much LLVM optimises.
        fast_math: Generated code may reorder arithmetic.
        threads: Threads of the pool.
        settings: What the study sets besides, by address; it holds over what the knobs set.
    """

    fusion: bool
    library: bool
    algebra: bool
    convolution_layout: bool
    code_level: str
    fast_math: bool
    threads: int
    settings: Applied = NO_SETTINGS

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], threads: int, settings: Applied = NO_SETTINGS) -> Options:
        """Read the knobs of one configuration; a knob that is not named has its default."""
        return cls(
            fusion=knobs.get("fusion") == "on",
            library=knobs.get("library", "on") == "on",
            algebra=knobs.get("algebra", "on") == "on",
            convolution_layout=knobs.get("convolution_layout", "on") == "on",
            code_level=str(knobs.get("code_level", "aggressive")),
            fast_math=knobs.get("fast_math") == "on",
            threads=threads,
            settings=settings,
        )

    def compiler_options(self) -> dict[str, SettingValue]:
        """Return the options of a compilation; XLA ignores names of passes that it does not have."""
        passes = {
            FUSION: self.fusion,
            LIBRARY: self.library,
            ALGEBRA: self.algebra,
            CONVOLUTION_LAYOUT: self.convolution_layout,
        }
        disabled = [name for name, runs in passes.items() if not runs]
        disabled += [name for name in self.settings.switched_off("pass") if name not in disabled]
        options: dict[str, SettingValue] = {
            "xla_backend_optimization_level": CODE_LEVELS[self.code_level],
            "xla_cpu_enable_fast_math": self.fast_math,
        }
        if disabled:
            options["xla_disable_hlo_passes"] = ",".join(disabled)
        if not self.fusion:
            options["xla_cpu_experimental_ynn_fusion_type"] = SINGLE_PRODUCTS
        return {**options, **self.settings.building("flag")}
