"""What an ONNX file may take and return, the values that its inputs get, and refusals when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.given.onnx_file import build_onnx
from ablatrix.workloads.onnx.given_data import read_tensor
from ablatrix.workloads.onnx.operation import read_model
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.source import read_source
from tests.workloads.onnx_models import FLOAT, HALF, INT64, UINT8, node, onnx, prepared, signature_of, weight, write

ARRAY = onnx.numpy_helper.from_array
BOOL, BFLOAT16, DOUBLE = (getattr(onnx.TensorProto, name) for name in ("BOOL", "BFLOAT16", "DOUBLE"))
VALUE = onnx.helper.make_tensor_value_info


@pytest.mark.parametrize(
    ("kind", "dtype", "operator"),
    [
        (HALF, torch.float16, "Relu"),
        (BFLOAT16, torch.bfloat16, "Identity"),
        (DOUBLE, torch.float64, "Relu"),
        (UINT8, torch.uint8, "Identity"),
        (BOOL, torch.bool, "Not"),
    ],
)
def test_onnx_tensors_of_any_type_are_taken(tmp_path: Path, kind: int, dtype: torch.dtype, operator: str) -> None:
    program = prepared(write(tmp_path / "typed.onnx", [node(operator, "x")], inputs=[("x", kind, (50,))], kind=kind))
    (draw,) = program.input_sets
    (out,) = program.exported.module(check_guards=False)(*draw.inputs)
    wanted = {"Relu": torch.relu, "Not": torch.logical_not, "Identity": torch.clone}[operator](draw.inputs[0])
    assert draw.inputs[0].dtype is out.dtype is dtype
    assert torch.equal(out, wanted)
    assert torch.equal(draw.expected[0], wanted.double() if dtype.is_floating_point else wanted)


def test_onnx_bytes_are_drawn_from_all_values(tmp_path: Path) -> None:
    program = prepared(write(tmp_path / "bytes.onnx", [node("Cast", "x", to=FLOAT)], inputs=[("x", UINT8, (500,))]))
    assert int(program.input_sets[0].inputs[0].max()) > 240


@pytest.mark.parametrize("table", ["constant", "dequantised"])
def test_onnx_ids_are_within_table_that_is_no_weight(tmp_path: Path, table: str) -> None:
    rows = numpy.arange(50 * 3, dtype="float32").reshape(50, 3)
    constant = onnx.helper.make_node("Constant", [], ["table"], value=ARRAY(rows))
    weights = [ARRAY(rows.astype("uint8"), "q"), ARRAY(numpy.array(0.5, "float32"), "s")]
    first = constant if table == "constant" else node("DequantizeLinear", "q s", "table")
    path = write(tmp_path / "ids.onnx", [first, node("Gather", "table ids")], weights, [("ids", INT64, (200,))])
    assert 25 < int(prepared(path).input_sets[0].inputs[0].max()) < 50


@pytest.mark.parametrize("operator", ["OneHot", "Equal"])
def test_onnx_ids_that_are_told_apart_are_drawn_from_all(tmp_path: Path, operator: str) -> None:
    """As exporters write a table of bytes: one column an id, by OneHot or by a comparison with all ids."""
    weights = [ARRAY(numpy.array(257), "n"), ARRAY(numpy.array([0, 1]), "v"), ARRAY(numpy.arange(257), "all")]
    onehot, equal = [node("OneHot", "ids n v")], [node("Equal", "ids all", "e"), node("Cast", "e", to=INT64)]
    nodes = onehot if operator == "OneHot" else equal
    path = write(tmp_path / "ids.onnx", nodes, weights, [("ids", INT64, (200, 1))], kind=INT64)
    assert 200 < int(prepared(path).input_sets[0].inputs[0].max()) < 257


def test_onnx_weights_in_other_files_are_read_and_counted_in_digest(tmp_path: Path) -> None:
    path = write(tmp_path / "big.onnx", [node("MatMul", "x w")], [weight("w", 4, 64)])
    whole = prepared(path)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="big.data", size_threshold=0)
    entry = read_source("model", "big.onnx", {}, tmp_path)
    assert entry.origin is not None
    assert [name for name, _ in entry.origin.parts] == ["big.data"]
    split = prepare(entry, input_sets=1)
    assert torch.equal(split.input_sets[0].expected[0], whole.input_sets[0].expected[0])
    data = tmp_path / "big.data"
    data.write_bytes(data.read_bytes()[:-4] + b"\0\0\0\0")
    assert read_source("model", "big.onnx", {}, tmp_path).source_digest != entry.source_digest
    data.unlink()
    with pytest.raises(WorkloadError, match=r"its weights are in other files, and \['big.data'\] are not beside"):
        read_source("model", "big.onnx", {}, tmp_path)


def test_onnx_suffix_in_capitals_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "NET.ONNX", [node("Relu", "x")])
    entry = read_source("model", "NET.ONNX", {}, tmp_path)
    assert entry.origin is not None
    assert entry.origin.kind == "onnx"


def test_onnx_operators_of_old_set_are_converted(tmp_path: Path) -> None:
    nodes = [node("Concat", "x z", "c", axis=0), node("Relu", "c", consumed_inputs=[0])]
    path = write(tmp_path / "old.onnx", nodes, inputs=[("x", FLOAT, (2, 4)), ("z", FLOAT, (2, 4))], opset=5)
    program = prepared(path)
    assert {one.domain: one.version for one in onnx.load_from_string(read_model(program)).opset_import}[""] >= 7
    wanted = torch.cat(program.input_sets[0].inputs).relu().double()
    assert torch.equal(program.input_sets[0].expected[0], wanted)


def trees(path: Path, *, text: bool = False, maps: bool = False) -> Path:
    """A classifier of one tree: the first feature above 0.25 is the second class."""
    labels = {"classlabels_strings": ["a", "b"]} if text else {"classlabels_int64s": [0, 1]}
    tree = onnx.helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "chance"],
        domain="ai.onnx.ml",
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_values=[0.25, 0.0, 0.0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        class_treeids=[0, 0, 0, 0],
        class_nodeids=[1, 1, 2, 2],
        class_ids=[0, 1, 0, 1],
        class_weights=[1.0, 0.0, 0.0, 1.0],
        **labels,
    )
    key = {"classlabels_int64s": [0, 1]}
    last = onnx.helper.make_node("ZipMap", ["chance"], ["maps"], domain="ai.onnx.ml", **key)
    chance = VALUE("chance", FLOAT, (6, 2))
    pairs = onnx.helper.make_sequence_type_proto(
        onnx.helper.make_map_type_proto(INT64, onnx.helper.make_tensor_type_proto(FLOAT, []))
    )
    outputs = [VALUE("label", onnx.TensorProto.STRING if text else INT64, (6,))]
    outputs.append(onnx.helper.make_value_info("maps", pairs) if maps else chance)
    graph = onnx.helper.make_graph([tree, *([last] if maps else [])], "trees", [VALUE("x", FLOAT, (6, 3))], outputs)
    sets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets, ir_version=8), path)
    return path


@pytest.mark.parametrize("maps", [False, True])
def test_onnx_trees_are_taken_with_and_without_zipmap(tmp_path: Path, maps: bool) -> None:
    program = prepared(trees(tmp_path / "trees.onnx", maps=maps))
    (draw,) = program.input_sets
    label, chance = draw.expected
    above = draw.inputs[0][:, 0] > 0.25
    assert torch.equal(label, above.long())
    assert torch.equal(chance, torch.nn.functional.one_hot(above.long(), 2).double())
    assert program.facts.oracle == "float32"
    assert signature_of(program).outputs == (((6,), "int64"), ((6, 2), "float32"))


def test_onnx_labels_that_are_text_are_refused_with_remedy(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"output 'label' is text, .*export the model with numbers.*extract_model"):
        prepared(trees(tmp_path / "trees.onnx", text=True))


def test_onnx_sequence_at_end_is_refused_with_remedy(tmp_path: Path) -> None:
    path = write(tmp_path / "sequence.onnx", [node("SequenceConstruct", "x x")])
    model = onnx.load(path)
    kind = onnx.helper.make_sequence_type_proto(onnx.helper.make_tensor_type_proto(FLOAT, None))
    model.graph.output[0].CopyFrom(onnx.helper.make_value_info("y", kind))
    onnx.save(model, path)
    with pytest.raises(WorkloadError, match="output 'y' is a sequence of tensors, and programs here take and return"):
        prepared(path)


def test_onnx_default_of_constant_of_shape_is_widened(tmp_path: Path) -> None:
    nodes = [node("Shape", "x", "s"), node("ConstantOfShape", "s", "zero"), node("Add", "x zero")]
    program = prepared(write(tmp_path / "zeros.onnx", nodes))
    assert signature_of(program).wide == "onnxruntime"
    assert torch.equal(program.input_sets[0].expected[0], program.input_sets[0].inputs[0].double())


def test_onnx_quantised_weights_are_read_and_counted(tmp_path: Path) -> None:
    """A product with int8 weights and a rounded input, as a static quantiser writes it."""
    q = numpy.arange(-6, 6, dtype="int8").reshape(4, 3)
    weights = [ARRAY(q, "q"), ARRAY(numpy.float32(0.5).reshape(()), "s"), ARRAY(numpy.int8(0).reshape(()), "zero")]
    nodes = [node("QuantizeLinear", "x s zero", "r"), node("DequantizeLinear", "r s zero", "d")]
    nodes += [node("DequantizeLinear", "q s zero", "w"), node("MatMul", "d w")]
    program = prepared(write(tmp_path / "qdq.onnx", nodes, weights))
    (draw,) = program.input_sets
    rounded = (draw.inputs[0].double() / 0.5).round().clamp(-128, 127) * 0.5
    assert torch.equal(draw.expected[0], rounded @ (torch.from_numpy(q).double() * 0.5))
    assert program.facts.parameter_count == 4 * 3 + 1 + 1


def stated(path: Path, outputs: float) -> Path:
    """A model with test data beside it, whose output is so many times the right one."""
    file = write(path / "model.onnx", [node("Mul", "x two")], [ARRAY(numpy.float32(2).reshape(()), "two")], [
        ("x", FLOAT, ("rows", 4))
    ])  # fmt: skip
    folder = path / "test_data_set_0"
    folder.mkdir()
    x = numpy.arange(12, dtype="float32").reshape(3, 4)
    (folder / "input_0.pb").write_bytes(ARRAY(x, "x").SerializeToString())
    (folder / "output_0.pb").write_bytes(ARRAY(x * 2 * outputs, "y").SerializeToString())
    return file


def test_onnx_test_data_gives_inputs_and_sizes(tmp_path: Path) -> None:
    file = stated(tmp_path, 1.0)
    program = prepared(file, input_sets=2)
    assert torch.equal(program.input_sets[0].inputs[0], torch.arange(12.0).reshape(3, 4))
    entry = read_source("model", file.name, {}, tmp_path)
    assert entry.origin is not None
    assert [name for name, _ in entry.origin.parts] == ["test_data_set_0/input_0.pb", "test_data_set_0/output_0.pb"]
    assert not torch.equal(
        prepared(file, rows=3, input_sets=2).input_sets[1].inputs[0], program.input_sets[0].inputs[0]
    )
    assert prepared(file, rows=5).input_sets[0].inputs[0].shape == (5, 4)
    assert torch.equal(read_tensor(tmp_path / "test_data_set_0" / "input_0.pb"), program.input_sets[0].inputs[0])


def test_onnx_oracle_that_disagrees_with_test_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"output 'y' differs by up to .* test_data_set_0 beside the file states"):
        prepared(stated(tmp_path, 1.01))


def rated(path: Path) -> Path:
    """A model that takes a sample rate, and runs at 16000 alone."""
    nodes = [node("Div", "sr rate", "one"), node("Sub", "one 1", "first"), node("Gather", "x first", axis=0)]
    constants = {"rate": numpy.array([16000]), "1": numpy.array([1])}
    weights = [ARRAY(value.astype("int64"), name) for name, value in constants.items()]
    for one in nodes:
        one.name = one.output[0]
    return write(path / "rated.onnx", nodes, weights, [("x", FLOAT, (1, 4)), ("sr", INT64, ())])


def test_onnx_value_that_study_gives_is_used_in_every_input_set(tmp_path: Path) -> None:
    built = build_onnx(rated(tmp_path), {}, {"1": torch.tensor(16000)})
    assert built.own_inputs is not None
    assert [int(one[1]) for one in (built.own_inputs, built.make_inputs(3, {}))] == [16000, 16000]


def test_onnx_drawn_value_that_fails_is_named(tmp_path: Path) -> None:
    nodes = [node("Gather", "x i", "g", axis=0), node("Relu", "g")]
    nodes[0].name = "pick"
    path = write(tmp_path / "pick.onnx", nodes, inputs=[("x", FLOAT, ("n", 4)), ("i", INT64, (64,))])
    with pytest.raises(
        WorkloadError, match=r"ONNX Runtime cannot run it .*that node depends on 'i' \(drawn from 0 to 1, as nothing"
    ):
        prepared(path, n=1)


@pytest.mark.parametrize("values", [{"x": (0.5, 2.0)}, {"x": torch.full((2, 40), 3.0)}])
def test_onnx_undefined_output_names_node_and_drawn_input(tmp_path: Path, values: Any) -> None:
    nodes, shift = [node("Add", "x s", "a"), node("Log", "a", "l"), node("Mul", "l l")], numpy.float32(-0.4).reshape(())
    path = write(tmp_path / "log.onnx", nodes, [ARRAY(shift, "s")], [("x", FLOAT, (2, 40))])
    with pytest.raises(
        WorkloadError, match=r"output 'y' is NaN in \d+ of 80 elements, from node 'l' \(Log\) on, .*'x'"
    ):
        build_onnx(path, {})
    built = build_onnx(path, {}, values)
    assert built.own_inputs is not None
    assert float(built.own_inputs[0].min()) >= 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"z": torch.ones(())}, r"it has no input \['z'\]; it has: x"),
        ({"x": torch.ones(3)}, r"input 'x' is given with shape \(3,\), but it has shape \(2, 4\)"),
    ],
)
def test_onnx_values_that_do_not_fit_are_refused(tmp_path: Path, values: Any, message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        build_onnx(write(tmp_path / "net.onnx", [node("Relu", "x")]), {}, values)


@pytest.mark.parametrize("operator", ["If", "Loop", "Scan"])
def test_onnx_model_with_bodies_has_float64_oracle(tmp_path: Path, operator: str) -> None:
    made = onnx.helper.make_graph
    half = onnx.helper.make_node("Constant", [], ["h"], value_float=0.5)
    scaled = [half, node("Mul", "a h", "b")]
    if operator == "If":
        outer = [half, node("Mul", "x h", "b")]
        body = made(outer, "then", [], [VALUE("b", FLOAT, None)])
        other = made([node("Neg", "x", "b")], "else", [], [VALUE("b", FLOAT, None)])
        nodes, weights = [node("If", "on", then_branch=body, else_branch=other)], [ARRAY(numpy.array(True), "on")]
    elif operator == "Loop":
        inputs = [VALUE("i", INT64, ()), VALUE("c", BOOL, ()), VALUE("a", FLOAT, None)]
        body = made(
            [*scaled, node("Identity", "c", "d")], "body", inputs, [VALUE("d", BOOL, ()), VALUE("b", FLOAT, None)]
        )
        nodes = [node("Loop", "trips on x", body=body)]
        weights = [ARRAY(numpy.array(3), "trips"), ARRAY(numpy.array(True), "on")]
    else:
        body = made(scaled, "body", [VALUE("a", FLOAT, (4,))], [VALUE("b", FLOAT, (4,))])
        nodes, weights = [node("Scan", "x", body=body, num_scan_inputs=1)], []
    (draw,) = prepared(write(tmp_path / "body.onnx", nodes, weights)).input_sets
    factor = 0.125 if operator == "Loop" else 0.5
    assert torch.equal(draw.expected[0], draw.inputs[0].double() * factor)
