"""From the levels of knobs to ONNX Runtime's session options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import Level

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
    """

    reuse: bool
    memory_plan: bool
    fusion: bool
    layout: bool
    graph_level: str
    without: str
    arena: bool
    threads: int

    @classmethod
    def from_knobs(cls, knobs: Mapping[str, Level], threads: int) -> Options:
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
        )

    def disabled(self) -> list[str]:
        """Return the names of the optimisers that do not run."""
        named = [*([] if self.fusion else FUSIONS), *([] if self.layout else LAYOUT)]
        return [*named, *([] if self.without in ("none", *named) else [self.without])]

    def optimising(self, file: Path) -> Any:
        """Return the options of a session that optimises a model and saves it."""
        import onnxruntime

        options = self._common()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, GRAPH_LEVELS[self.graph_level])
        options.optimized_model_filepath = str(file)
        return options

    def running(self) -> Any:
        """Return the options of a session that runs a saved model as it is."""
        import onnxruntime

        options = self._common()
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
