"""A study's own passes in Inductor: its configuration has an entry for each point at which one can run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch._inductor.custom_graph_pass import CustomGraphPass

from ablatrix.canonical import digest_value
from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.settings import Applied
from ablatrix.errors import CompilerError

# Passes of the graph change it in place; those around fusion take the scheduler's nodes and return them.
ENTRIES: Mapping[tuple[str, str], str] = {
    ("pre_grad", "after"): "pre_grad_custom_pass",
    ("joint_graph", "before"): "joint_custom_pre_pass",
    ("joint_graph", "after"): "joint_custom_post_pass",
    ("post_grad", "before"): "post_grad_custom_pre_pass",
    ("post_grad", "after"): "post_grad_custom_post_pass",
    ("fusion", "before"): "_pre_fusion_custom_pass",
    ("fusion", "after"): "_post_fusion_custom_pass",
}
FIRST = ("pre_grad", "before")
Nodes = Callable[[list[Any]], list[Any]]


def inserted_passes(settings: Applied, last: Nodes) -> dict[str, Any]:
    """Return the entries of ``torch._inductor.config`` that run a study's passes.

    Args:
        settings: What the study sets.
        last: What looks at the scheduler's nodes behind fusion, after all passes.

    Raises:
        CompilerError: What the file has under the name cannot be called.
    """
    by_entry: dict[str, list[OwnPass]] = {}
    for one in settings.inserted:
        if (one.anchor, one.where) != FIRST:
            by_entry.setdefault(ENTRIES[one.anchor, one.where], []).append(one)
    after_fusion = ENTRIES["fusion", "after"]
    entries: dict[str, Any] = {after_fusion: _of_nodes([*map(_callable, by_entry.pop(after_fusion, ())), last])}
    for entry, held in by_entry.items():
        passes = list(map(_callable, held))
        is_of_graph = entry != ENTRIES["fusion", "before"]
        digest = digest_value([one.identity for one in held])
        entries[entry] = GraphPasses(passes, digest) if is_of_graph else _of_nodes(passes)
    return entries


def run_first(settings: Applied, module: Any) -> None:
    """Run the passes that come before all of Inductor's on a graph module: there is no entry for these."""
    for one in settings.around(*FIRST):
        _callable(one)(module.graph)
        module.recompile()


class GraphPasses(CustomGraphPass):  # type: ignore[misc]
    """Several passes of a graph as one, with an identity: without, torch warns and goes another way."""

    def __init__(self, passes: Sequence[Callable[[Any], object]], digest: str) -> None:
        self._passes, self._digest = tuple(passes), digest

    def __call__(self, graph: Any) -> None:
        """Run them, each on what the one before left."""
        for one in self._passes:
            one(graph)

    def uuid(self) -> str:
        """Return the digest of the passes and of where they are."""
        return self._digest


def _of_nodes(passes: Sequence[Nodes]) -> Nodes:
    def run(nodes: list[Any]) -> list[Any]:
        for one in passes:
            nodes = one(nodes)
        return nodes

    return run


def _callable(one: OwnPass) -> Any:
    found = one.load()
    made = found() if inspect.isclass(found) else found
    if not callable(made):
        raise CompilerError(f"pass {one.name} must be a function or a class of such; it is a {type(made).__name__}")
    return made
