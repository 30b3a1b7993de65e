"""Free dimensions of an ONNX file: what they are called, and sizes that stay dynamic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.onnx.output_sizes import find_output_sizes
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.source import read_source
from tests.workloads.onnx_models import FLOAT, node, onnx, prepared, weight, write


def added(path: Path, one: Any, other: Any) -> Path:
    """The sum of two inputs, whose first axes are called so in the file; -1 is a size, as some exporters write it."""
    file = write(path / "added.onnx", [node("Add", "x z")], inputs=[("x", FLOAT, (1, 4)), ("z", FLOAT, (1, 4))])
    model = onnx.load(file)
    for value, name in zip(model.graph.input, (one, other), strict=True):
        dimension = value.type.tensor_type.shape.dim[0]
        dimension.Clear()
        if isinstance(name, str):
            dimension.dim_param = name
        elif name is not None:
            dimension.dim_value = name
    onnx.save(model, file)
    return file


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ("DynamicDimension.0", "DynamicDimension.0", ["DynamicDimension_0"]),
        ("?", "?", ["x_0", "z_0"]),
        (-1, -1, ["x_0", "z_0"]),
        ("-1", "None", ["x_0", "z_0"]),
        (None, None, ["x_0", "z_0"]),
        ("n.rows", "n_rows", ["n_rows", "x_0"]),
        ("class", "n", ["dim_class", "n"]),
    ],
)
def test_free_dimension_of_any_name_gets_usable_one(tmp_path: Path, one: Any, other: Any, names: list[str]) -> None:
    file = added(tmp_path, one, other)
    with pytest.raises(WorkloadError) as refused:
        prepared(file)
    suggested = "&".join(f"{name}=3" for name in sorted(names))
    for name in names:
        assert f"{name}=1" in str(refused.value)
    entry = read_source("model", f"{file.name}?{suggested}", {}, tmp_path)
    assert [one.shape for one in prepare(entry, input_sets=1).facts.inputs] == [[3, 4], [3, 4]]


def test_dimension_by_name_of_file_is_still_taken(tmp_path: Path) -> None:
    file = added(tmp_path, "DynamicDimension.0", "DynamicDimension.0")
    assert prepared(file, **{"DynamicDimension.0": 2}).facts.inputs[0].shape == [2, 4]


def test_dimension_that_is_a_sum_follows_its_parts(tmp_path: Path) -> None:
    inputs = [("x", FLOAT, ("past", 4)), ("z", FLOAT, ("now", 4)), ("m", FLOAT, ("past + now", 4))]
    file = write(tmp_path / "sum.onnx", [node("Concat", "x z", "c", axis=0), node("Add", "c m")], inputs=inputs)
    assert [one.shape for one in prepared(file, past=5, now=2).facts.inputs] == [[5, 4], [2, 4], [7, 4]]
    with pytest.raises(WorkloadError, match=r"a dimension is 'past \+ now', so \['now'\] cannot stay dynamic"):
        prepared(file, past=5, now="1..4")


@pytest.mark.parametrize("given", ["0..4", "4..2", "2..8@9", "2..", 0, -1, 2.5])
def test_size_that_is_none_is_refused_with_how(tmp_path: Path, given: Any) -> None:
    with pytest.raises(WorkloadError, match=r"a whole number from 1 up, or a range|smallest <= timed <= largest"):
        prepared(added(tmp_path, "n", "n"), n=given)


def test_dynamic_dimension_keeps_bounds_and_timed_size(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "p"), node("Concat", "p p", axis=0)]
    write(tmp_path / "rows.onnx", nodes, [weight("w", 4, 3)], [("x", FLOAT, ("rows", 4))])
    program = prepare(read_source("model", "rows.onnx?rows=1..16@5", {}, tmp_path), input_sets=4)
    assert program.facts.inputs[0].shape == ["rows", 4]
    assert program.facts.dynamic == {"rows": [1, 16]}
    assert program.facts.timed_sizes == {"rows": 5}
    assert [tuple(one.expected[0].shape) for one in program.input_sets[:3]] == [(10, 3), (2, 3), (32, 3)]
    assert list(program.dynamic_bounds.values()) == [16]
    save_program(program, tmp_path / "kept")
    again = load_program(tmp_path / "kept")
    (made,) = again.exported.module(check_guards=False)(torch.ones(7, 4))
    assert made.shape == (14, 3)


def test_dynamic_output_that_follows_no_rule_is_refused(tmp_path: Path) -> None:
    nodes = [node("Shape", "x", "s"), node("Mul", "s s", "t"), node("ConstantOfShape", "t", "c"), node("Add", "c c")]
    file = write(tmp_path / "square.onnx", nodes, inputs=[("x", FLOAT, ("rows",))])
    with pytest.raises(WorkloadError, match=r"axis 0 of output 'y' follows .'rows'. in no way that can be planned"):
        prepared(file, rows="1..16")


@pytest.mark.parametrize(
    ("rule", "limits"),
    [
        ("n", (1, 512)),
        ("3 * n - 2", (1, 512)),
        ("(n + 6) // 7", (1, 100)),
        ("(n - 400) // 160 + 1", (400, 3000)),
        ("(n + 31) // 32", (64, 640)),
        ("(3 * n + 1) // 2", (2, 9)),
        ("17", (1, 8)),
    ],
)
def test_find_output_sizes_gives_same_sizes_within_bounds(rule: str, limits: tuple[int, int]) -> None:
    runs = []

    def run(sizes: Any) -> tuple[tuple[int, ...]]:
        runs.append(sizes["n"])
        return ((eval(rule, {}, dict(sizes)), 4),)

    ((found, fixed),) = find_output_sizes(run, {"n": limits}, {"n": limits[1]}, ["y"])
    for size in range(limits[0], limits[1] + 1):
        assert eval(str(found), {}, {"n": size}) == eval(rule, {}, {"n": size})
    assert fixed == 4
    assert len(runs) == len(set(runs)) <= 40


def test_find_output_sizes_takes_product_of_two() -> None:
    def run(sizes: Any) -> tuple[tuple[int, ...]]:
        return ((2 * sizes["batch"] * sizes["tokens"], sizes["tokens"]),)

    bounds = {"batch": (1, 4), "tokens": (2, 64)}
    ((found, tokens),) = find_output_sizes(run, bounds, {"batch": 2, "tokens": 8}, ["y"])
    assert eval(str(found), {}, {"batch": 3, "tokens": 5}) == 30
    assert tokens == "tokens"
