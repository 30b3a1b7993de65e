"""What is XLA's alone: what its module's text says, passes by name, sizes, another process, the pool."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ablatrix.compilers.catalogue import SHIPPED, XLA
from ablatrix.compilers.settings import Applied
from ablatrix.compilers.xla.build import (
    build_task,
    compile_lowered,
    compiled_sizes,
    input_shapes,
    lower_task,
)
from ablatrix.compilers.xla.compiler import XlaCompiler
from ablatrix.compilers.xla.module import Module, read_module
from ablatrix.compilers.xla.options import Options
from ablatrix.errors import CompilerError, UnsupportedError
from ablatrix.testing.programs import Stack, make_gates
from ablatrix.testing.requests import Function, make_program, make_request

pytestmark = pytest.mark.skipif(not SHIPPED["xla"].installed, reason="xla is not installed")
TEXT = """HloModule jit_run, is_scheduled=true, entry_computation_layout={(f32[4]{0})->f32[4]{0}}

FileNames
1 "%s"

%%fused (p: f32[4]) -> f32[4] {
  %%p = f32[4]{0} parameter(0)
  %%a = f32[4]{0} add(%%p, %%p), metadata={op_name="jit(run)/add" stack_frame_id=1}
  ROOT %%m = f32[4]{0} multiply(%%a, %%p)
}

ENTRY %%main.5 (x: f32[4]) -> (f32[4], f32[4]) {
  %%x = f32[4]{0} parameter(0), metadata={op_name="x"}
  %%f = f32[4]{0} fusion(%%x), kind=kLoop, calls=%%fused
  %%y = f32[4]{0} fusion(%%f), kind=kCustom, calls=%%fused, backend_config={"fusion_config":{"kind":"__ynn_fusion"}}
  ROOT %%t = (f32[4]{0}, f32[4]{0}) tuple(%%f, %%y)
}
"""


@pytest.fixture(scope="module", autouse=True)
def compiler() -> XlaCompiler:
    made = XlaCompiler()
    made.set_threads(1)
    return made


def compiled(module: torch.nn.Module, x: torch.Tensor, directory: Path, **knobs: str) -> Module:
    task = make_request(make_program(module, (x,)), directory).tasks[0]
    options = Options(1, Applied.of(XLA, {"fusion": "on", **knobs}))
    text = compile_lowered(task, lower_task(task, input_shapes(task, {})), options.compiler_options()).as_text()
    return read_module(text)


def test_xla_module_reports_calls_and_fusions_with_source_free_digest() -> None:
    module = read_module(TEXT % "here.py")
    assert [one.opcode for one in module.entry] == ["fusion", "fusion"]
    assert (module.calls, module.kernels, module.fusions) == (2, 1, 2)
    assert read_module(TEXT % "there.py").digest == module.digest
    assert read_module(TEXT.replace("multiply", "divide") % "here.py").digest != module.digest


def test_xla_loop_count_is_not_guessed() -> None:
    module = read_module(TEXT.replace("fusion(%%x), kind=kLoop", "while(%%x), body=%%b") % "here.py")
    assert module.calls is None
    assert module.kernels is None


def test_xla_without_fusion_computes_one_operation_per_call(tmp_path: Path) -> None:
    x = torch.randn(4, 8)
    fused, apart = (compiled(Stack(1), x, tmp_path, fusion=fusion) for fusion in ("on", "off"))
    assert fused.fusions > 0
    assert apart.fusions == 0
    assert (apart.calls or 0) > 2 * (fused.calls or 0)


@pytest.mark.parametrize("knob", ["library", "algebra"])
def test_xla_pass_disabled_by_name_exists_in_xla(knob: str, tmp_path: Path) -> None:
    x = torch.randn(4, 8)
    assert compiled(Stack(1), x, tmp_path).digest != compiled(Stack(1), x, tmp_path, **{knob: "off"}).digest


def test_xla_convolution_pass_exists_in_xla(tmp_path: Path) -> None:
    layer, x = torch.nn.Conv2d(4, 8, 3, padding=1), torch.randn(1, 4, 6, 6)
    assert compiled(layer, x, tmp_path).digest != compiled(layer, x, tmp_path, convolution_layout="off").digest


def test_xla_output_that_is_input_or_integer_is_right(compiler: XlaCompiler, tmp_path: Path) -> None:
    x = torch.arange(6).view(2, 3)
    program = make_program(Function(lambda x: (x.t() + 2**40, x.float() * 2, x > 2)), (x,))
    bound = compiler.compile(make_request(program, tmp_path)).bind((x,))
    bound.run()
    big, double, above = bound.outputs()
    assert torch.equal(big, x.t() + 2**40)
    assert torch.equal(double, x.float() * 2)
    assert torch.equal(above, x > 2)


def test_xla_dynamic_task_is_compiled_for_timed_size(tmp_path: Path) -> None:
    module, x = make_gates()
    program = make_program(module, (x,), ({0: torch.export.Dim("rows", min=2, max=64)},))
    (symbol,) = (str(one) for one in program.lowered.range_constraints)
    task = make_request(program, tmp_path, bounds={symbol: 16}).tasks[0]
    assert compiled_sizes(program, task) == {symbol: 16}
    timed = replace(
        program,
        facts=program.facts.model_copy(update={"timed_sizes": {"rows": 5}}),
        symbol_names={symbol: "rows"},
    )
    assert compiled_sizes(timed, task) == {symbol: 5}
    assert input_shapes(task, {symbol: 5})[0] == (5, 8) or (5, 8) in input_shapes(task, {symbol: 5})


def test_xla_in_other_process_loads_build_and_compiles_nothing(tmp_path: Path) -> None:
    x = torch.randn(4, 8)
    request = make_request(make_program(Function(lambda x: (torch.relu(x) + 1,)), (x,)), tmp_path)
    file, facts = build_task(request, request.tasks[0], Options(1), "task")
    torch.save(x, tmp_path / "x.pt")
    code = (
        "import sys, torch, numpy\n"
        "from pathlib import Path\n"
        "from ablatrix.compilers.xla.client import prepare\n"
        "prepare(1)\n"
        "import jax\n"
        "from jax._src import compiler\n"
        "compiler.backend_compile_and_load = None\n"  # a compilation would end here
        "from ablatrix.compilers.xla.build import load_task\n"
        "x = torch.load(sys.argv[2])\n"
        "(y,) = load_task(Path(sys.argv[1]))(jax.dlpack.from_dlpack(x))\n"
        "print(bool((torch.from_numpy(numpy.asarray(y).copy()) == torch.relu(x) + 1).all()))\n"
    )
    command = [sys.executable, "-c", code, str(file), str(tmp_path / "x.pt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr[-2000:]
    assert facts.generated_calls is not None


def test_xla_pool_that_has_started_keeps_its_threads(compiler: XlaCompiler, tmp_path: Path) -> None:
    module, x = make_gates()
    program = make_program(module, (x,))
    compiler.compile(make_request(program, tmp_path))
    with pytest.raises(CompilerError, match="pool has 1 threads since its first use in this process, and 2 are asked"):
        compiler.compile(make_request(program, tmp_path, {"threads": 2}))
    compiler.set_threads(1)


def test_xla_operation_without_lowering_is_named(compiler: XlaCompiler, tmp_path: Path) -> None:
    program = make_program(Function(lambda x: (torch.special.airy_ai(x),)), (torch.ones(3),))
    with pytest.raises(UnsupportedError, match="airy_ai"):
        compiler.compile(make_request(program, tmp_path))


def test_xla_threads_that_cannot_be_counted_are_unknown_and_not_none_at_all() -> None:
    """In a process without JAX's pool no thread has its name: a trial must not be refused for that."""
    code = "from ablatrix.compilers.xla.client import pool_threads; print(pool_threads())"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"
