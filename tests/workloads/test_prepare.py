import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.workloads.built import Built
from ablatrix.workloads.capture import capture, export_tasks
from ablatrix.workloads.prepare import describe, load_program, prepare, save_program
from ablatrix.workloads.program import Program
from ablatrix.workloads.shipped import get_shipped
from ablatrix.workloads.source import read_source
from tests.workloads.toys import TOYS, run_lowered, run_plan_eager

DECODER = {**TOYS["decoder"], "layers": 1}


@pytest.fixture(scope="module")
def decoder() -> Program:
    return prepare("decoder", DECODER, input_sets=4, seed=7)


NET = """
import torch

def make():
    tokens = torch.export.Dim("tokens", min=2, max=12)
    model = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
    return model, torch.randn(1, 6, 16), {"src": {1: tokens}}
"""
CHILD = """
import json, os, sys, torch
from pathlib import Path
torch.set_num_threads(1)
from ablatrix.workloads.source import read_source
from ablatrix.workloads.prepare import load_program, prepare
def threads(): return len(os.listdir("/proc/self/task"))
before = threads()
load_program(Path(sys.argv[1]) / "program")
started = threads() - before
given = json.loads(sys.argv[2])
name = "decoder" if given else read_source("net", "net.py:make", {}, Path(sys.argv[1]))
print(started, prepare(name, given, input_sets=4, seed=7).facts.digest)
"""


def in_other_process(program: Program, given: dict[str, int], directory: Path) -> list[str]:
    """Load a program in another process and prepare it there; return the threads that were started and the digest."""
    save_program(program, directory / "program")
    command = [sys.executable, "-c", CHILD, str(directory), json.dumps(given)]
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return child.stdout.split()


def test_load_in_other_process_starts_no_thread_and_keeps_digest(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    program = prepare(read_source("net", "net.py:make", {}, tmp_path), input_sets=4, seed=7)
    assert program.dynamic_bounds
    assert in_other_process(program, {}, tmp_path) == ["0", program.facts.digest]


@pytest.mark.long
def test_load_of_decoder_in_other_process_keeps_digest(decoder: Program, tmp_path: Path) -> None:
    assert in_other_process(decoder, DECODER, tmp_path) == ["0", decoder.facts.digest]


def test_load_of_program_has_hints_for_symbols_only(decoder: Program, tmp_path: Path) -> None:
    save_program(decoder, tmp_path)
    loaded = load_program(tmp_path)
    for program in (loaded.exported, loaded.lowered):
        ids = next(node for node in program.graph.nodes if node.name == "ids")
        assert [str(one) for one in ids.meta["val"].fake_mode.shape_env.backed_var_to_val] == list(loaded.symbol_names)


def test_digest_distinguishes_sizes_seeds_and_inputs() -> None:
    toy = TOYS["mlp"]
    digests = {
        prepare("mlp", {**toy, **change}, seed=seed, input_sets=draws).facts.digest
        for change, seed, draws in (({}, 0, 1), ({"hidden": 9}, 0, 1), ({}, 1, 1), ({}, 0, 2))
    }
    assert len(digests) == 4


def test_input_sets_have_timed_size_first_then_vary_within_bounds(decoder: Program) -> None:
    sizes = [draw.sizes["tokens"] for draw in decoder.input_sets]
    assert sizes[:3] == [6, 2, 12]
    assert all(2 <= size <= 12 for size in sizes)
    for draw in decoder.input_sets:
        assert [tuple(one.shape) for one in draw.inputs] == [
            (1, draw.sizes["tokens"]),
            (1, 1, draw.sizes["tokens"], draw.sizes["tokens"]),
            (1, draw.sizes["tokens"]),
        ]


def test_input_sets_stay_below_lower_bound() -> None:
    program = prepare("decoder", DECODER, input_sets=4, largest={"tokens": 7})
    assert [draw.sizes["tokens"] for draw in program.input_sets][:3] == [6, 2, 7]
    assert max(draw.sizes["tokens"] for draw in program.input_sets) == 7


def test_bounds_without_room_are_refused() -> None:
    with pytest.raises(WorkloadError, match="smallest <= timed <= largest must hold for 'tokens', but got 2 <= 6 <= 5"):
        prepare("decoder", TOYS["decoder"], largest={"tokens": 5})
    with pytest.raises(WorkloadError, match=r"'mlp' has no dynamic dimension \['tokens'\]"):
        prepare("mlp", TOYS["mlp"], largest={"tokens": 5})
    with pytest.raises(WorkloadError, match="input_sets must be at least 1, but got 0"):
        prepare("mlp", input_sets=0)


def test_facts_name_dynamic_dimensions_of_inputs(decoder: Program) -> None:
    assert [one.shape for one in decoder.facts.inputs] == [
        [1, "tokens"],
        [1, 1, "tokens", "tokens"],
        [1, "tokens"],
    ]
    assert decoder.facts.dynamic == {"tokens": [2, 12]}
    assert decoder.facts.timed_sizes == {"tokens": 6}
    assert list(decoder.symbol_names.values()) == ["tokens"]
    assert list(decoder.dynamic_bounds.values()) == [12]


def test_causal_decoder_does_not_see_later_tokens(decoder: Program) -> None:
    ids, mask, positions = decoder.input_sets[2].inputs
    changed = ids.clone()
    changed[0, -1] = (changed[0, -1] + 1) % TOYS["decoder"]["vocabulary"]
    before = run_lowered(decoder, (ids, mask, positions))[0]
    after = run_lowered(decoder, (changed, mask, positions))[0]
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.equal(before[:, -1], after[:, -1])


def test_upper_bound_that_is_lower_reaches_values_and_tasks(decoder: Program) -> None:
    symbol = next(iter(decoder.symbol_names))
    full, half = capture(decoder.lowered), capture(decoder.lowered, {symbol: 8})
    (mask,) = [index for index, value in enumerate(full.values) if value.signature.startswith("float32[1,1,s")][:1]
    assert (full.values[mask].bytes, half.values[mask].bytes) == (4 * 12 * 12, 4 * 8 * 8)
    plan = make_plan(half, PlanOptions(partition="regions", reuse="release"))
    tasks = export_tasks(decoder.lowered, plan, {symbol: 8})
    for task in tasks:
        assert task.upper_bounds == {symbol: 8}
        (interval,) = task.exported.range_constraints.values()
        assert (interval.lower, interval.upper) == (2, 8)
    got = run_plan_eager(decoder, half, plan, tasks, decoder.input_sets[0].inputs)
    assert all(map(torch.equal, got, run_lowered(decoder, decoder.input_sets[0].inputs)))


def test_load_with_changed_weight_finds_it(tmp_path: Path) -> None:
    save_program(prepare("mlp", TOYS["mlp"]), tmp_path)
    weights = torch.load(tmp_path / "weights.pt", weights_only=True)
    next(iter(weights["exported"]["state"].values())).view(-1)[0] += 1
    torch.save(weights, tmp_path / "weights.pt")
    with pytest.raises(WorkloadError, match=r"workload 'mlp' has digest .*; prepare it again"):
        load_program(tmp_path)


def test_load_of_directory_without_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match="holds no prepared workload"):
        load_program(tmp_path)


def test_describe_needs_no_export() -> None:
    facts = describe(get_shipped("decoder"), TOYS["decoder"])
    assert facts.tier == "hard"
    assert facts.parameters == {**TOYS["decoder"], "batch": 1}
    assert facts.inputs[0].shape == [1, "tokens"]
    assert facts.parameter_count > 0


def test_prepare_leaves_global_random_state_unchanged() -> None:
    torch.manual_seed(5)
    prepare("mlp", TOYS["mlp"])
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(1), drawn)


def test_model_that_cannot_be_exported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Branches(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    built = Built(Branches(), lambda seed, sizes: (torch.ones(2),), ("x",))
    monkeypatch.setattr("ablatrix.workloads.prepare.build_workload", lambda name, parameters: built)
    with pytest.raises(WorkloadError, match=r"'mlp' cannot be exported in the model itself .*data-dependent"):
        prepare("mlp")
