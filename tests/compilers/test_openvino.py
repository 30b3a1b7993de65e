"""What is OpenVINO's alone: it reports to nobody, what snippets do, that a stored model stays what it is, no copies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.compilers.catalogue import OPENVINO, SHIPPED
from ablatrix.compilers.openvino.build import (
    build_task,
    convert,
    layer_types,
    layers_in_full,
    load_task,
)
from ablatrix.compilers.openvino.compiler import OpenVinoCompiler
from ablatrix.compilers.openvino.options import Options
from ablatrix.compilers.settings import Applied
from ablatrix.errors import UnsupportedError
from ablatrix.testing.programs import Stack
from ablatrix.testing.requests import Function, make_program, make_request

pytestmark = pytest.mark.skipif(not SHIPPED["openvino"].installed, reason="openvino is not installed")


@pytest.fixture(scope="module", autouse=True)
def compiler() -> OpenVinoCompiler:
    made = OpenVinoCompiler()
    made.set_threads(1)
    return made


def loaded(directory: Path, fusion: str) -> tuple[Any, Any]:
    request = make_request(make_program(Stack(1), (torch.randn(4, 8),)), directory)
    options = Options(1, Applied.of(OPENVINO, {"fusion": fusion}))
    file, facts = build_task(request, request.tasks[0], options, fusion)
    return load_task(file, options), facts


def test_openvino_import_loads_no_telemetry() -> None:
    code = (
        "import sys\n"
        "from ablatrix.compilers.openvino.library import import_openvino\n"
        "import_openvino()\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__, 'openvino_telemetry' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "openvino.tools.ovc.telemetry_stub False\n"


@pytest.mark.parametrize("fusion", ["off", "on"])
def test_openvino_stored_model_has_layers_set_by_knob(fusion: str, tmp_path: Path) -> None:
    model, facts = loaded(tmp_path, fusion)
    layers = layer_types(model)
    assert ("Subgraph" in layers) == (fusion == "on")
    assert len(layers) == facts.generated_calls
    assert layers.count("Subgraph") == facts.generated_kernels


def test_openvino_builds_of_one_task_differ_in_names_only(tmp_path: Path) -> None:
    one, other = (loaded(tmp_path, "on")[1] for _ in range(2))
    assert one.code_digest == other.code_digest


def test_openvino_layers_list_their_inputs(tmp_path: Path) -> None:
    model, _facts = loaded(tmp_path, "off")
    layers = layers_in_full(model)
    assert all(one["shapes"] or one["layerType"] == "Output" for one in layers)
    assert any(len(one["reads"].split()) == 2 for one in layers)


def test_openvino_outputs_are_in_arena(compiler: OpenVinoCompiler, tmp_path: Path) -> None:
    x = torch.randn(4, 8)
    executable = compiler.compile(make_request(make_program(Function(lambda x: (torch.relu(x) + 1,)), (x,)), tmp_path))
    bound = executable.bind((x,))
    (output,) = bound.outputs()
    output.fill_(-1.0)
    bound.run()
    assert torch.equal(output, torch.relu(x) + 1)


def test_openvino_dynamic_dimension_ends_at_its_bound(tmp_path: Path) -> None:
    x = torch.randn(4, 8)
    program = make_program(Function(lambda x: (x + 1,)), (x,), (({0: torch.export.Dim("rows", min=2, max=64)},),))
    (symbol,) = (str(one) for one in program.lowered.range_constraints)
    task = make_request(program, tmp_path, bounds={symbol: 16}).tasks[0]
    shape = convert(task).inputs[0].get_partial_shape()
    assert shape[0].get_max_length() == 16
    assert shape[1].get_length() == 8


def test_openvino_operation_without_rule_is_named(compiler: OpenVinoCompiler, tmp_path: Path) -> None:
    program = make_program(Function(lambda x: (torch.special.i1e(x),)), (torch.ones(3),))
    with pytest.raises(UnsupportedError, match="special_i1e"):
        compiler.compile(make_request(program, tmp_path))
