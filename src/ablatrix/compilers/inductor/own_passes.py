"""A study's own passes in Inductor: its configuration has an entry for each point at which one can run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ablatrix.compilers.catalogue.model import OwnPass
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
    entries: dict[str, list[Any]] = {}
    for one in settings.inserted:
        if (one.anchor, one.where) != FIRST:
            entries.setdefault(ENTRIES[one.anchor, one.where], []).append(_callable(one))
    entries.setdefault("_post_fusion_custom_pass", []).append(last)
    return {name: _all_of(name, held) for name, held in entries.items()}


def run_first(settings: Applied, module: Any) -> None:
    """Run the passes that come before all of Inductor's on a graph module: there is no entry for these."""
    for one in settings.around(*FIRST):
        _callable(one)(module.graph)
        module.recompile()


def _callable(one: OwnPass) -> Any:
    found = one.load()
    made = found() if inspect.isclass(found) else found
    if not callable(made):
        raise CompilerError(f"pass {one.name} must be a function or a class of such; it is a {type(made).__name__}")
    return made


def _all_of(entry: str, passes: list[Any]) -> Callable[[Any], Any]:
    """Return several passes as one: torch before 2.13 takes one of each kind."""
    is_of_nodes = entry.endswith("_fusion_custom_pass")

    def run(subject: Any) -> Any:
        for one in passes:
            returned = one(subject)
            subject = returned if is_of_nodes else subject
        return subject if is_of_nodes else None

    return run
