"""From the levels of knobs to ONNX Runtime's session options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import Level, SettingValue
from ablatrix.compilers.settings import NO_SETTINGS, Applied

# The optimisers that put several nodes into one, by ONNX Runtime's names. The others fold constants, drop what does
# nothing, share equal constants and subexpressions, and choose layouts: they stay with the graph level.
FUSIONS = (
    # basic
    "ConvAddFusion",
    "ConvBNFusion",
    "ConvMulFusion",
    "DivMulFusion",
    "FuseReluClip",
    "GatherToSliceFusion",
    "GeluFusionL1",
    "GemmSumFusion",
    "GemmTransposeFusion",
    "LayerNormFusionL1",
    "MatMulAddFusion",
    "MatMul_BatchNormalization_Fusion",
    "NotWhereFusion",
    "Pad_Fusion",
    "ReshapeFusion",
    "SimplifiedLayerNormFusion",
    # extended
    "AttentionFusion",
    "BiasDropoutFusion",
    "BiasGeluFusion",
    "BiasSkipLayerNormFusion",
    "BiasSoftmaxFusion",
    "ConvActivationFusion",
    "ConvAddActivationFusion",
    "DynamicQuantizeMatMulFusion",
    "EmbedLayerNormFusion",
    "FastGeluFusion",
    "GeluFusionL2",
    "GemmActivationFusion",
    "GroupQueryAttentionFusion",
    "GroupQueryAttentionPreNormFusion",
    "LayerNormFusionL2",
    "MatMulActivationFusion",
    "MatMulIntegerToFloatFusion",
    "MatMulScaleFusion",
    "MatmulTransposeFusion",
    "QuickGeluFusion",
    "SkipLayerNormFusion",
    "SwiGluFusion",
)
LAYOUT = ("NchwcTransformer", "TransposeOptimizer")
GRAPH_LEVELS = {
    "disabled": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
VERBOSE = 0
ERRORS_ONLY = 3  # warnings would go to the output of the trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that the knobs set; ``partition`` and ``upper_bound`` enter through the task itself.

    Attributes:
        reuse: A buffer may take the memory of one that is dead (``enable_mem_reuse``).
        memory_plan: Allocations of the first run are recorded and later made as one block (``enable_mem_pattern``).
        fusion: The optimisers in ``FUSIONS`` run.
        layout: The optimisers in ``LAYOUT`` run.
        graph_level: Which optimisers run at all.
        without: One further optimiser that does not run, or ``none``.
        arena: Memory comes from ONNX Runtime's arena, which keeps what it once had.
        threads: Threads inside an operator.
        settings: What the study sets besides, by address.
    """

    reuse: bool
    memory_plan: bool
    fusion: bool
    layout: bool
    graph_level: str
    without: str
    arena: bool
    threads: int
    settings: Applied = NO_SETTINGS

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], threads: int, settings: Applied = NO_SETTINGS) -> Options:
        """Read the knobs of one configuration; a knob that is not named has its default."""
        return cls(
            reuse=knobs.get("reuse") == "release",
            memory_plan=knobs.get("memory_plan") == "on",
            fusion=knobs.get("fusion") == "on",
            layout=knobs.get("layout", "on") == "on",
            graph_level=str(knobs.get("graph_level", "all")),
            without=str(knobs.get("without", "none")),
            arena=knobs.get("arena", "on") == "on",
            threads=threads,
            settings=settings,
        )

    def disabled(self) -> list[str]:
        """Return the names of the optimisers that do not run."""
        named = [*([] if self.fusion else FUSIONS), *([] if self.layout else LAYOUT)]
        further = [*([] if self.without == "none" else [self.without]), *self.settings.switched_off("optimizer")]
        return list(dict.fromkeys([*named, *further]))

    def optimising(self, file: Path) -> Any:
        """Return the options of a session that optimises a model and saves it."""
        import onnxruntime

        options = self._common()
        _apply(options, self.settings.building("session"), self.settings.building("option"))
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, GRAPH_LEVELS[self.graph_level])
        options.optimized_model_filepath = str(file)
        return options

    def running(self) -> Any:
        """Return the options of a session that runs a saved model as it is."""
        import onnxruntime

        options = self._common()
        _apply(options, self.settings.running("session"), self.settings.running("option"))
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return options

    def _common(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        # A trial that waits for its turn must not keep a processor busy; it is stopped then, but not while it is timed.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.enable_mem_pattern = self.memory_plan
        options.enable_mem_reuse = self.reuse
        options.enable_cpu_mem_arena = self.arena
        return options

    def read_back(self, options: Any) -> dict[str, str]:
        """Return the settings of the run time that a session's options say are in force, by address."""
        found = {f"session:{name}": _entry(options, name) for name in self.settings.reported("session")}
        found |= {f"option:{name}": getattr(options, name) for name in self.settings.reported("option")}
        return {address: str(getattr(value, "name", value)) for address, value in found.items()}


def _entry(options: Any, name: str) -> str:
    try:
        return str(options.get_session_config_entry(name))
    except RuntimeError:  # it was never set, and ONNX Runtime does not say what it takes then
        return "not set"


def _apply(options: Any, entries: Mapping[str, SettingValue], attributes: Mapping[str, SettingValue]) -> None:
    for name, value in entries.items():
        options.add_session_config_entry(name, str(value))
    for name, value in attributes.items():
        members = getattr(type(getattr(options, name)), "__members__", None)
        setattr(options, name, value if members is None else members[value])
