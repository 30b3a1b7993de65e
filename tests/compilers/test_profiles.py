"""Each compiler's own profile of a small program: kernels have times, and compute every node but views."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablatrix.catalogue import installed_catalogue
from ablatrix.compilers.profiling import KernelProfile, TaskGraph
from ablatrix.testing import make_program, make_request
from ablatrix.trials.fork_server import import_compiler

pytestmark = pytest.mark.slow
RUNS = 3


class Small(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = torch.nn.Linear(16, 32), torch.nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        return (torch.softmax(self.second(torch.relu(self.first(x))), dim=-1),)


def profile(
    compiler: str, directory: Path, *, mapped: bool = True, model: torch.nn.Module | None = None, **knobs: Any
) -> tuple[KernelProfile, frozenset[int]]:
    """Return a profile of the small program, and the nodes of it that compute something."""
    directory.mkdir(exist_ok=True)
    entry = installed_catalogue().compiler(compiler)
    x = torch.randn(4, 16)
    levels = {**entry.defaults(), **knobs}
    request = make_request(make_program(model or Small(), (x,)), directory, levels, entry=entry)
    adapter = import_compiler(entry)
    adapter.set_threads(1)
    plain = adapter.compile(request).bind((x,))
    profiled = adapter.profile(request, mapped=mapped)  # type: ignore[attr-defined]
    timed = profiled.bind((x,))
    plain.run()
    profiled.record(timed, RUNS)
    torch.testing.assert_close(timed.outputs(), plain.outputs())
    return profiled.read([1.0], 0), TaskGraph.of(request.tasks[0]).computing


@pytest.mark.parametrize(
    ("compiler", "knobs"),
    [
        ("tvm", {"fusion": "off"}),
        ("tvm", {"fusion": "on", "schedule": "vectorised"}),
        ("inductor", {"fusion": "on"}),
        ("inductor", {"fusion": "on", "weights": "constant"}),
        ("onnxruntime", {"fusion": "on"}),
        ("openvino", {}),
        ("xla", {"fusion": "on"}),
    ],
)
def test_profile_kernels_compute_every_node_once_a_run(compiler: str, knobs: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip({"inductor": "torch", "xla": "jax"}.get(compiler, compiler))
    found, computing = profile(compiler, tmp_path, **knobs)
    assert {node for kernel in found.kernels for node in kernel.nodes} >= computing
    assert len(found.times_ms) == len(found.walls_ms) == RUNS
    assert all(sum(times) >= 0 for times in found.times_ms)
    assert found.source
    assert 0 <= found.inside <= 1


class Images(torch.nn.Module):  # type: ignore[misc]
    """A convolution with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolution(x[None, None]))


def test_profile_tvm_library_convolution_is_mapped_with_its_bias(tmp_path: Path) -> None:
    pytest.importorskip("tvm")
    found, computing = profile("tvm", tmp_path, model=Images(), fusion="on", library="on")
    assert "ablatrix.torch.conv2d_bias" in [one.name for one in found.kernels]
    assert {node for kernel in found.kernels for node in kernel.nodes} >= computing


class Blocks(torch.nn.Module):  # type: ignore[misc]
    """Three blocks of one kind, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Tanh()) for _ in "abc")
        self.head = torch.nn.Linear(16, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


@pytest.mark.parametrize("compiler", ["xla", "tvm"])
def test_profile_regions_share_a_profiler_and_have_nodes_of_their_own(compiler: str, tmp_path: Path) -> None:
    pytest.importorskip({"xla": "jax"}.get(compiler, compiler))
    entry = installed_catalogue().compiler(compiler)
    x = torch.randn(4, 16)
    levels = {**entry.defaults(), "partition": "regions", "weights": "input"}
    request = make_request(make_program(Blocks(), (x,)), tmp_path, levels, partition="regions", entry=entry)
    adapter = import_compiler(entry)
    adapter.set_threads(1)
    plain = adapter.compile(request).bind((x,))
    profiled = adapter.profile(request)  # type: ignore[attr-defined]
    timed = profiled.bind((x,))
    plain.run()
    profiled.record(timed, RUNS)
    torch.testing.assert_close(timed.outputs(), plain.outputs())
    found = profiled.read([1.0], 0)
    tasks = [task.kind for task in request.plan.tasks]
    assert len(tasks) > len(set(tasks))  # blocks of one kind are compiled once
    assert {kernel.task for kernel in found.kernels} == set(range(len(tasks)))
    nodes = [node for kernel in found.kernels for node in kernel.nodes]
    assert {node for task in request.plan.tasks for node in range(task.start, task.stop)} >= set(nodes)
    products = [kernel.nodes for kernel in found.kernels if len(kernel.nodes)]
    assert len({one[0] for one in products}) >= len(tasks)
    assert all(time > 0 for run in found.times_ms for time in run[:1])


@pytest.mark.parametrize("compiler", ["tvm", "inductor", "onnxruntime", "openvino"])
def test_profile_that_is_not_mapped_has_the_same_kernels(compiler: str, tmp_path: Path) -> None:
    pytest.importorskip({"inductor": "torch"}.get(compiler, compiler))
    found, _ = profile(compiler, tmp_path / "mapped")
    again, _ = profile(compiler, tmp_path / "plain", mapped=False)
    assert [one.name for one in again.kernels] == [one.name for one in found.kernels]
    assert not any(one.nodes for one in again.kernels)


def test_profile_inductor_cpp_wrapper_is_refused_with_reason(tmp_path: Path) -> None:
    from ablatrix.errors import UnsupportedError

    with pytest.raises(UnsupportedError, match="cpp_wrapper: off"):
        profile("inductor", tmp_path, cpp_wrapper="on")
