"""XLA through JAX: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import (
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
    VECTORS,
    built_in,
    offered,
    reuse_between_tasks,
    sets,
    switch,
    weights,
)
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry, Setting


def _pass(name: str) -> Setting:
    """Return what ``off`` and ``on`` set a pass to; XLA ignores names of passes that it does not have."""
    return sets(f"pass:{name}", {"off": False, "on": None})


XLA = CompilerEntry(
    name="xla",
    summary="XLA on the CPU through JAX: one LLVM kernel for each fused operation, and library kernels for products.",
    modules=("jax", "torchax", "torch"),
    extra="xla",
    adapter="ablatrix.compilers.xla.compiler:XlaCompiler",
    knobs=(
        PARTITION,
        reuse_between_tasks("XLA"),
        KnobEntry(
            name="memory_plan",
            kind="primary",
            summary="Whether buffers inside a task are placed at compile time.",
            levels=(
                LevelEntry(
                    "off",
                    "Each buffer is allocated when it is needed.",
                    unsupported="XLA has no run time that allocates: buffer assignment always places every temporary "
                    "of a program in one block, and no option leaves it out",
                ),
                LevelEntry("on", "Buffer assignment places temporaries by their live ranges in one block."),
            ),
            default="on",
            affects="code",
        ),
        built_in(
            switch(
                "fusion",
                "primary",
                "code",
                "Whether several operations become one kernel (the pass 'fusion', and fusions for the library).",
                "One kernel an operation: the pass 'fusion' is disabled, the library gets single products only.",
                "XLA's cost model puts operations together, and the library takes products and reductions with what "
                "stands around them.",
                shipped="on",
            ),
            _pass("fusion"),
            sets(
                "flag:xla_cpu_experimental_ynn_fusion_type",
                {"off": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT", "on": None},
            ),
        ),
        weights("input", "They are constants of the module, which XLA may fold; each executable holds its own."),
        built_in(
            switch(
                "library",
                "secondary",
                "code",
                "Whether products and reductions go to the library YNNPACK (the pass 'dot-library-rewriter').",
                "The pass is disabled: Eigen computes products, generated code computes reductions.",
                "It takes those that it has a kernel for.",
                default="on",
            ),
            _pass("dot-library-rewriter"),
        ),
        built_in(
            switch(
                "algebra",
                "secondary",
                "code",
                "Whether expressions are simplified (the pass 'algsimp').",
                "The pass is disabled wherever it would run.",
                "It runs until nothing changes.",
                default="on",
            ),
            _pass("algsimp"),
        ),
        built_in(
            switch(
                "convolution_layout",
                "secondary",
                "code",
                "Whether convolutions are brought to channels-last (the pass 'convolution-canonicalization').",
                "The pass is disabled: they are computed in the layout that the model has.",
                "Transpositions before and after let the library compute them.",
                default="on",
            ),
            _pass("convolution-canonicalization"),
        ),
        built_in(
            KnobEntry(
                name="code_level",
                kind="secondary",
                summary="How much LLVM optimises generated kernels (xla_backend_optimization_level).",
                levels=(
                    LevelEntry("none", "Level 0."),
                    LevelEntry("less", "Level 1."),
                    LevelEntry("default", "Level 2."),
                    LevelEntry("aggressive", "Level 3."),
                ),
                default="aggressive",
                affects="code",
            ),
            sets("flag:xla_backend_optimization_level", {"none": 0, "less": 1, "default": 2, "aggressive": 3}),
        ),
        built_in(
            switch(
                "fast_math",
                "secondary",
                "code",
                "Whether generated kernels may take arithmetic as if it were exact (xla_cpu_enable_fast_math).",
                "They compute what the program says.",
                "Terms are reordered and contracted; outputs may differ in their last digits.",
            ),
            sets("flag:xla_cpu_enable_fast_math", {"off": False, "on": True}),
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    settings="ablatrix.compilers.xla.settings:addresses",
    offers=(
        offered(
            "emitters",
            "code",
            "Which code generator fused operations go through (xla_cpu_use_fusion_emitters).",
            {"on": "The fusion emitters, by way of MLIR.", "off": "The older emitters of LLVM's IR."},
            sets("flag:xla_cpu_use_fusion_emitters", {"on": True, "off": False}),
        ),
        offered(
            "vector_width",
            "code",
            "Width in bits of the vectors that LLVM prefers in generated kernels (xla_cpu_prefer_vector_width).",
            VECTORS,
            sets("flag:xla_cpu_prefer_vector_width", {128: 128, 256: 256, 512: 512}),
            default=256,
        ),
        offered(
            "scheduler",
            "code",
            "In which order operations are run (xla_cpu_enable_concurrency_optimized_scheduler).",
            {"memory": "So that few buffers live at once.", "concurrency": "So that many can run at once."},
            sets("flag:xla_cpu_enable_concurrency_optimized_scheduler", {"memory": False, "concurrency": True}),
        ),
        offered(
            "fast_min_max",
            "code",
            "Whether a minimum or maximum may lose a NaN (xla_cpu_enable_fast_min_max).",
            {"on": "It may; as XLA ships.", "off": "NaN goes through."},
            sets("flag:xla_cpu_enable_fast_min_max", {"on": True, "off": False}),
        ),
        offered(
            "excess_precision",
            "code",
            "Whether a cast to a narrower type and back may be left out (xla_allow_excess_precision).",
            {"on": "It may; as XLA ships.", "off": "Values are rounded as the program says."},
            sets("flag:xla_allow_excess_precision", {"on": True, "off": False}),
        ),
        offered(
            "expensive_passes",
            "code",
            "Whether LLVM's expensive passes run on generated kernels (xla_llvm_disable_expensive_passes).",
            {"on": "They run; as XLA ships.", "off": "They do not: compiling is faster."},
            sets("flag:xla_llvm_disable_expensive_passes", {"on": False, "off": True}),
        ),
    ),
    cuda_unsupported="it is given the CPU client of JAX alone",
)
