"""Time by part of a compile, as torch reports it; and the passes of FX graphs, lowerings and fusions, as they run.

torch times the parts of a compile by itself (``torch._dynamo.utils.dynamo_timed``) and reports to a logger of events
when each begins and ends. For one compile that logger is replaced by one that also keeps a clock. Passes of graphs run
inside an observer of torch's own (``GraphTransformObserver``), which for one compile reports here.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any
from unittest.mock import patch

from torch._dynamo import utils
from torch._inductor.graph import GraphLowering
from torch._inductor.scheduler import FusedSchedulerNode
from torch.fx.passes.graph_transform_observer import GraphTransformObserver

from ablatrix.canonical import digest_bytes
from ablatrix.compilers.adapter import PhaseClock
from ablatrix.compilers.passes import PassRun, PassWatch

LOWERING, FUSION = "lowering", "fusion"


@contextmanager
def watch_passes() -> Iterator[dict[str, float]]:
    """Return a dictionary that is filled inside the block: milliseconds by the name that torch has for a part.

    A part inside another counts for itself alone.
    """
    before, watch = utils.get_chromium_event_logger(), Watch()
    utils.CHROMIUM_EVENT_LOG = watch
    try:
        yield watch.clock.milliseconds
    finally:
        utils.CHROMIUM_EVENT_LOG = before


class Watch(utils.ChromiumEventLogger):  # type: ignore[misc]
    """The logger, with a clock. Parts in other threads, which the one that began waits for, count to what waits."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = PhaseClock()
        self._thread = threading.get_ident()

    def log_event_start(self, event_name: str, *arguments: Any, **keywords: Any) -> None:
        """Begin a part."""
        super().log_event_start(event_name, *arguments, **keywords)
        if threading.get_ident() == self._thread:
            self.clock.enter(event_name)

    def log_event_end(self, event_name: str, *arguments: Any, **keywords: Any) -> None:
        """End it."""
        if threading.get_ident() == self._thread:
            self.clock.leave()
        super().log_event_end(event_name, *arguments, **keywords)


@contextmanager
def observe_passes() -> Iterator[list[PassRun]]:
    """Return a list that is filled when the block ends: passes of FX graphs, then each operator that was lowered.

    They have the names of their addresses. Whether a pass changed its graph is seen from the graph's text.
    """
    watch, lowered, runs = PassWatch(_graph_digest), list[PassRun](), list[PassRun]()
    entered, left = GraphTransformObserver.__enter__, GraphTransformObserver.__exit__
    lower = GraphLowering.call_function

    def enter(observer: Any) -> Any:
        point = observer.subsystem or ""
        watch.enter(f"{point}.{observer.passname}" if point else observer.passname, observer.gm, within=point)
        return entered(observer)

    def leave(observer: Any, *error: Any) -> Any:
        watch.leave(observer.gm)
        return left(observer, *error)

    def call_function(graph: Any, target: Any, *arguments: Any) -> Any:
        since = perf_counter()
        value = lower(graph, target, *arguments)
        milliseconds = (perf_counter() - since) * 1e3
        if target is not operator.getitem:  # which takes a result apart, and computes nothing
            name = str(getattr(target, "overloadpacket", target))  # as its address has it
            lowered.append(PassRun(name=name, kind=LOWERING, milliseconds=milliseconds, changed=True))
        return value

    with (
        patch.object(GraphTransformObserver, "__enter__", enter),
        patch.object(GraphTransformObserver, "__exit__", leave),
        patch.object(GraphLowering, "call_function", call_function),
    ):
        yield runs
    runs += [*watch.runs, *lowered]


def fused_groups(nodes: list[Any]) -> list[PassRun]:
    """Return the groups of operators that the scheduler made one loop nest of, by the operators that they come from."""
    return [
        PassRun(name=_group_name(node), kind=FUSION, changed=True)
        for node in nodes
        if isinstance(node, FusedSchedulerNode)
    ]


def _group_name(group: Any) -> str:
    """Return the operators of the graph that a group computes, each once, in order."""
    origins = [node for one in group.get_nodes() for node in getattr(one.node, "origins", None) or ()]
    targets = [node.target for node in origins if node.op == "call_function"]
    names = [getattr(target, "__name__", str(target)).partition(".")[0] for target in targets]
    return " + ".join(dict.fromkeys(names)) or str(group.get_name())


def _graph_digest(module: Any) -> str:
    return digest_bytes(str(getattr(module, "graph", module)).encode())
