from pathlib import Path

import pytest
import torch

from ablatrix.compilers.adapter import Executable
from ablatrix.compilers.tvm.compiler import TvmCompiler
from ablatrix.errors import CompilerError
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import make_program, make_request

MODULE = Stack(2).requires_grad_(False)


def build(directory: Path, bound: int, partition: str, plan: str = "on") -> tuple[Executable, int]:
    program = make_program(MODULE, (torch.ones(1, 4, 8),), ({1: torch.export.Dim("tokens", min=2, max=32)},))
    (symbol,) = program.lowered.range_constraints
    request = make_request(
        program,
        directory,
        {"memory_plan": plan, "fusion": "on"},
        bounds={str(symbol): bound},
        partition=partition,  # type: ignore[arg-type]
        reuse="release",
    )
    return TvmCompiler().compile(request), request.plan.arena_bytes


@pytest.mark.parametrize("partition", ["whole", "regions"])
def test_dynamic_task_is_right_at_every_size_within_bound(tmp_path: Path, partition: str) -> None:
    executable, _ = build(tmp_path, 16, partition)
    for tokens in (2, 5, 16):
        x = torch.randn(1, tokens, 8)
        bound = executable.bind((x,))
        bound.run()
        (output,) = bound.outputs()
        assert output.shape == x.shape
        assert torch.allclose(output, MODULE(x), atol=1e-5)


def test_dynamic_task_beyond_bound_is_typed_failure(tmp_path: Path) -> None:
    executable, _ = build(tmp_path, 16, "regions")
    with pytest.raises(CompilerError, match="size 17, beyond the upper bound 16"):
        executable.bind((torch.randn(1, 17, 8),))


def test_dynamic_task_with_lower_bound_plans_less(tmp_path: Path) -> None:
    wide, wide_arena = build(tmp_path, 32, "regions")
    narrow, narrow_arena = build(tmp_path, 16, "regions")
    assert narrow_arena < wide_arena
    assert narrow.facts.compiler_planned_bytes is not None
    assert wide.facts.compiler_planned_bytes is not None
    assert narrow.facts.compiler_planned_bytes < wide.facts.compiler_planned_bytes
    assert narrow.facts.artifact_digest != wide.facts.artifact_digest


def test_planned_bytes_without_plan_are_at_bound(tmp_path: Path) -> None:
    executable, _ = build(tmp_path, 16, "whole", plan="off")
    planned, _ = build(tmp_path, 16, "whole", plan="on")
    assert executable.facts.compiler_planned_bytes is not None
    assert planned.facts.compiler_planned_bytes is not None
    assert executable.facts.compiler_planned_bytes > planned.facts.compiler_planned_bytes
    assert executable.facts.estimator is None
    assert "estimator" in executable.facts.reasons


def test_inputs_that_are_wrong_are_refused_with_expected_ones(tmp_path: Path) -> None:
    executable, _ = build(tmp_path, 16, "whole")
    with pytest.raises(CompilerError, match="takes 1 inputs, but 2 were given"):
        executable.bind((torch.ones(1, 4, 8), torch.ones(1)))
    with pytest.raises(CompilerError, match=r"input 0 must be torch\.float32 of shape"):
        executable.bind((torch.ones(1, 4, 9),))
    with pytest.raises(CompilerError, match=r"torch\.float64"):
        executable.bind((torch.ones(1, 4, 8, dtype=torch.float64),))
