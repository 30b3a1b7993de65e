"""PyTorch Inductor: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import (
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
    VECTORS,
    built_in,
    offered,
    sets,
    switch,
    weights,
)
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry

# The scheduler may not fuse, and lowering may not inline one operator into the next: it stores what it computed.
NO_FUSION = {
    "max_fusion_size": 1,
    "epilogue_fusion": False,
    "prologue_fusion": False,
    "realize_reads_threshold": 0,
    "realize_opcount_threshold": 0,
    "realize_acc_reads_threshold": 0,
}

INDUCTOR = CompilerEntry(
    name="inductor",
    summary="PyTorch Inductor: C++ kernels around torch's own, compiled by the host's C++ compiler.",
    modules=("torch",),
    extra="inductor",
    adapter="ablatrix.compilers.inductor.compiler:InductorCompiler",
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
                shipped="release",
            ),
            sets("config:allow_buffer_reuse", {"keep": False, "release": True}),
            sets("config:inplace_buffers", {"keep": False, "release": True}),
        ),
        built_in(
            switch(
                "memory_plan",
                "primary",
                "code",
                "Whether buffers inside a task are placed in pools at compile time (memory_planning).",
                "Each buffer is allocated when it is needed.",
                "Buffers are placed in pools; this overrides what 'reuse' does inside a task, except writing in place.",
            ),
            sets("config:memory_planning", {"off": False, "on": True}),
        ),
        built_in(
            switch(
                "fusion",
                "primary",
                "code",
                "Whether operators are fused into one loop nest (scheduler, and inlining while lowering).",
                "One loop nest an operator, as far as lowering stores each result (max_fusion_size 1, thresholds 0).",
                "The scheduler fuses nests, and lowering inlines one operator into the next.",
                shipped="on",
            ),
            *(sets(f"config:{name}", {"off": value, "on": None}) for name, value in NO_FUSION.items()),
        ),
        built_in(
            weights(
                "input",
                "Inductor's freezing: they are folded and packed for the library. What is packed cannot be stored, so "
                "each process that runs a task compiles it.",
            ),
            sets("config:freezing", {"input": False, "constant": True}),
        ),
        KnobEntry(
            name="freezing",
            kind="secondary",
            summary="What Inductor calls freezing is the knob 'weights'; this one is there for studies that name it.",
            levels=(
                LevelEntry("off", "As 'weights' says."),
                LevelEntry("on", "They are constants.", unsupported="it is what 'weights: constant' does; vary that"),
            ),
            default="off",
            affects="code",
        ),
        built_in(
            switch(
                "max_autotune",
                "secondary",
                "code",
                "Whether templates are timed beside the library's kernels while compiling, and the fastest is taken.",
                "The library's kernels.",
                "The fastest of the candidates; which one that is depends on noise while compiling.",
            ),
            sets("config:max_autotune", {"off": False, "on": True}),
        ),
        built_in(
            switch(
                "layout_optimization",
                "secondary",
                "code",
                "Whether convolutions are brought to channels-last.",
                "Tensors keep their layout.",
                "Inductor decides for a graph with convolutions whether it pays.",
                default="on",
            ),
            sets("config:layout_optimization", {"off": False, "on": True}),
        ),
        built_in(
            switch(
                "cpp_wrapper",
                "secondary",
                "code",
                "What calls the kernels.",
                "A Python function.",
                "A C++ function, compiled with the kernels into one library.",
            ),
            sets("config:cpp_wrapper", {"off": False, "on": True}),
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    settings="ablatrix.compilers.inductor.settings:addresses",
    offers=(
        offered(
            "simd",
            "code",
            "Width in bits of the vectors in generated loops (cpp.simdlen).",
            {"default": "The widest that the processor has.", 1: "No vectors.", 256: VECTORS[256], 512: VECTORS[512]},
            sets("config:cpp.simdlen", {"default": None, 1: 1, 256: 256, 512: 512}),
        ),
        offered(
            "fast_math",
            "code",
            "Whether the C++ compiler may reorder arithmetic (cpp.enable_unsafe_math_opt_flag).",
            {"off": "It computes what the program says.", "on": "With -funsafe-math-optimizations."},
            sets("config:cpp.enable_unsafe_math_opt_flag", {"off": False, "on": True}),
        ),
        offered(
            "contraction",
            "code",
            "Whether products and sums become one operation (cpp.enable_floating_point_contract_flag).",
            {"off": "Each is rounded.", "on": "Within an expression.", "fast": "Across expressions as well."},
            sets("config:cpp.enable_floating_point_contract_flag", {"off": "off", "on": "on", "fast": "fast"}),
        ),
        offered(
            "epilogue_fusion",
            "code",
            "Whether what follows a template is fused into it (epilogue_fusion), which 'fusion' switches, too.",
            {"on": "As the knob 'fusion' has it.", "off": "It is a loop nest of its own."},
            sets("config:epilogue_fusion", {"on": None, "off": False}),
        ),
        offered(
            "coordinate_descent",
            "code",
            "Whether parameters of kernels are searched one after the other (coordinate_descent_tuning).",
            {"off": "They are not.", "on": "They are, for Triton's kernels; C++ kernels have none."},
            sets("config:coordinate_descent_tuning", {"off": False, "on": True}),
        ),
        offered(
            "precision_casts",
            "code",
            "Whether fused kernels of 16-bit types round where eager does (emulate_precision_casts).",
            {"off": "They keep float32 in between.", "on": "They round as eager does."},
            sets("config:emulate_precision_casts", {"off": False, "on": True}),
        ),
        offered(
            "chunk",
            "code",
            "Least number of iterations that a thread is given (cpp.min_chunk_size).",
            {512: "As Inductor ships."},
            sets("config:cpp.min_chunk_size", {}, free=True),
            free=True,
        ),
    ),
    anchors=("pre_grad", "joint_graph", "post_grad", "fusion"),
    no_pipeline="torch calls them one by one in its code and has no list of them; switch one off by its address "
    "(setting: pass:NAME), or insert one of your own (pass)",
    cuda_unsupported="an artifact holds C++ kernels that are loaded again as they were built; Triton "
    "kernels would be compiled anew at each load, and how to store them was not tried on a GPU",
)
