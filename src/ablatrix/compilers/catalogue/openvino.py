"""OpenVINO: its knobs and levels."""

from ablatrix.compilers.catalogue.knobs import (
    CACHE_TAG,
    PARTITION,
    PASS_TIMING,
    THREADS,
    UPPER_BOUND,
    built_in,
    offered,
    reuse_between_tasks,
    sets,
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
        built_in(
            switch(
                "fusion",
                "primary",
                "code",
                "Whether chains of element-wise operations are compiled into one kernel (SNIPPETS_MODE); a part of "
                "fusion.",
                "No chain is compiled; the plug-in's own patterns (products and convolutions with what follows, layer "
                "norm, GELU) have no switch and still run.",
                "Chains become generated kernels ('Subgraph'), beside the plug-in's own patterns.",
                shipped="on",
            ),
            sets("property:SNIPPETS_MODE", {"off": "DISABLE", "on": "ENABLE"}),
        ),
        weights(
            "constant",
            "They are constants of the model: transformations fold and match them, the plug-in packs them for its "
            "kernels when it loads the model.",
        ),
        built_in(
            KnobEntry(
                name="precision",
                kind="secondary",
                summary="Type in which the plug-in computes (INFERENCE_PRECISION_HINT).",
                levels=(
                    LevelEntry("f32", "As the program says."),
                    LevelEntry("bf16", "Products in bfloat16, where the processor has them: up to 2 % off (RMS)."),
                ),
                default="f32",
                affects="code",
                # In products of float32 the floor of the tolerance, 1e-6 of the outputs' RMS, is most of eager's error.
                tolerance=20_000.0,
            ),
            sets("property:INFERENCE_PRECISION_HINT", {"f32": None, "bf16": "bf16"}),
        ),
        built_in(
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
            sets("property:CPU_DENORMALS_OPTIMIZATION", {"keep": False, "flush": True}),
        ),
        THREADS,
        UPPER_BOUND,
        PASS_TIMING,
        CACHE_TAG,
    ),
    takes_onnx=True,
    settings="ablatrix.compilers.openvino.settings:addresses",
    offers=(
        offered(
            "streams",
            "run_time",
            "Parts into which the threads of a run are divided, each for a request of its own (NUM_STREAMS); a run "
            "here is one request.",
            {1: "All threads for one request, as in the other trials."},
            sets("property:NUM_STREAMS", {}, free=True),
            free=True,
        ),
        offered(
            "pinning",
            "run_time",
            "Whether the plug-in binds its threads to processors (ENABLE_CPU_PINNING).",
            {"off": "The runner alone says on which processors a trial runs.", "on": "Each thread has a processor."},
            sets("property:ENABLE_CPU_PINNING", {"off": False, "on": True}),
        ),
        offered(
            "hyper_threading",
            "run_time",
            "Whether two threads may share a core (ENABLE_HYPER_THREADING).",
            {"on": "They may; as OpenVINO ships.", "off": "One thread a core."},
            sets("property:ENABLE_HYPER_THREADING", {"on": True, "off": False}),
        ),
        offered(
            "quantisation_group",
            "both",
            "Elements that share a scale where activations are quantised while running, before compressed weights "
            "(DYNAMIC_QUANTIZATION_GROUP_SIZE).",
            {0: "Activations are not quantised.", 32: "As OpenVINO ships."},
            sets("property:DYNAMIC_QUANTIZATION_GROUP_SIZE", {0: 0}, free=True),
            default=32,
            free=True,
        ),
        offered(
            "cache_precision",
            "both",
            "Type of the keys and values that a stateful model keeps (KV_CACHE_PRECISION).",
            {
                "u8": "Whole numbers of 8 bits; as OpenVINO ships.",
                "u4": "Whole numbers of 4 bits.",
                "bf16": "Bfloat16.",
                "f16": "Float16.",
                "f32": "Float32.",
            },
            sets("property:KV_CACHE_PRECISION", {level: level for level in ("u8", "u4", "bf16", "f16", "f32")}),
        ),
    ),
    cuda_unsupported="OpenVINO has no plug-in for CUDA devices",
)
