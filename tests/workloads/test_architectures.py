"""The sixty architectures: those with a function of ours are built, and one of each module is a program."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from ablatrix.errors import WorkloadError
from ablatrix.study.architectures import ARCHITECTURES, OWN
from ablatrix.workloads.architectures import packages
from ablatrix.workloads.architectures.graphs import GraphNet, make_graph
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.parameters import build_workload, check_parameters
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.source import read_source

OF_US = [name for name, one in ARCHITECTURES.items() if one.source.startswith(OWN)]
NEEDS = {
    "of_timm": "timm",
    **dict.fromkeys(("unet2d", "unet2d_condition", "autoencoder_kl", "dit", "flux"), "diffusers"),
}


def entry_of(name: str) -> WorkloadEntry:
    found = ARCHITECTURES[name]
    return read_source(name, found.source, {}, Path())


@pytest.mark.parametrize("name", OF_US)
def test_architecture_with_function_is_built_and_runs_in_eager(name: str) -> None:
    needed = NEEDS.get(ARCHITECTURES[name].source.rpartition(":")[2])
    if needed is not None and find_spec(needed) is None:
        pytest.skip(f"{needed} is not installed")
    entry = entry_of(name)
    built = build_workload(entry, check_parameters(entry, ARCHITECTURES[name].parameters))
    inputs = built.own_inputs or built.make_inputs(0, {})
    with torch.no_grad():
        outputs = torch.utils._pytree.tree_leaves(built.module(*inputs))
        again = torch.utils._pytree.tree_leaves(built.module(*inputs))
    assert outputs
    for one, other in zip(outputs, again, strict=True):
        assert bool(one.isfinite().all())
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["gat", "lstm", "unet"])
def test_architecture_of_each_kind_is_prepared(name: str) -> None:
    program = prepare(entry_of(name), ARCHITECTURES[name].parameters, input_sets=1)
    assert program.facts.parameter_count > 100
    assert not any(one.ill_conditioned for one in program.input_sets[0].allowances)


def test_gcn_layer_is_the_normalised_adjacency_times_the_features() -> None:
    torch.manual_seed(0)
    x, edges = make_graph(5, 3)
    layer = GraphNet("gcn", 3, 4, 2).first
    adjacency = torch.zeros(5, 5)
    for source, target in edges.T.tolist():
        adjacency[target, source] += 1
    scale = adjacency.sum(1).rsqrt()
    wanted = (scale[:, None] * adjacency * scale) @ layer.linear(x) + layer.bias
    torch.testing.assert_close(layer(x, edges), wanted)


def test_absent_package_is_named_with_what_installs_it() -> None:
    with pytest.raises(WorkloadError, match=r"nosuch cannot be imported .*pip install"):
        packages.package("nosuch", "nosuch.models")
