"""ONNX Runtime: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import (
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
    built_in,
    offered,
    sets,
    switch,
    weights,
)
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry, Setting

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


def _optimisers(names: tuple[str, ...]) -> list[Setting]:
    """Return what ``off`` and ``on`` set optimisers to."""
    return [sets(f"optimizer:{name}", {"off": False, "on": None}) for name in names]


ONNXRUNTIME = CompilerEntry(
    name="onnxruntime",
    summary="ONNX Runtime on the CPU: graph optimisers over its own kernels, from a model that torch exports.",
    modules=("onnxruntime", "onnx", "onnxscript", "torch"),
    extra="onnxruntime",
    adapter="ablatrix.compilers.onnxruntime.compiler:OnnxRuntimeCompiler",
    knobs=(
        PARTITION,
        built_in(
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
                shipped="release",
            ),
            sets("option:enable_mem_reuse", {"keep": False, "release": True}),
        ),
        built_in(
            switch(
                "memory_plan",
                "primary",
                "run_time",
                "Whether allocations inside a task follow a pattern (enable_mem_pattern).",
                "Each buffer is allocated when it is needed.",
                "The first run of a shape records its allocations; later runs make them as one block.",
                shipped="on",
            ),
            sets("option:enable_mem_pattern", {"off": False, "on": True}),
        ),
        built_in(
            switch(
                "fusion",
                "primary",
                "code",
                "Whether the optimisers run that put several nodes into one, at the graph level in force.",
                "They are disabled by name; all others run, layout among them.",
                "They run: matrix products take up bias, scale, transposition and activation, and patterns become "
                "LayerNormalization, Gelu, attention and the like.",
                shipped="on",
            ),
            *_optimisers(FUSIONS),
        ),
        weights(
            "constant",
            "They are initialisers of the model: optimisers fold and match them, kernels pack them when the model is "
            "loaded.",
        ),
        built_in(
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
            sets(
                "option:graph_optimization_level",
                {
                    "disabled": "ORT_DISABLE_ALL",
                    "basic": "ORT_ENABLE_BASIC",
                    "extended": "ORT_ENABLE_EXTENDED",
                    "all": "ORT_ENABLE_ALL",
                },
            ),
        ),
        built_in(
            switch(
                "layout",
                "secondary",
                "code",
                "Whether the optimisers of layout run, at the graph level in force.",
                "NchwcTransformer and TransposeOptimizer are disabled by name.",
                "Convolutions are brought to blocked channels, transpositions are moved and merged.",
                default="on",
            ),
            *_optimisers(LAYOUT),
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
        built_in(
            switch(
                "arena",
                "secondary",
                "run_time",
                "Where memory comes from (enable_cpu_mem_arena).",
                "Each buffer comes from the system's allocator.",
                "An arena of the session, which grows and keeps what it has.",
                default="on",
            ),
            sets("option:enable_cpu_mem_arena", {"off": False, "on": True}),
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    takes_onnx=True,
    settings="ablatrix.compilers.onnxruntime.settings:addresses",
    offers=(
        offered(
            "execution_mode",
            "run_time",
            "Whether operators that do not depend on each other run at once (execution_mode); 'inter_op_threads' says "
            "on how many threads.",
            {"sequential": "One operator after the other.", "parallel": "As many at once as there are threads."},
            sets("option:execution_mode", {"sequential": "ORT_SEQUENTIAL", "parallel": "ORT_PARALLEL"}),
        ),
        offered(
            "inter_op_threads",
            "run_time",
            "Threads between operators (inter_op_num_threads), which 'execution_mode: parallel' alone has work for.",
            {1: "Operators run on the thread that runs the session."},
            sets("option:inter_op_num_threads", {}, free=True),
            free=True,
        ),
        offered(
            "spinning",
            "run_time",
            "Whether threads without work keep their processor for a while (session.intra_op.allow_spinning, "
            "session.inter_op.allow_spinning).",
            {
                "off": "They sleep, so that a trial that waits for its turn keeps no processor busy.",
                "on": "They spin, as ONNX Runtime ships.",
            },
            sets("session:session.intra_op.allow_spinning", {"off": "0", "on": "1"}),
            sets("session:session.inter_op.allow_spinning", {"off": "0", "on": "1"}),
        ),
        offered(
            "prepacking",
            "run_time",
            "Whether kernels bring constant weights into their own layout when a session is made "
            "(session.disable_prepacking); weights that are inputs are packed in each run.",
            {"on": "They do; as ONNX Runtime ships.", "off": "They read weights as they are."},
            sets("session:session.disable_prepacking", {"on": "0", "off": "1"}),
        ),
        offered(
            "denormals",
            "run_time",
            "What becomes of numbers too small for a normal float (session.set_denormal_as_zero).",
            {"keep": "They are computed, slowly on many processors.", "flush": "They are taken for zero."},
            sets("session:session.set_denormal_as_zero", {"keep": "0", "flush": "1"}),
        ),
        offered(
            "gelu_approximation",
            "code",
            "Whether GELU becomes its approximation by tanh (optimization.enable_gelu_approximation).",
            {"off": "It stays what it is.", "on": "It is approximated: outputs differ."},
            sets("session:optimization.enable_gelu_approximation", {"off": "0", "on": "1"}),
        ),
    ),
    cuda_unsupported="its sessions are made with the CPU execution provider alone",
)
