"""A program that is an ONNX model: which compilers take it as it is, and what the others say."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import ablatrix
from ablatrix.compilers.adapter import Compiler
from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.eager import EagerCompiler
from ablatrix.errors import UnsupportedError
from ablatrix.testing.requests import make_request
from ablatrix.trials.fork_server.child import import_compiler
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.program import Program
from ablatrix.workloads.source import read_source

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
TAKERS = [name for name, entry in SHIPPED.items() if entry.takes_onnx and entry.knobs and entry.installed]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs in an order that is not that of their use, two outputs, a bias and a GELU that can be fused."""
    weight = onnx.numpy_helper.from_array(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).numpy(), "w")
    nodes = [
        onnx.helper.make_node("MatMul", ["b", "w"], ["p"]),
        onnx.helper.make_node("Add", ["p", "a"], ["q"]),
        onnx.helper.make_node("Gelu", ["q"], ["y"]),
        onnx.helper.make_node("Relu", ["p"], ["z"]),
    ]
    value = onnx.helper.make_tensor_value_info
    float32 = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "two",
        [value("a", float32, (8,)), value("b", float32, (4, 8))],
        [value("y", float32, None), value("z", float32, None)],
        [weight],
    )
    path = tmp_path_factory.mktemp("onnx") / "two.onnx"
    sets = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), path)
    return path


@pytest.fixture(scope="module")
def program(file: Path) -> Program:
    return prepare(read_source("two", file.name, {}, file.parent), input_sets=2)


@pytest.fixture(scope="module", params=TAKERS)
def taker(request: pytest.FixtureRequest) -> Compiler:
    compiler: Compiler = import_compiler(SHIPPED[request.param])
    compiler.set_threads(1)
    return compiler


@pytest.mark.parametrize("fusion", ["off", "on"])
def test_onnx_model_on_compiler_that_accepts_it_matches_oracle(
    taker: Compiler, program: Program, fusion: str, tmp_path: Path
) -> None:
    entry = SHIPPED[taker.name]
    executable = taker.compile(make_request(program, tmp_path, {**entry.defaults(), "fusion": fusion}, entry=entry))
    for draw in program.input_sets:
        bound = executable.bind(draw.inputs)
        bound.run()
        for made, wanted in zip(bound.outputs(), draw.expected, strict=True):
            assert torch.allclose(made.double(), wanted, rtol=0, atol=1e-5)


def test_onnx_model_with_same_shapes_but_other_graph_is_another_task(
    taker: Compiler, file: Path, program: Program, tmp_path: Path
) -> None:
    model = onnx.load(file)
    model.graph.node[3].op_type = "Sigmoid"
    onnx.save(model, tmp_path / "two.onnx")
    other = prepare(read_source("two", "two.onnx", {}, tmp_path))
    request = make_request(program, tmp_path, SHIPPED[taker.name].defaults())
    taker.compile(request)
    taker.compile(make_request(other, tmp_path, SHIPPED[taker.name].defaults(), cache=request.cache))
    assert request.cache.key_set_size == 2


def saved(directory: Path, nodes: list[Any], inputs: Any, outputs: Any, **weights: Any) -> Path:
    """A small model in a file; inputs and outputs are names with a type and a shape."""
    ends = [[onnx.helper.make_tensor_value_info(*one) for one in ends] for ends in (inputs, outputs)]
    held = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, "net", *ends, held)
    sets = [onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid("com.microsoft", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), directory / "net.onnx")
    return directory / "net.onnx"


def compiled(taker: Compiler, directory: Path, query: str = "", input_sets: int = 2) -> tuple[Any, Program]:
    """The file in a directory, compiled at a compiler's defaults, and its program."""
    program = prepare(read_source("net", f"net.onnx{query}", {}, directory), input_sets=input_sets)
    entry = SHIPPED[taker.name]
    return taker.compile(
        make_request(program, directory, entry.defaults(), bounds=program.dynamic_bounds, entry=entry)
    ), program


def assert_right(executable: Any, program: Program) -> None:
    for draw in program.input_sets:
        bound = executable.bind(draw.inputs)
        bound.run()
        for made, wanted in zip(bound.outputs(), draw.expected, strict=True):
            assert torch.allclose(made.double(), wanted.double(), rtol=0, atol=1e-5)


def test_onnx_model_stays_dynamic_on_compiler_that_accepts_it(taker: Compiler, tmp_path: Path) -> None:
    kind, make = onnx.TensorProto.FLOAT, onnx.helper.make_node
    nodes = [make("MatMul", ["x", "w"], ["p"]), make("Concat", ["p", "z"], ["y"], axis=0)]
    inputs = [("z", kind, ("rows", 3)), ("x", kind, ("rows", 4))]
    saved(tmp_path, nodes, inputs, [("y", kind, None)], w=torch.ones(4, 3).numpy())
    executable, program = compiled(taker, tmp_path, "?rows=2..16@5", input_sets=3)
    assert [len(one.expected[0]) for one in program.input_sets] == [10, 4, 32]
    assert_right(executable, program)


def test_onnx_inputs_that_are_passed_through_are_written(taker: Compiler, tmp_path: Path) -> None:
    kind, make = onnx.TensorProto.FLOAT, onnx.helper.make_node
    nodes = [make("Dropout", ["x"], ["y"]), make("Reshape", ["z", "s"], ["u"]), make("Neg", ["x"], ["v"])]
    ends = [("x", kind, (2, 3)), ("z", kind, (4,))], [("y", kind, None), ("u", kind, None), ("v", kind, None)]
    saved(tmp_path, nodes, *ends, s=torch.tensor([2, 2]).numpy())
    assert_right(*compiled(taker, tmp_path))
    saved(tmp_path, nodes[:1], ends[0][:1], ends[1][:1])
    assert_right(*compiled(taker, tmp_path))


def test_onnx_runtime_counts_calls_in_bodies(tmp_path: Path) -> None:
    kind, make = onnx.TensorProto.FLOAT, onnx.helper.make_node
    value = onnx.helper.make_tensor_value_info("b", kind, None)
    then = onnx.helper.make_graph([make("Exp", ["x"], ["a"]), make("Tanh", ["a"], ["b"])], "then", [], [value])
    other = onnx.helper.make_graph([make("Neg", ["x"], ["b"])], "else", [], [value])
    nodes = [make("If", ["on"], ["y"], then_branch=then, else_branch=other)]
    saved(tmp_path, nodes, [("x", kind, (4,)), ("on", onnx.TensorProto.BOOL, ())], [("y", kind, None)])
    compiler = import_compiler(SHIPPED["onnxruntime"])
    compiler.set_threads(1)
    executable, program = compiled(compiler, tmp_path)
    assert executable.facts.generated_calls == 4
    assert_right(executable, program)


@pytest.mark.parametrize("name", [name for name in TAKERS if name != "onnxruntime"])
def test_onnx_operator_without_translation_is_unsupported(name: str, tmp_path: Path) -> None:
    kind = onnx.TensorProto.FLOAT
    nodes = [onnx.helper.make_node("Inverse", ["x"], ["y"], domain="com.microsoft")]
    saved(tmp_path, nodes, [("x", kind, (4, 4))], [("y", kind, None)])
    with pytest.raises(UnsupportedError, match="Inverse"):
        compiled(import_compiler(SHIPPED[name]), tmp_path)


def test_onnx_runtime_without_any_optimiser_by_name_keeps_its_nodes(tmp_path: Path) -> None:
    """Two equal products are one, unless the optimiser that merges them is left out; it is not a listed level."""
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    nodes = [
        *(onnx.helper.make_node("MatMul", ["x", "x"], [name]) for name in ("p", "q")),
        onnx.helper.make_node("Sub", ["p", "q"], ["y"]),
    ]
    graph = onnx.helper.make_graph(nodes, "twice", [value("x", kind, (4, 4))], [value("y", kind, None)])
    sets = [onnx.helper.make_opsetid("", 20)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), tmp_path / "twice.onnx")
    made = prepare(read_source("twice", "twice.onnx", {}, tmp_path), input_sets=1)
    entry = SHIPPED["onnxruntime"]
    without = entry.knob("without")
    assert without is not None
    assert without.has("CommonSubexpressionElimination")
    assert not without.has("no such name")
    compiler = import_compiler(entry)
    compiler.set_threads(1)
    calls = {}
    for level in ("none", "CommonSubexpressionElimination"):
        (tmp_path / level).mkdir()
        request = make_request(made, tmp_path / level, {**entry.defaults(), "without": level}, entry=entry)
        calls[level] = compiler.compile(request).facts.generated_calls
    assert calls == {"none": 2, "CommonSubexpressionElimination": 3}


def test_onnx_reference_is_not_reused_for_other_device(program: Program, tmp_path: Path) -> None:
    request = replace(make_request(program, tmp_path), device="cuda")
    with pytest.raises(UnsupportedError, match="runs eagerly in ONNX Runtime on the CPU, not on cuda"):
        EagerCompiler().compile(request)


@pytest.mark.long
def test_onnx_models_of_other_types_are_right_wherever_accepted(tmp_path: Path) -> None:
    """float16 inside or at the end, uint8 at the end, one number, and no float64: eager and every compiler are ok."""
    one, half, byte = (getattr(onnx.TensorProto, name) for name in ("FLOAT", "FLOAT16", "UINT8"))
    array, make = onnx.numpy_helper.from_array, onnx.helper.make_node
    w = torch.randn(32, 32, generator=torch.Generator().manual_seed(0)).numpy() / 4
    weights = [
        array(w, "w"),
        array(w.astype("float16"), "v"),
        array(w[0], "b"),
        array(w[0, :1].reshape(()) * 0 + 1, "s"),
    ]
    many = [
        *(make("MatMul", ["x", "w"], ["p"]), make("Tanh", ["p"], ["t"]), make("ReduceMean", ["t"], ["number"])),
        *(make("QuantizeLinear", ["t", "s"], ["bytes"]), make("Cast", ["x"], ["h"], to=half)),
        *(make("MatMul", ["h", "v"], ["q"]), make("Tanh", ["q"], ["halves"]), make("Neg", ["halves"], ["r"])),
        make("Cast", ["r"], ["inside"], to=one),
    ]
    own = [make("MatMul", ["x", "w"], ["p"]), make("BiasGelu", ["p", "b"], ["y"], domain="com.microsoft")]
    graphs: dict[str, tuple[list[Any], dict[str, int]]] = {
        "many": (many, {"number": one, "bytes": byte, "halves": half, "inside": one}),
        "own": (own, {"y": one}),
    }
    sets = [onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid("com.microsoft", 1)]
    value = onnx.helper.make_tensor_value_info
    for name, (nodes, outputs) in graphs.items():
        made = [value(output, kind, None) for output, kind in outputs.items()]
        graph = onnx.helper.make_graph(nodes, name, [value("x", one, (32, 32))], made, weights)
        onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=10), tmp_path / f"{name}.onnx")
    takers = [name for name in TAKERS if name != "tvm"]  # which takes no operator of a vendor
    plain = {
        "name": "types",
        "workloads": [f"{name}.onnx" for name in graphs],
        "compilers": takers,
        "modes": ["cold"],
        "stages": [{"name": "primary", "factorial": {"fusion": ["on"]}}],
        "baseline": {"fusion": "on"},
        "protocol": {"cold": {"replicates": 1}},
    }
    study = ablatrix.resolve_study(ablatrix.Study.model_validate(plain).at(tmp_path))
    records = list(ablatrix.read_records(ablatrix.run(study, tmp_path / "out").results))
    counted = Counter((r.workload.name, r.config.compiler, str(r.status)) for r in records)
    assert counted.keys() == {(name, taker, "ok") for name in graphs for taker in ("eager", *takers)}


def test_onnx_study_runs_where_accepted_and_gives_reason_elsewhere(file: Path, tmp_path: Path) -> None:
    study = ablatrix.Study.model_validate(
        {
            "name": "given",
            "workloads": [file.name],
            "compilers": ["onnxruntime", "xla"],
            "modes": ["cold"],
            "stages": [{"name": "primary", "factorial": {"partition": ["whole", "regions"]}}],
            "protocol": {"cold": {"replicates": 1}},
        }
    ).at(file.parent)
    records = list(ablatrix.read_records(ablatrix.run(ablatrix.resolve_study(study), tmp_path / "out").results))
    counted = Counter((r.config.compiler, r.config.knobs.get("partition"), str(r.status)) for r in records)
    assert counted == {
        ("eager", None, "ok"): counted["eager", None, "ok"],
        ("onnxruntime", "whole", "ok"): 1,
        ("onnxruntime", "regions", "unsupported"): 1,
        ("xla", "whole", "unsupported"): 1,
        ("xla", "regions", "unsupported"): 1,
    }
    assert counted["eager", None, "ok"] > 0
    reasons = {r.config.compiler: r.error.message for r in records if r.error}
    assert "it does not say which blocks it was written in" in reasons["onnxruntime"]
    assert "takes no ONNX model, only what torch exports" in reasons["xla"]
