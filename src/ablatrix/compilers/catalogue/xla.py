"""XLA through JAX: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import (
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
    reuse_between_tasks,
    switch,
    weights,
)
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry

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
        switch(
            "fusion",
            "primary",
            "code",
            "Whether several operations become one kernel (the pass 'fusion', and fusions for the library).",
            "One kernel an operation: the pass 'fusion' is disabled, the library gets single products only.",
            "XLA's cost model puts operations together, and the library takes products and reductions with what "
            "stands around them.",
        ),
        weights("input", "They are constants of the module, which XLA may fold; each executable holds its own."),
        KnobEntry(
            name="library",
            kind="secondary",
            summary="Whether products and reductions go to the library YNNPACK (the pass 'dot-library-rewriter').",
            levels=(
                LevelEntry("off", "The pass is disabled: Eigen computes products, generated code computes reductions."),
                LevelEntry("on", "It takes those that it has a kernel for."),
            ),
            default="on",
            affects="code",
        ),
        KnobEntry(
            name="algebra",
            kind="secondary",
            summary="Whether expressions are simplified (the pass 'algsimp').",
            levels=(
                LevelEntry("off", "The pass is disabled wherever it would run."),
                LevelEntry("on", "It runs until nothing changes."),
            ),
            default="on",
            affects="code",
        ),
        KnobEntry(
            name="convolution_layout",
            kind="secondary",
            summary="Whether convolutions are brought to channels-last (the pass 'convolution-canonicalization').",
            levels=(
                LevelEntry("off", "The pass is disabled: they are computed in the layout that the model has."),
                LevelEntry("on", "Transpositions before and after let the library compute them."),
            ),
            default="on",
            affects="code",
        ),
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
        switch(
            "fast_math",
            "secondary",
            "code",
            "Whether generated kernels may take arithmetic as if it were exact (xla_cpu_enable_fast_math).",
            "They compute what the program says.",
            "Terms are reordered and contracted; outputs may differ in their last digits.",
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    settings="ablatrix.compilers.xla.settings:addresses",
    cuda_unsupported="it is given the CPU client of JAX alone",
)
