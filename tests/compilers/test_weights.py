"""Weights as constants or inputs: how each compiler is deployed, and what it makes of weights that it knows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ablatrix.compilers.adapter import Compiler
from ablatrix.compilers.cache import CacheCounters
from ablatrix.compilers.catalogue import SHIPPED
from ablatrix.compilers.settings import add_settings, ask_addresses
from ablatrix.errors import UnsupportedError
from ablatrix.import_spec import import_place
from ablatrix.testing.programs import SMALL_PROGRAMS
from ablatrix.testing.requests import make_program, make_request
from ablatrix.workloads.program import Program

DEPLOYED = {
    "tvm": "constant",
    "inductor": "input",
    "onnxruntime": "constant",
    "xla": "input",
    "openvino": "constant",
}


@pytest.fixture(scope="module")
def filters() -> tuple[Program, torch.nn.Module, torch.Tensor]:
    module, x = SMALL_PROGRAMS["filters"]()
    return make_program(module, (x,)), module, x


def compiler_of(name: str) -> Compiler:
    if not SHIPPED[name].installed:
        pytest.skip(f"{name} is not installed")
    compiler: Compiler = import_place(SHIPPED[name].adapter)()
    compiler.set_threads(1)
    return compiler


def test_default_weights_are_as_each_compiler_is_deployed() -> None:
    found = {name: entry.defaults().get("weights") for name, entry in SHIPPED.items() if entry.knobs}
    assert found == DEPLOYED


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_batch_norm_is_folded_into_constant_weights_alone(
    name: str, filters: tuple[Program, torch.nn.Module, torch.Tensor], tmp_path: Path
) -> None:
    program, module, x = filters
    compiler = compiler_of(name)
    calls: dict[str, int] = {}
    for level in ("input", "constant"):
        (tmp_path / level).mkdir()
        request = make_request(program, tmp_path / level, {"fusion": "on", "weights": level})
        executable = compiler.compile(request)
        bound = executable.bind((x,))
        bound.run()
        assert all(map(torch.allclose, bound.outputs(), module(x), [1e-4] * 2, [1e-5] * 2))
        calls[level] = executable.facts.generated_calls or 0
    assert calls["constant"] < calls["input"]


def test_inductor_compiles_constant_weights_in_each_process(
    filters: tuple[Program, torch.nn.Module, torch.Tensor], tmp_path: Path
) -> None:
    program, module, x = filters
    digests: list[str] = []
    phases: list[bool] = []
    counters: list[CacheCounters] = []
    for _process in range(2):
        knobs = {"fusion": "on", "weights": "constant"}
        request = make_request(program, tmp_path, knobs, entry=SHIPPED["inductor"])
        executable = compiler_of("inductor").compile(request)
        bound = executable.bind((x,))
        bound.run()
        assert torch.allclose(bound.outputs()[0], module(x)[0], atol=1e-5)
        assert executable.facts.reasons["weights"].startswith("packed weights cannot be stored")
        digests.append(executable.facts.artifact_digest)
        phases.append("compile" in request.clock.milliseconds)
        counters.append(request.cache.counters)
    assert digests[0] == digests[1]
    assert phases == [True, True]
    assert counters == [CacheCounters(misses=1), CacheCounters(hits_disk=1)]


def test_inductor_freezing_is_set_by_weights_alone() -> None:
    compiler_of("inductor")
    entry = SHIPPED["inductor"]
    _, faults = add_settings(entry, {"it": {"setting": "config:freezing"}}, ask_addresses(entry), Path())
    assert faults == {"it": "'config:freezing' is what the knob 'weights' sets; vary that one"}
    with pytest.raises(UnsupportedError, match="it is what 'weights: constant' does; vary that"):
        entry.refuse_unsupported({"freezing": "on"})


def test_onnx_model_has_its_weights_as_constants_alone() -> None:
    for name in ("onnxruntime", "openvino"):
        SHIPPED[name].refuse_onnx(SHIPPED[name].defaults())
        with pytest.raises(UnsupportedError, match="does not support 'weights: input': its weights are constants"):
            SHIPPED[name].refuse_onnx({"weights": "input"})


def test_weights_beyond_one_onnx_file_are_unsupported_with_remedy(
    filters: tuple[Program, torch.nn.Module, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = compiler_of("onnxruntime")
    from ablatrix.compilers.onnxruntime import build

    monkeypatch.setattr(build, "LARGEST_FILE", 1000)
    message = r"task 0 has \d+ bytes of weights, .* at most 1000; take 'weights: input'"
    with pytest.raises(UnsupportedError, match=message):
        compiler.compile(make_request(filters[0], tmp_path, {"weights": "constant"}))
