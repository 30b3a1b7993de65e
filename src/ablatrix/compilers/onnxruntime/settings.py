"""Which settings ONNX Runtime has: its optimisers, session entries and options, asked of the installed library."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablatrix.compilers.catalogue import ONNXRUNTIME
from ablatrix.compilers.onnxruntime.options import ERRORS_ONLY, VERBOSE
from ablatrix.compilers.onnxruntime.passes import OPTIMIZER, read_runs
from ablatrix.compilers.output import STDERR, written_to
from ablatrix.compilers.settings.address import Address, switches, type_of

SESSION, OPTION = "session", "option"
# They hold others, or a model could not run without them.
ALWAYS_RUN = re.compile(r"RuleBased|MemcpyTransformer|CastFloat16Transformer|_CPUExecutionProvider")
RULES = (
    "CastChainElimination",
    "CastElimination",
    "ClipQuantRewrite",
    "EliminateDropout",
    "EliminateIdentity",
    "EliminateSlice",
    "ExpandElimination",
    "LabelEncoderFusion",
    "NoopElimination",
    "PreShapeNodeElimination",
    "ReluQuantRewrite",
    "UnsqueezeElimination",
)
"""Optimisers that run within another one, which alone is named in the log, and are no fusions."""
RULE_FUSIONS = (
    "ConvAddFusion",
    "ConvBNFusion",
    "ConvMulFusion",
    "DivMulFusion",
    "FuseReluClip",
    "GemmSumFusion",
    "GemmTransposeFusion",
    "MatMul_BatchNormalization_Fusion",
    "NotWhereFusion",
    "Pad_Fusion",
)
"""The fusions of this kind."""
ENTRY = re.compile(rb"\x00((?:session|optimization|mlas)(?:\.[a-z0-9_]+)+)(?=\x00)")
# What is no setting of a model's code or run: files, logs, other providers, the source files of the library itself.
NO_SETTING = re.compile(
    r"file|path|folder|director|log_|profil|load_model|save|cuda|moe|_ep_|\.ep|compile|assign|debug|loader|ort_model|"
    r"minimal_build|disable_specified|\.(h|cc)$"
)
SWITCHES = {
    "optimization.enable_cast_chain_elimination": "0",
    "optimization.enable_gelu_approximation": "0",
    "session.disable_aot_function_inlining": "0",
    "session.disable_double_qdq_remover": "0",
    "session.disable_prepacking": "0",
    "session.disable_qdq_constant_folding": "0",
    "session.disable_quant_qdq": "0",
    "session.enable_quant_qdq_cleanup": "0",
    "session.force_spinning_stop": "0",
    "session.inter_op.allow_spinning": "0",  # here; see ``Options``
    "session.intra_op.allow_spinning": "0",
    "session.set_denormal_as_zero": "0",
    "session.use_device_allocator_for_initializers": "0",
}
OF_CODE = re.compile(r"optimization\.|session\..*(qdq|quant|inlining|loop_level|inference|expansion)")
OWNERS = {"graph_optimization_level": "graph_level", "intra_op_num_threads": "threads"}
NO_OPTIONS = re.compile(r"log|profil|path|prefix|per_session")


def addresses() -> Iterator[Address]:
    """Yield the settings of the installed library."""
    import onnxruntime

    library = _library()
    rules = [name for name in {*RULES, *ONNXRUNTIME.acted_on(OPTIMIZER)} if name.encode() in library]
    yield from switches(OPTIMIZER, [*_transformers(), *rules])
    yield from _entries(library)
    yield from _options(onnxruntime.SessionOptions())


def rules() -> list[str]:
    """Return the names of the optimisers that run within another one, which alone is named in the log."""
    library = _library()
    return [name for name in sorted((*RULES, *RULE_FUSIONS)) if name.encode() in library]


def _library() -> bytes:
    import onnxruntime

    return next(Path(onnxruntime.__file__).parent.glob("capi/onnxruntime_pybind11_state*")).read_bytes()


def _transformers() -> list[str]:
    """Return the names of the optimisers that ONNX Runtime says it runs on a model: all that are no rules."""
    import onnx
    import onnxruntime

    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in "xy"]
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "one", value[:1], value[1:])
    versions = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = VERBOSE
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log.txt"
        with written_to(log, STDERR):
            onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = dict.fromkeys(one.name for one in read_runs(log.read_text(encoding="utf-8")))
        return [name for name in names if not ALWAYS_RUN.search(name)]


def _entries(library: bytes) -> Iterator[Address]:
    import onnxruntime

    options = vars(onnxruntime.SessionOptions)
    for name in sorted({found.decode() for found in ENTRY.findall(library)} | set(SWITCHES)):
        is_option = name.removeprefix("session.") in options
        if is_option or NO_SETTING.search(name) or name.encode() not in library:
            continue
        yield Address(
            kind=SESSION,
            name=name,
            type="switch" if name in SWITCHES else "text",
            value=SWITCHES.get(name),
            affects="code" if OF_CODE.match(name) else "run_time",
            off="0",
            on="1",
        )


def _options(options: Any) -> Iterator[Address]:
    """Yield the attributes of ``SessionOptions``, with the values that sessions have here."""
    options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    by_knobs = ONNXRUNTIME.acted_on(OPTION)
    for name in dir(options):
        value = getattr(options, name)
        if name.startswith("_") or callable(value) or NO_OPTIONS.search(name):
            continue
        members = getattr(type(value), "__members__", None)
        if members is None and not isinstance(value, bool | int | float):
            continue
        yield Address(
            kind=OPTION,
            name=name,
            type="text" if members is not None else type_of(value),
            value=None if name in by_knobs else value if members is None else value.name,
            affects="run_time",
            choices=() if members is None else tuple(members),
            owner=OWNERS.get(name, ""),
        )
