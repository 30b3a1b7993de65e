"""The parameter ``dtype`` of every workload: what is cast, what stays, and what is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.built import Built
from ablatrix.workloads.casting import cast_built, saturate
from ablatrix.workloads.entry import Origin, WorkloadEntry
from ablatrix.workloads.numeric_types import narrow_types
from ablatrix.workloads.parameters import check_parameters
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.shipped import SHIPPED, get_shipped
from ablatrix.workloads.source import read_source
from tests.workloads.toys import PARTS_OF_OTHERS, TOYS, run_lowered


def test_dtype_at_float32_is_no_parameter_of_a_workload() -> None:
    assert check_parameters(get_shipped("mlp"), {"dtype": "float32"}) == check_parameters(get_shipped("mlp"), {})
    assert check_parameters(get_shipped("mlp"), {"dtype": "bfloat16"})["dtype"] == "bfloat16"


def test_unknown_dtype_is_refused_with_known_ones() -> None:
    with pytest.raises(
        WorkloadError, match=r"'dtype' must be one of \('float32', 'float16', 'bfloat16'\), but got 'f8'"
    ):
        check_parameters(get_shipped("mlp"), {"dtype": "f8"})


def test_dtype_of_onnx_file_is_refused_with_remedy() -> None:
    origin = Origin("net.onnx", "onnx", "/net.onnx", "0")
    entry = WorkloadEntry(name="net", tier="tiny", summary="", parameters={}, builder="/net.onnx", origin=origin)
    with pytest.raises(WorkloadError, match="an ONNX file says the type of each of its values"):
        check_parameters(entry, {"dtype": "float16"})


def test_own_parameter_of_that_name_is_the_functions(tmp_path: Path) -> None:
    (tmp_path / "sixteen_bits.py").write_text("def make(dtype='thin'):\n    return dtype\n")
    entry = read_source("net", "sixteen_bits.py:make", {}, tmp_path)
    assert check_parameters(entry, {}) == {"dtype": "thin"}


@pytest.mark.parametrize("given", [("hf:bert?layers=1&dtype=float16", {}), ("hf:bert?layers=1", {"dtype": "float16"})])
def test_dtype_of_architecture_is_no_field_of_it(given: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    source, parameters = given
    entry = read_source("bert", source, parameters, tmp_path)
    assert check_parameters(entry, parameters) == {"layers": 1, "dtype": "float16"}
    plain = read_source("bert", "hf:bert?layers=1&dtype=float32", {}, tmp_path)
    assert check_parameters(plain, {}) == {"layers": 1}


class Parts(torch.nn.Module):  # type: ignore[misc]
    """Weights that are shared, a buffer, a plain attribute, and whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 4, bias=False)
        self.second = torch.nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("shift", torch.ones(4))
        self.register_buffer("order", torch.arange(4))
        self.scale = torch.full((4,), 0.1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x + self.shift) * self.scale)[:, self.order] + mask


def test_cast_changes_weights_buffers_attributes_and_inputs() -> None:
    lowest = torch.finfo(torch.float32).min
    inputs = (torch.ones(2, 4), torch.full((4,), lowest))
    built = cast_built(Built(Parts(), lambda seed, sizes: inputs, ("x", "mask"), own_inputs=inputs), torch.float16)
    module = built.module
    assert {one.dtype for one in (*module.parameters(), module.shift, module.scale)} == {torch.float16}
    assert module.first.weight is module.second.weight
    assert module.order.dtype == torch.int64
    assert [one.dtype for one in built.make_inputs(0, {})] == [torch.float16, torch.float16]
    assert built.own_inputs is not None
    assert built.own_inputs[1].tolist() == [-65504.0] * 4


def test_saturate_keeps_infinities_and_whole_numbers() -> None:
    values = torch.tensor([float("-inf"), 1e38, float("nan"), 1.0])
    assert saturate(values, torch.float16)[[0, 1, 3]].tolist() == [float("-inf"), 65504.0, 1.0]
    assert bool(saturate(values, torch.float16)[2].isnan())
    assert saturate(torch.arange(2), torch.float16).dtype == torch.int64


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_oracle_of_16_bit_workload_is_float64_of_cast_weights(dtype: str, tmp_path: Path) -> None:
    program = prepare("mlp", {**TOYS["mlp"], "dtype": dtype}, input_sets=2)
    assert (program.facts.dtype, program.facts.inputs[0].dtype) == (dtype, dtype)
    assert program.facts.parameters["dtype"] == dtype
    [x], [expected] = program.input_sets[1].inputs, program.input_sets[1].expected
    assert (x.dtype, expected.dtype) == (getattr(torch, dtype), torch.float64)
    layers = [one.double() for one in program.exported.state_dict.values()]
    wide = x.double()
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        wide = (wide @ weight.T + bias).relu()
    assert torch.allclose(wide @ layers[-2].T + layers[-1], expected, rtol=1e-12)
    save_program(program, tmp_path)
    loaded = load_program(tmp_path)
    assert loaded.facts == program.facts
    assert run_lowered(loaded, [x])[0].dtype == getattr(torch, dtype)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name in PARTS_OF_OTHERS else [])
        for name in sorted(set(SHIPPED) - {"mlp"})
    ],
)
def test_shipped_workload_in_bfloat16_is_lowered_and_judged(name: str) -> None:
    program = prepare(name, {**TOYS[name], "dtype": "bfloat16"}, input_sets=1)
    assert program.facts.dtype == "bfloat16"
    assert not any(one.ill_conditioned for one in program.input_sets[0].allowances)
    assert all(one.dtype == torch.bfloat16 for one in run_lowered(program, program.input_sets[0].inputs))


def test_float32_workload_keeps_parameters_and_says_its_type() -> None:
    facts = prepare("mlp", TOYS["mlp"], input_sets=1).facts
    assert facts.dtype == "float32"
    assert "dtype" not in facts.parameters


def test_saved_program_is_exported_again_in_other_type(tmp_path: Path) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x.float().to(x.dtype)).softmax(-1) + torch.zeros(3)

    rows = torch.export.Dim("rows", min=2, max=8)
    saved = torch.export.export(Net(), (torch.ones(5, 4),), dynamic_shapes=({0: rows},))
    torch.export.save(saved, tmp_path / "net.pt2")
    entry = read_source("net", "net.pt2", {}, tmp_path)
    program = prepare(entry, {"dtype": "bfloat16"}, input_sets=2)
    assert (program.facts.dtype, program.facts.source) == ("bfloat16", "net.pt2")
    assert [tuple(one.inputs[0].shape) for one in program.input_sets] == [(5, 4), (2, 4)]
    assert all(one.dtype == torch.bfloat16 for one in run_lowered(program, program.input_sets[0].inputs))


def test_function_may_give_inputs_of_16_bits(tmp_path: Path) -> None:
    (tmp_path / "sixteen_bits.py").write_text(
        "import torch\n\ndef make():\n"
        "    return torch.nn.Linear(4, 3).bfloat16(), torch.ones(2, 4, dtype=torch.bfloat16)\n"
    )
    facts = prepare(read_source("net", "sixteen_bits.py:make", {}, tmp_path), input_sets=1).facts
    assert (facts.dtype, facts.parameters) == ("bfloat16", {})


def test_narrow_types_are_those_that_a_compiler_may_lack() -> None:
    assert narrow_types("bfloat16+float32") == ("bfloat16",)
    assert narrow_types("float32") == ()
    assert narrow_types(None) == ()
