"""Any model of PyTorch is taken as a pure function of tensors, or refused with what is in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.prepare import load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.source import read_source
from tests.workloads.toys import run_lowered, run_plan_eager

MODELS = """
import dataclasses
from typing import NamedTuple

import torch
from torch import nn
from torch._higher_order_ops import cond, scan, while_loop


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.full((1,), 2.0))

    def forward(self, x):
        self.count += 1
        return x * self.count


class Writing(nn.Module):
    def forward(self, x, cache):
        cache.add_(x)
        return cache * 2


class Pair(NamedTuple):
    low: torch.Tensor
    high: torch.Tensor


@dataclasses.dataclass
class Batch:
    values: torch.Tensor
    mask: torch.Tensor | None = None
    scale: float = 2.0


@dataclasses.dataclass
class Answer:
    total: torch.Tensor
    pair: Pair
    name: str = "answer"


class Nested(nn.Module):
    def forward(self, batch, more):
        total = batch.values * batch.scale + more["shift"]
        return Answer(total, Pair(total.min(), total.max()))


class Output(nn.Module):
    def forward(self, x):
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=x + 1, hidden_states=(x, x * 2))


class Calls(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


@torch.library.custom_op("given_any::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x):
    return torch.empty_like(x)


class Branches(nn.Module):
    def forward(self, x):
        return cond(x.sum() > 0, lambda x: x + 1, lambda x: x * 2, (x,)) * 3


class Loops(nn.Module):
    def forward(self, x):
        count = torch.zeros((), dtype=torch.int64)
        return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * 1.5), (count, x))[1]


class Scans(nn.Module):
    def forward(self, x):
        def step(carry, one):
            following = carry + one
            return following, following * 2

        return scan(step, torch.zeros_like(x[0]), x)


class Autocast(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            y = self.linear(x)
        return y.float() + x


X = torch.arange(8.0).reshape(2, 4) - 3


def counter():
    return Counter(), X


def writing():
    return Writing(), (X, X + 1)


def nested():
    return Nested(), {"batch": Batch(X), "more": {"shift": X + 1}}


def in_order():
    return Nested(), (Batch(X), {"shift": X + 1})


def output():
    return Output(), X


def topk():
    return Calls(lambda x: torch.topk(x, 2)), X


def largest():
    return Calls(lambda x: x.max(dim=1)), X


def custom():
    return Calls(lambda x: twice(x) + 1), X


def branches():
    return Branches(), X


def loops():
    return Loops(), X


def scans():
    return Scans(), X


def autocast():
    return Autocast(), X


def norms():
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), X


def dropping():
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), X


def eval_but_one():
    model = norms()[0].eval()
    model[1].train()
    return model, X


def plain_in_train_mode():
    return nn.Linear(4, 4), X


def nonzero():
    return Calls(lambda x: x.nonzero()), X


def masked():
    return Calls(lambda x: x[x > 0].sum()), X


def unique():
    return Calls(lambda x: torch.unique(x)), X


def noise():
    return Calls(lambda x: x + torch.rand_like(x)), X


def cached():
    class Cache:
        pass

    return Calls(lambda x: (x, Cache())), X
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("any")
    (path / "any_models.py").write_text(MODELS)
    return path


def made(directory: Path, function: str, **further: Any) -> Program:
    entry = read_source("given", f"any_models.py:{function}", {}, directory)
    if further:
        from dataclasses import replace

        entry = replace(entry, **further)
    return prepare(entry, input_sets=2)


def held(program: Program, directory: Path) -> Program:
    """Return a program that was written and read back, whose plans compute what it computes."""
    save_program(program, directory)
    found = load_program(directory)
    for inputs in (one.inputs for one in found.input_sets):
        wanted = run_lowered(found, inputs)
        for partition in ("whole", "regions"):
            graph = capture(found.lowered)
            plan = make_plan(graph, PlanOptions(partition=partition))
            tasks = export_tasks(found.lowered, plan)
            for one, other in zip(run_plan_eager(found, graph, plan, tasks, inputs), wanted, strict=True):
                torch.testing.assert_close(one, other)
    return found


X = torch.arange(8.0).reshape(2, 4) - 3


def outputs(program: Program) -> list[torch.Tensor]:
    return run_lowered(program, program.input_sets[0].inputs)


def test_written_buffer_is_input_with_its_value_and_output_with_its_new_one(directory: Path, tmp_path: Path) -> None:
    program = held(made(directory, "counter"), tmp_path)
    assert [one.name for one in program.facts.inputs] == ["x", "count"]
    product, count = outputs(program)
    assert torch.equal(product, X * 3)
    assert count.item() == 3
    assert outputs(program)[1].item() == 3
    assert [one.shape for one in program.input_sets[0].expected] == [(2, 4), (1,)]


def test_written_input_becomes_an_output_and_stays_as_it_is(directory: Path, tmp_path: Path) -> None:
    program = held(made(directory, "writing"), tmp_path)
    doubled, written = outputs(program)
    assert torch.equal(doubled, (2 * X + 1) * 2)
    assert torch.equal(written, 2 * X + 1)
    assert torch.equal(program.input_sets[0].inputs[1], X + 1)


@pytest.mark.parametrize("function", ["nested", "in_order"])
def test_structures_of_inputs_and_outputs_are_flattened(directory: Path, tmp_path: Path, function: str) -> None:
    program = held(made(directory, function), tmp_path)
    assert [one.name for one in program.facts.inputs] == ["batch.values", "more.shift"]
    total, low, high = outputs(program)
    assert torch.equal(total, 3 * X + 1)
    assert (low.item(), high.item()) == (-8.0, 13.0)


@pytest.mark.parametrize(("function", "count"), [("output", 3), ("topk", 2), ("largest", 2)])
def test_outputs_of_types_of_packages_are_tensors_alone(
    directory: Path, tmp_path: Path, function: str, count: int
) -> None:
    program = held(made(directory, function), tmp_path)
    assert len(outputs(program)) == count
    assert program.exported.call_spec.out_spec == torch.utils._pytree.tree_structure((0,) * count)


def test_custom_operator_names_the_file_that_registers_it(directory: Path, tmp_path: Path) -> None:
    program = held(made(directory, "custom"), tmp_path)
    assert program.modules == (str(directory / "any_models.py"),)
    assert torch.equal(outputs(program)[0], X * 2 + 1)


def check_bodies(directory: Path, scratch: Path) -> None:
    """Assert that the bodies of conditions, loops and scans are kept."""
    program = held(made(directory, "branches"), scratch / "branches")
    assert torch.equal(outputs(program)[0], (X + 1) * 3)
    assert torch.equal(run_lowered(program, (-X - 3,))[0], (-X - 3) * 6)
    assert torch.equal(outputs(held(made(directory, "loops"), scratch / "loops"))[0], X * 1.5**3)
    last, all_of = outputs(held(made(directory, "scans"), scratch / "scans"))
    assert torch.equal(last, X.sum(0))
    assert torch.equal(all_of, X.cumsum(0) * 2)


def test_branches_loops_and_scans_keep_their_bodies(directory: Path, tmp_path: Path) -> None:
    # In a process of its own, as workloads are prepared: where a test has loaded torchax, torch cannot trace loops.
    code = "import sys; from pathlib import Path; from tests.workloads.test_any_model import check_bodies as check;"
    code += "check(*map(Path, sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(directory), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_autocast_within_forward_is_the_casts_that_it_makes(directory: Path, tmp_path: Path) -> None:
    program = held(made(directory, "autocast"), tmp_path)
    signatures = [value.signature for value in capture(program.lowered).values]
    assert any(one.startswith("bfloat16") for one in signatures)
    got, wanted = outputs(program)[0], program.exported.module(check_guards=False)(X)
    torch.testing.assert_close(got, wanted, rtol=0, atol=0.02)


def test_train_mode_that_matters_is_refused_unless_the_study_says_it(directory: Path, tmp_path: Path) -> None:
    message = r"in train mode.*because of 1 \(BatchNorm1d\).*model\.eval\(\).*train: true"
    with pytest.raises(WorkloadError, match=message):
        made(directory, "norms")
    program = held(made(directory, "norms", train=True), tmp_path)
    names = [one.name for one in program.facts.inputs]
    assert names[1:] == ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    normed = outputs(program)[0]
    torch.testing.assert_close(normed.mean(0), torch.zeros(4), atol=1e-4, rtol=0)
    assert outputs(program)[-1].item() == 1


def test_part_in_train_mode_is_taken_in_it(directory: Path) -> None:
    assert len(outputs(made(directory, "eval_but_one"))) == 4


def test_train_mode_that_changes_nothing_is_taken(directory: Path) -> None:
    assert len(outputs(made(directory, "plain_in_train_mode"))) == 1


@pytest.mark.parametrize(
    ("function", "further", "message"),
    [
        ("dropping", {"train": True}, r"draws random numbers in .* in 1: .*call \.eval\(\)"),
        ("noise", {}, r"draws random numbers in aten\.rand_like.*give them to it as an input"),
        ("nonzero", {}, r"depends on values of tensors, at aten\.nonzero"),
        ("masked", {}, r"depends on values of tensors, at aten\."),
        ("unique", {}, r"depends on values of tensors, at aten\._unique2"),
        ("cached", {}, r"output '1' is a any_models\.cached\.<locals>\.Cache.*use_cache=False"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(
    directory: Path, function: str, further: dict[str, Any], message: str
) -> None:
    with pytest.raises(WorkloadError, match=message):
        made(directory, function, **further)
