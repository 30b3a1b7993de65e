"""Each compiler's own profile of a small program: kernels have times, and compute every node but views."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

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


def profile(compiler: str, directory: Path, **knobs: str) -> tuple[KernelProfile, frozenset[int]]:
    """Return a profile of the small program, and the nodes of it that compute something."""
    from ablatrix.catalogue import installed_catalogue

    entry = installed_catalogue().compiler(compiler)
    x = torch.randn(4, 16)
    levels = {**entry.defaults(), **knobs}
    request = make_request(make_program(Small(), (x,)), directory, levels, entry=entry)
    adapter = import_compiler(entry)
    adapter.set_threads(1)
    profiled = adapter.profile(request)  # type: ignore[attr-defined]
    plain, timed = profiled.bind((x,))
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
def test_profile_kernels_compute_every_node_once_a_run(compiler: str, knobs: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip({"inductor": "torch", "xla": "jax"}.get(compiler, compiler))
    found, computing = profile(compiler, tmp_path, **knobs)
    assert {node for kernel in found.kernels for node in kernel.nodes} >= computing
    assert len(found.times_ms) == len(found.walls_ms) == RUNS
    assert all(sum(times) >= 0 for times in found.times_ms)
    assert found.source


def test_profile_inductor_cpp_wrapper_is_refused_with_reason(tmp_path: Path) -> None:
    from ablatrix.errors import UnsupportedError

    with pytest.raises(UnsupportedError, match="cpp_wrapper: off"):
        profile("inductor", tmp_path, cpp_wrapper="on")
