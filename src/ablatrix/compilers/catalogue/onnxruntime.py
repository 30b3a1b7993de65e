"""ONNX Runtime: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import CACHE_TAG, PARTITION, PASS_TIMING, THREADS, UPPER_BOUND, switch, weights
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry

ONNXRUNTIME = CompilerEntry(
    name="onnxruntime",
    summary="ONNX Runtime on the CPU: graph optimisers over its own kernels, from a model that torch exports.",
    modules=("onnxruntime", "onnx", "onnxscript", "torch"),
    extra="onnxruntime",
    adapter="ablatrix.compilers.onnxruntime.compiler:OnnxRuntimeCompiler",
    knobs=(
        PARTITION,
        KnobEntry(
            name="reuse",
            kind="primary",
            summary="Whether memory is given back before the end of a run.",
            levels=(
                LevelEntry(
                    "keep",
                    "Buffers between tasks live to the end; inside a task no buffer takes another's place "
                    "(enable_mem_reuse off), though dead ones still go back to the allocator.",
                ),
                LevelEntry(
                    "release",
                    "Buffers between tasks are released at their last use and share one arena; inside a task a "
                    "buffer may take the place of a dead one (enable_mem_reuse).",
                ),
            ),
            default="keep",
            affects="run_time",
        ),
        switch(
            "memory_plan",
            "primary",
            "run_time",
            "Whether allocations inside a task follow a pattern (enable_mem_pattern).",
            "Each buffer is allocated when it is needed.",
            "The first run of a shape records its allocations; later runs make them as one block.",
        ),
        switch(
            "fusion",
            "primary",
            "code",
            "Whether the optimisers run that put several nodes into one, at the graph level in force.",
            "They are disabled by name; all others run, layout among them.",
            "They run: matrix products take up bias, scale, transposition and activation, and patterns become "
            "LayerNormalization, Gelu, attention and the like.",
        ),
        weights(
            "constant",
            "They are initialisers of the model: optimisers fold and match them, kernels pack them when the model is "
            "loaded.",
        ),
        KnobEntry(
            name="graph_level",
            kind="secondary",
            summary="Which graph optimisers run (graph_optimization_level); it mixes fusions with what is none.",
            levels=(
                LevelEntry("disabled", "None."),
                LevelEntry("basic", "Those that keep to standard operators: folding, removals, first fusions."),
                LevelEntry("extended", "Fusions into ONNX Runtime's own operators as well."),
                LevelEntry("all", "Layout optimisers for this processor as well."),
            ),
            default="all",
            affects="code",
        ),
        KnobEntry(
            name="layout",
            kind="secondary",
            summary="Whether the optimisers of layout run, at the graph level in force.",
            levels=(
                LevelEntry("off", "NchwcTransformer and TransposeOptimizer are disabled by name."),
                LevelEntry("on", "Convolutions are brought to blocked channels, transpositions are moved and merged."),
            ),
            default="on",
            affects="code",
        ),
        KnobEntry(
            name="without",
            kind="secondary",
            summary="One optimiser that does not run, at the graph level in force (disabled_optimizers): any of ONNX "
            "Runtime's, by its name; one that it does not know changes nothing.",
            levels=(
                LevelEntry("none", "Every optimiser that the other knobs let run."),
                LevelEntry("BiasGeluFusion", "An addition before GELU stays a node of its own."),
                LevelEntry("MatMulAddFusion", "A product and the addition after it are not made one Gemm."),
                LevelEntry("MatMulScaleFusion", "A scale around a product stays a node of its own."),
                LevelEntry("SkipLayerNormFusion", "A residual addition before a layer norm stays a node of its own."),
            ),
            default="none",
            affects="code",
            free="name",
        ),
        KnobEntry(
            name="arena",
            kind="secondary",
            summary="Where memory comes from (enable_cpu_mem_arena).",
            levels=(
                LevelEntry("off", "Each buffer comes from the system's allocator."),
                LevelEntry("on", "An arena of the session, which grows and keeps what it has."),
            ),
            default="on",
            affects="run_time",
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    takes_onnx=True,
    settings="ablatrix.compilers.onnxruntime.settings:addresses",
    cuda_unsupported="its sessions are made with the CPU execution provider alone",
)
