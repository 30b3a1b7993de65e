"""How users call each compiler with some settings, as Python for a script that has nothing of ours in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.settings import Applied

TVM_STEPS = (
    "DecomposeOpsForInference",
    "DispatchSortScan",
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
)
OURS: Mapping[str, Mapping[str, Level]] = MappingProxyType({"tvm": {"schedule": "default", "library": "off"}})
"""Knobs whose other levels are work of ours that no user calls, with the level that is the compiler's own."""
INDUCTOR_ENTRIES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("pre_grad", "before"): "pre_grad_custom_pass",
        ("pre_grad", "after"): "pre_grad_custom_pass",
        ("joint_graph", "before"): "joint_custom_pre_pass",
        ("joint_graph", "after"): "joint_custom_post_pass",
        ("post_grad", "before"): "post_grad_custom_pre_pass",
        ("post_grad", "after"): "post_grad_custom_post_pass",
        ("fusion", "before"): "_pre_fusion_custom_pass",
        ("fusion", "after"): "_post_fusion_custom_pass",
    }
)


@dataclass(frozen=True, kw_only=True)
class PlainCall:
    """The part of a script that compiles a model.

    Attributes:
        environment: Variables that are set before anything is imported.
        code: Defines ``compile_model(model, inputs)``, which returns a function without arguments that runs the model
            and returns its outputs as tensors of torch.
        package: Package whose version matters.
        own: The author's passes that it loads.
        left_out: What the configuration sets and the script does not, as there is no plain way to say it.
    """

    environment: Mapping[str, str]
    code: str
    package: str
    own: tuple[OwnPass, ...]
    left_out: tuple[str, ...]


def plain_call(entry: CompilerEntry, levels: Mapping[str, Level], threads: int) -> PlainCall | None:
    """Return how a compiler is called at some levels; None of one that is no library of Python.

    Args:
        entry: The compiler, with the settings of the study among its knobs.
        levels: Level of each knob.
        threads: Threads of a run.
    """
    write = _WRITERS.get(entry.name)
    if write is None:
        return None
    applied = Applied.of(entry, levels)
    code, package, said = write(applied, levels, threads)
    environment = {name: str(value) for name, value in applied.running("env").items()}
    given = {f"{kind}:{name}" for kind, name in (*applied.code, *applied.run_time)}
    own = tuple(one for one in applied.inserted if one.where != "whole")
    left_out = [address for address in sorted(given) if address.partition(":")[0] not in {*said, "env"}]
    left_out += [one.address for one in applied.inserted if one.where == "whole" or "inserted" not in said]
    ours = OURS.get(entry.name, {})
    left_out += [
        f"{name}={levels[name]}" for name, own_level in ours.items() if levels.get(name, own_level) != own_level
    ]
    return PlainCall(environment=environment, code=code, package=package, own=own, left_out=tuple(left_out))


def pass_module(own: OwnPass) -> str:
    """Return the file of an author's pass, from the directory of the script: as the study names it."""
    return own.name.rpartition(":")[0]


def load_source(own: Sequence[OwnPass]) -> str:
    """Return the function by which a script loads passes; nothing where it has none."""
    if not own:
        return ""
    return """

def load_pass(file, name):
    path = pathlib.Path(__file__).resolve().parent / file
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)
"""


def _loaded(own: OwnPass) -> str:
    return f'load_pass("{pass_module(own)}", "{own.name.rpartition(":")[2]}")'


def _dict(values: Mapping[str, Any], indent: int = 4) -> str:
    """Return a dictionary as Python, an entry a line."""
    if not values:
        return "{}"
    space = " " * indent
    lines = "".join(f"{space}    {json.dumps(name)}: {value!r},\n" for name, value in values.items())
    return "{\n" + lines + space + "}"


Written = tuple[str, str, frozenset[str]]


def _inductor(applied: Applied, _levels: Mapping[str, Level], threads: int) -> Written:
    given = {name: value for name, value in applied.building("config").items() if _inductor_has(name) != value}
    options = {"fx_graph_cache": False, "compile_threads": 1, "cpp.threads": threads, **given}
    passes: dict[str, list[str]] = {}
    for one in applied.inserted:
        if one.where != "whole":
            passes.setdefault(INDUCTOR_ENTRIES[one.anchor, one.where], []).append(_loaded(one))
    lines = "".join(
        f'    options["{name}"] = run_all([{", ".join(some)}], {name.startswith(("_pre", "_post"))})\n'
        for name, some in passes.items()
    )
    helper = ""
    if passes:
        helper = """def run_all(passes, of_nodes):
    made = [one() if isinstance(one, type) else one for one in passes]

    def run(given):
        for one in made:
            given = one(given) if of_nodes else (one(given), given)[1]
        return given if of_nodes else None

    return run


"""
    code = f"""{helper}def compile_model(model, inputs):
    import torch._inductor.config

    options = {_dict(options)}
{lines}    torch.set_num_threads({threads})
    compiled = torch.compile(model, fullgraph=True)

    def run():
        with torch.no_grad(), torch._inductor.config.patch(options):
            return list(compiled(*inputs))

    return run
"""
    return code, "torch", frozenset({"config", "inserted"})


def _inductor_has(name: str) -> Any:
    """Return the value of an entry of Inductor's configuration where nobody sets it."""
    import torch._inductor.config

    found: Any = torch._inductor.config
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _onnxruntime(applied: Applied, levels: Mapping[str, Level], threads: int) -> Written:
    without = levels.get("without", "none")
    disabled = sorted({*applied.switched_off("optimizer"), *([] if without == "none" else [str(without)])})
    options = applied.running("option")
    level = str(options.pop("graph_optimization_level", "ORT_ENABLE_ALL"))
    lines = [f"    options.{name} = {value!r}\n" for name, value in options.items() if not isinstance(value, str)]
    lines += [
        f"    options.{name} = type(options.{name}).{value}\n"
        for name, value in options.items()
        if isinstance(value, str)
    ]
    entries = applied.running("session")
    lines += [f"    options.add_session_config_entry({name!r}, {str(value)!r})\n" for name, value in entries.items()]
    code = f"""def compile_model(model, inputs):
    import onnxruntime

    file = pathlib.Path(tempfile.mkdtemp()) / "model.onnx"
    torch.onnx.export(model, inputs, file, dynamo=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = {threads}
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.{level}
{"".join(lines)}    session = onnxruntime.InferenceSession(
        file,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers={disabled!r},
    )
    named = {{one.name: tensor.numpy() for one, tensor in zip(session.get_inputs(), inputs)}}
    return lambda: [torch.from_numpy(one) for one in session.run(None, named)]
"""
    return code, "onnxruntime", frozenset({"option", "session", "optimizer"})


def _openvino(applied: Applied, _levels: Mapping[str, Level], threads: int) -> Written:
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        **applied.running("property"),
    }
    code = f"""def compile_model(model, inputs):
    import openvino

    converted = openvino.convert_model(torch.export.export(model, inputs))
    compiled = openvino.compile_model(converted, "CPU", {_dict(settings)})
    arrays = [tensor.numpy() for tensor in inputs]

    def run():
        made = compiled(arrays)
        return [torch.from_numpy(made[index].copy()) for index in range(len(compiled.outputs))]

    return run
"""
    return code, "openvino", frozenset({"property"})


def _xla(applied: Applied, _levels: Mapping[str, Level], threads: int) -> Written:
    disabled = ",".join(applied.switched_off("pass"))
    options = {**({"xla_disable_hlo_passes": disabled} if disabled else {}), **applied.building("flag")}
    code = f'''def import_torchax():
    """torchax reads names of overloads that newer versions of torch do not have."""
    from torch._ops import OpOverloadPacket

    before = OpOverloadPacket.__getattr__

    def find(packet, name):
        try:
            return before(packet, name)
        except AttributeError:
            if name.startswith("__"):
                raise
            return None

    OpOverloadPacket.__getattr__ = find
    try:
        import torchax.export
        import torchax.ops.jaten
    finally:
        OpOverloadPacket.__getattr__ = before
    return torchax.export


def compile_model(model, inputs):
    os.environ["PJRT_NPROC"] = "{threads}"
    import jax
    import numpy

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    exported = torch.export.export(model, inputs).run_decompositions()
    _names, states, function = import_torchax().exported_program_to_jax(exported, export_raw=True)
    weights = [jax.numpy.asarray(one.detach().numpy()) for one in states]
    arrays = [jax.numpy.asarray(one.numpy()) for one in inputs]
    options = {_dict(options)}
    compiled = jax.jit(function).lower(weights, arrays).compile(compiler_options=options)
    return lambda: [torch.from_numpy(numpy.asarray(one).copy()) for one in jax.tree.leaves(compiled(weights, arrays))]
'''
    return code, "jax", frozenset({"flag", "pass"})


def _tvm_sequence(applied: Applied, levels: Mapping[str, Level]) -> list[str]:
    """Return the passes as Python, in order, the author's among them."""
    left_out = set()
    if levels.get("fusion") != "on":
        left_out |= {"FuseOps", "FuseTIR"}
    if levels.get("memory_plan") != "on":
        left_out.add("StaticPlanBlockMemory")
    if levels.get("reuse") != "release":
        left_out.add("KillAfterLastUse")
    lines = []
    for name in TVM_STEPS:
        made = "relax.backend.DispatchSortScan()" if name == "DispatchSortScan" else f"T.{name}()"
        before, after = (map(_loaded, applied.around(name, where)) for where in ("before", "after"))
        lines += [f"as_pass({one})" for one in before]
        lines += [] if name in left_out else [made]
        lines += [f"as_pass({one})" for one in after]
    return lines


def _tvm_entries(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries of a pass context, fields of an object under its name."""
    entries: dict[str, Any] = {"tirx.disable_assert": True}
    for address, value in given.items():
        entry, _, part = address.rpartition(".")
        if entry.count(".") >= 1:
            entries.setdefault(entry, {})[part] = value
        else:
            entries[address] = value
    return entries


def _tvm(applied: Applied, levels: Mapping[str, Level], _threads: int) -> Written:
    context = dict(applied.building("config"))
    level = context.pop("opt_level", 2)
    target = {name: _attribute(name, value) for name, value in applied.building("target").items()}
    options = [f"-{name.partition(':')[0]}:{value}" for name, value in applied.building("llvm").items()]
    if options:
        target["cl-opt"] = options
    sequence = "".join(f"        {one},\n" for one in _tvm_sequence(applied, levels))
    code = f"""def as_pass(found):
    import tvm

    return found if isinstance(found, tvm.transform.Pass) else found()


def compile_model(model, inputs):
    import tvm
    from tvm import relax
    from tvm.relax.frontend.torch import from_exported_program

    T = relax.transform
    imported = from_exported_program(torch.export.export(model, inputs))
    cpu = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({{"kind": "llvm", "mcpu": cpu, **{_dict(target)}}})
    passes = [
{sequence}    ]
    context = tvm.transform.PassContext(
        opt_level={level!r},
        config={_dict(_tvm_entries(context), 8)},
        disabled_pass={applied.switched_off("pass")!r},
    )
    with target, context:
        built = tvm.compile(imported, target=target, relax_pipeline=tvm.transform.Sequential(passes))
    machine = relax.VirtualMachine(built, tvm.cpu())
    tensors = [tvm.runtime.from_dlpack(tensor) for tensor in inputs]

    def run():
        made = machine["main"](*tensors)
        returned = [made] if isinstance(made, tvm.runtime.Tensor) else made
        return [torch.from_numpy(one.numpy().copy()) for one in returned]

    return run
"""
    said = {"config", "pass", "target", "llvm", "inserted"}
    return code, "apache-tvm", frozenset(said)


def _attribute(name: str, value: Any) -> Any:
    return [one.strip() for one in str(value).split(",")] if name == "mattr" else value


_WRITERS: Mapping[str, Callable[[Applied, Mapping[str, Level], int], Written]] = MappingProxyType(
    {"inductor": _inductor, "onnxruntime": _onnxruntime, "openvino": _openvino, "xla": _xla, "tvm": _tvm}
)
