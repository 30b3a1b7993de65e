"""OpenVINO: its knobs and levels."""

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

OPENVINO = CompilerEntry(
    name="openvino",
    summary="OpenVINO's CPU plug-in: oneDNN's kernels, and generated ones for chains of element-wise operations.",
    modules=("openvino", "torch"),
    extra="openvino",
    adapter="ablatrix.compilers.openvino.compiler:OpenVinoCompiler",
    knobs=(
        PARTITION,
        reuse_between_tasks("OpenVINO"),
        KnobEntry(
            name="memory_plan",
            kind="primary",
            summary="Whether buffers inside a task are placed before it runs.",
            levels=(
                LevelEntry(
                    "off",
                    "Each buffer is allocated when it is needed.",
                    unsupported="OpenVINO's CPU plug-in always places buffers of static shape by their live ranges, "
                    "and no property leaves it out",
                ),
                LevelEntry("on", "Buffers of static shape are placed by their live ranges in shared memory."),
            ),
            default="on",
            affects="run_time",
        ),
        switch(
            "fusion",
            "primary",
            "code",
            "Whether chains of element-wise operations are compiled into one kernel (SNIPPETS_MODE); a part of fusion.",
            "No chain is compiled; the plug-in's own patterns (products and convolutions with what follows, layer "
            "norm, GELU) have no switch and still run.",
            "Chains become generated kernels ('Subgraph'), beside the plug-in's own patterns.",
        ),
        weights(
            "constant",
            "They are constants of the model: transformations fold and match them, the plug-in packs them for its "
            "kernels when it loads the model.",
        ),
        KnobEntry(
            name="precision",
            kind="secondary",
            summary="Type in which the plug-in computes (INFERENCE_PRECISION_HINT).",
            levels=(
                LevelEntry("f32", "As the program says."),
                LevelEntry(
                    "bf16",
                    "Products in bfloat16.",
                    unsupported="products in bfloat16 change outputs by about 1e-2 of their size, which no check of a "
                    "float32 program lets pass; give a model in bfloat16 instead",
                ),
            ),
            default="f32",
            affects="code",
        ),
        KnobEntry(
            name="denormals",
            kind="secondary",
            summary="What becomes of numbers too small for a normal float (CPU_DENORMALS_OPTIMIZATION).",
            levels=(
                LevelEntry("keep", "They are computed, slowly on many processors."),
                LevelEntry("flush", "They are taken for zero."),
            ),
            default="keep",
            affects="run_time",
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    takes_onnx=True,
    settings="ablatrix.compilers.openvino.settings:addresses",
    cuda_unsupported="OpenVINO has no plug-in for CUDA devices",
)
