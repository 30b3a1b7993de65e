"""Models of a user: what is made of a function, a saved program, an architecture, and how failures read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.source import read_source
from tests.workloads.toys import run_lowered

MODELS = """
import torch
from torch import nn


class Gate(nn.Module):
    def forward(self, x, scale):
        return torch.sigmoid(x) * scale


class Branching(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x + 1
        return x


class Fixed(nn.Module):
    def forward(self, x):
        return x.reshape(20) * 2


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4), Branching()])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def make(width: int = 4):
    return nn.Linear(width, 3), torch.arange(2.0 * width).reshape(2, width)


def named():
    return Gate(), {"scale": torch.ones(3), "x": torch.zeros(2, 3)}


def dynamic():
    rows = torch.export.Dim("rows", min=2, max=16)
    return nn.Linear(4, 3), torch.randn(5, 4), ({0: rows},)


def boundless():
    return nn.Linear(4, 3), torch.randn(5, 4), ({0: torch.export.Dim("rows")},)


def branching():
    return Stack(), torch.ones(2, 4)


def fixed():
    rows = torch.export.Dim("rows", min=2, max=16)
    return Fixed(), torch.randn(5, 4), ({0: rows},)


class Bags(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag = nn.EmbeddingBag(10, 4, mode="sum")

    def forward(self, columns, offsets, edges, mask, scores, bounds):
        found = self.bag(columns, offsets) + torch.searchsorted(bounds, scores).sum()
        return found.index_add(0, edges[1], found[edges[0]]) + mask.sum()


def bags():
    columns = torch.tensor([1, 9, 3, 4, 0, 5])
    edges = torch.tensor([[0, 1, 2], [2, 0, 1]])
    mask = torch.tensor([[0.0, -float("inf")], [0.0, 0.0]]).clamp_min(-9)
    scores, bounds = torch.tensor([0.3, 0.1, 0.9, 0.5]), torch.tensor([0.0, 0.2, 0.4, 0.8])
    return Bags(), (columns, torch.tensor([0, 2, 5]), edges, mask, scores, bounds)


def ids():
    tokens = torch.export.Dim("tokens", min=2, max=6)
    return nn.Embedding(10, 4), (torch.tensor([[1, 5, 7]]),), ({1: tokens},)


def nothing():
    return nn.Linear(4, 3)


def double():
    return nn.Linear(4, 3), torch.zeros(2, 4, dtype=torch.float64)


def misfit():
    return nn.Linear(4, 3), torch.zeros(2, 5)


def failing():
    return nn.Linear(4, missing)
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("given")
    (path / "given_models.py").write_text(MODELS)
    return path


def made(directory: Path, function: str, **further: Any) -> Program:
    entry = read_source("given", f"given_models.py:{function}", {}, directory, **further)
    return prepare(entry, input_sets=3)


def test_input_sets_are_user_values_first_then_reordered_ones(directory: Path) -> None:
    program = made(directory, "make")
    own = torch.arange(8.0).reshape(2, 4)
    assert torch.equal(program.input_sets[0].inputs[0], own)
    for draw in program.input_sets[1:]:
        assert not torch.equal(draw.inputs[0], own)
        assert torch.equal(draw.inputs[0].flatten().sort().values, own.flatten())
    assert program.facts.source == "given_models.py:make"
    assert program.facts.source_digest is not None


def test_input_sets_keep_what_makes_inputs_valid(directory: Path) -> None:
    program = made(directory, "bags")
    own = program.input_sets[0].inputs
    for draw in program.input_sets[1:]:
        columns, offsets, edges, mask, scores, bounds = draw.inputs
        kept = (columns, own[0]), (offsets, own[1]), (edges, own[2]), (mask, own[3]), (bounds, own[5])
        assert all(torch.equal(one, before) for one, before in kept)
        assert torch.equal(scores.sort().values, own[4].sort().values)
    assert any(not torch.equal(draw.inputs[4], own[4]) for draw in program.input_sets[1:])


def test_input_sets_of_other_sizes_stretch_integers_in_their_order(directory: Path) -> None:
    program = made(directory, "ids")
    assert [draw.inputs[0].tolist() for draw in program.input_sets] == [[[1, 5, 7]], [[1, 5]], [[1, 1, 5, 5, 7, 7]]]


def test_weights_are_same_each_time(directory: Path) -> None:
    assert made(directory, "make").facts.digest == made(directory, "make").facts.digest


def test_inputs_by_name_keep_their_order(directory: Path) -> None:
    program = made(directory, "named")
    assert [one.name for one in program.facts.inputs] == ["scale", "x"]
    assert torch.equal(program.input_sets[0].expected[0], torch.full((2, 3), 0.5, dtype=torch.float64))


def test_dynamic_dimension_varies_over_bounds_and_is_timed_at_given_size(directory: Path) -> None:
    program = made(directory, "dynamic", dynamic=["rows"])
    assert [draw.inputs[0].shape[0] for draw in program.input_sets] == [5, 2, 16]
    assert program.facts.dynamic == {"rows": [2, 16]}
    assert list(program.dynamic_bounds.values()) == [16]


def test_saved_program_keeps_inputs_dimensions_and_outputs(directory: Path, tmp_path: Path) -> None:
    original = made(directory, "dynamic")
    torch.export.save(original.exported, tmp_path / "saved.pt2")
    program = prepare(read_source("saved", "saved.pt2", {}, tmp_path), input_sets=2)
    assert [list(bounds) for bounds in program.facts.dynamic.values()] == [[2, 16]]
    assert program.facts.parameter_count == 15
    for draw in program.input_sets:
        [got] = run_lowered(program, draw.inputs)
        torch.testing.assert_close(got.double(), draw.expected[0], rtol=1e-5, atol=1e-5)
    save_program(program, tmp_path / "kept")
    assert load_program(tmp_path / "kept").facts == program.facts


def test_architecture_is_built_from_words_for_its_fields(tmp_path: Path) -> None:
    source = "hf:gpt2?layers=1&hidden=16&heads=2&vocabulary=32&tokens=4&n_inner=8"
    program = prepare(read_source("gpt2", source, {}, tmp_path), input_sets=2)
    assert program.input_sets[0].expected[0].shape == (1, 4, 16)
    assert int(program.input_sets[1].inputs[0].max()) < 32
    for draw in program.input_sets:
        [got] = run_lowered(program, draw.inputs)
        torch.testing.assert_close(got.double(), draw.expected[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hf:lama?layers=1", "transformers has no architecture 'lama'; similar names: .*llama"),
        (
            "hf:gpt2?layrs=1",
            "'gpt2' has no field 'layrs'; it has: layers, hidden, .*batch, tokens, .*image.*; .*: .*n_positions",
        ),
        ("hf:bert?layers=1&hidden=30&heads=4", "cannot be built: ValueError: .*multiple"),
        ("hf:llama?hidden=65536&heads=64&layers=400", r"it would have [\d,]+ weights, .* free: give smaller sizes"),
    ],
)
def test_architecture_that_is_wrong_is_refused_with_known_ones(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        prepare(read_source("net", source, {}, tmp_path))


def test_export_that_fails_reports_operation_module_line_and_remedy(directory: Path) -> None:
    line = MODELS.splitlines().index("        if x.sum() > 0:") + 1
    with pytest.raises(WorkloadError) as caught:
        made(directory, "branching")
    message = str(caught.value)
    assert "\n" not in message
    place = f"layers.1 (Branching, {directory}/given_models.py:{line}: if x.sum() > 0:)"
    assert message.startswith(f"workload 'given' cannot be exported in {place}: GuardOnDataDependentSymNode: ")
    assert "choose with torch.where" in message


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fixed", "cannot be exported.*what to try: the model fixes that size"),
        ("misfit", r"at aten.mm.default in the model itself \(Linear\): .*module\(\*inputs\) must work"),
        ("boundless", "axis 0 of input 'input': a dynamic dimension needs a name and an upper bound"),
        ("nothing", r"must return \(module, inputs\).*, but it returned Linear"),
        ("double", r"inputs \['input'\] must be float32"),
        ("failing", r"cannot be built: NameError: .*given_models.py:\d+\)"),
    ],
)
def test_function_with_wrong_return_value_is_refused(directory: Path, function: str, message: str) -> None:
    with pytest.raises(WorkloadError, match=message):
        made(directory, function)


def test_dimensions_named_by_study_must_be_those_of_model(directory: Path) -> None:
    with pytest.raises(WorkloadError, match=r"names dynamic dimensions \['tokens'\], but the model has: rows"):
        made(directory, "dynamic", dynamic=["tokens"])
