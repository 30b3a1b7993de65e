"""PyTorch Inductor: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import CACHE_TAG, PARTITION, PASS_TIMING, THREADS, UPPER_BOUND, switch
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry

INDUCTOR = CompilerEntry(
    name="inductor",
    summary="PyTorch Inductor: C++ kernels around torch's own, compiled by the host's C++ compiler.",
    modules=("torch",),
    extra="inductor",
    adapter="ablatrix.compilers.inductor.compiler:InductorCompiler",
    knobs=(
        PARTITION,
        KnobEntry(
            name="reuse",
            kind="primary",
            summary="Whether memory is given back before the end of a run.",
            levels=(
                LevelEntry(
                    "keep",
                    "Buffers between tasks live to the end; inside a task each buffer has memory of its own "
                    "(allow_buffer_reuse and inplace_buffers off).",
                ),
                LevelEntry(
                    "release",
                    "Buffers between tasks are released at their last use and share one arena; inside a task later "
                    "buffers take the memory of dead ones and kernels write in place.",
                ),
            ),
            default="keep",
            affects="code",
        ),
        switch(
            "memory_plan",
            "primary",
            "code",
            "Whether buffers inside a task are placed in pools at compile time (memory_planning).",
            "Each buffer is allocated when it is needed.",
            "Buffers are placed in pools; this overrides what 'reuse' does inside a task, except writing in place.",
        ),
        switch(
            "fusion",
            "primary",
            "code",
            "Whether operators are fused into one loop nest (scheduler, and inlining while lowering).",
            "One loop nest an operator, as far as lowering stores each result (max_fusion_size 1, thresholds 0).",
            "The scheduler fuses nests, and lowering inlines one operator into the next.",
        ),
        KnobEntry(
            name="freezing",
            kind="secondary",
            summary="Whether weights are constants of the compiled code, folded and packed for the library.",
            levels=(
                LevelEntry("off", "Weights are inputs of a task."),
                LevelEntry(
                    "on",
                    "Weights are constants.",
                    unsupported="weights are inputs of a task, so that equal blocks share their code, and what "
                    "depends on weights alone is folded when a workload is lowered; oneDNN's packed weights cannot "
                    "be stored and loaded",
                ),
            ),
            default="off",
            affects="code",
        ),
        switch(
            "max_autotune",
            "secondary",
            "code",
            "Whether templates are timed beside the library's kernels while compiling, and the fastest is taken.",
            "The library's kernels.",
            "The fastest of the candidates; which one that is depends on noise while compiling.",
        ),
        KnobEntry(
            name="layout_optimization",
            kind="secondary",
            summary="Whether convolutions are brought to channels-last.",
            levels=(
                LevelEntry("off", "Tensors keep their layout."),
                LevelEntry("on", "Inductor decides for a graph with convolutions whether it pays."),
            ),
            default="on",
            affects="code",
        ),
        switch(
            "cpp_wrapper",
            "secondary",
            "code",
            "What calls the kernels.",
            "A Python function.",
            "A C++ function, compiled with the kernels into one library.",
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    settings="ablatrix.compilers.inductor.settings:addresses",
    anchors=("pre_grad", "joint_graph", "post_grad", "fusion"),
    no_pipeline="torch calls them one by one in its code and has no list of them; switch one off by its address "
    "(setting: pass:NAME), or insert one of your own (pass)",
    cuda_unsupported="an artifact holds C++ kernels that are loaded again as they were built; Triton "
    "kernels would be compiled anew at each load, and how to store them was not tried on a GPU",
)
