"""Apache TVM: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import CACHE_TAG, PARTITION, PASS_TIMING, UPPER_BOUND, switch
from ablatrix.compilers.catalogue.model import CompilerEntry, KnobEntry, LevelEntry

TVM = CompilerEntry(
    name="tvm",
    summary="Apache TVM, Relax, code generation by LLVM for the host's processor.",
    modules=("tvm", "torch"),
    extra="tvm",
    adapter="ablatrix.compilers.tvm.compiler:TvmCompiler",
    knobs=(
        PARTITION,
        KnobEntry(
            name="reuse",
            kind="primary",
            summary="Whether memory is given back before the end of a run.",
            levels=(
                LevelEntry("keep", "Buffers between tasks live to the end; no kill instructions inside a task."),
                LevelEntry(
                    "release",
                    "Buffers between tasks are released at their last use and share one arena; inside a task "
                    "KillAfterLastUse frees storage after its last use.",
                ),
            ),
            default="keep",
            affects="code",
        ),
        switch(
            "memory_plan",
            "primary",
            "code",
            "Whether storage inside a task is planned at compile time (StaticPlanBlockMemory).",
            "Every tensor has a storage of its own.",
            "Tensors whose lives do not overlap share storage.",
        ),
        switch(
            "fusion",
            "primary",
            "code",
            "Whether operators are fused into one kernel (FuseOps, FuseTIR).",
            "One kernel an operator.",
            "Element-wise operators are fused with their neighbours.",
        ),
        KnobEntry(
            name="schedule",
            kind="secondary",
            summary="How loops of generated kernels are arranged.",
            levels=(
                LevelEntry("default", "As legalisation made them: one scalar loop nest."),
                LevelEntry("vectorised", "Outer loops parallel, inner spatial loops vectorised and unrolled."),
            ),
            default="default",
            affects="code",
        ),
        switch(
            "library",
            "secondary",
            "code",
            "Who computes matrix products and convolutions.",
            "Generated kernels.",
            "Torch's kernels, called from the compiled program.",
        ),
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    settings="ablatrix.compilers.tvm.settings:addresses",
    anchors=(
        "DecomposeOpsForInference",
        "LegalizeOps",
        "AnnotateTIROpPattern",
        "FoldConstant",
        "FuseOps",
        "FuseTIR",
        "DeadCodeElimination",
        "RewriteDataflowReshape",
        "ToNonDataflow",
        "RemovePurityChecking",
        "CallTIRRewrite",
        "StaticPlanBlockMemory",
        "LowerAllocTensor",
        "KillAfterLastUse",
        "LowerRuntimeBuiltin",
        "ComputePrimValue",
        "VMShapeLower",
        "AttachGlobalSymbol",
    ),
    no_pipeline="",
    cuda_unsupported="its pipeline schedules and generates code for the host's processor alone",
)
