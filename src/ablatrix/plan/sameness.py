"""Check that tasks of one kind are the same program. Part of the checker: it compares them without fingerprints."""

import re

from ablatrix.errors import PlanError
from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Plan, Task

# Splits a text into the pieces between symbols and, at odd positions, the symbols (s0, s27).
_SYMBOLS = re.compile(r"\b(s[0-9]+)\b")


def check_kinds(graph: Graph, plan: Plan) -> None:
    """Check that kinds are numbered by first appearance and that tasks of one kind can share compiled code.

    Two tasks can, when one renaming of values and one of symbols, each one-to-one, turns the nodes,
    signatures, reads and writes of the one into those of the other.

    Raises:
        PlanError: Kinds or fingerprints disagree, or two tasks of one kind differ; the message says at which node.
    """
    models: list[tuple[int, Task]] = []
    for index, task in enumerate(plan.tasks):
        if task.kind == len(models):
            models.append((index, task))
        if not 0 <= task.kind < len(models):
            raise PlanError(f"plan: task {index} is of kind {task.kind}; the next new kind is {len(models)}")
        first, model = models[task.kind]
        if task.fingerprint != model.fingerprint:
            raise PlanError(f"plan: tasks {first} and {index} are of kind {task.kind}, but have different fingerprints")
        if task is not model:
            _Renaming(graph, f"tasks {first} and {index} of kind {task.kind}").check(model, task)
    fingerprints = [model.fingerprint for _, model in models]
    for kind, fingerprint in enumerate(fingerprints):
        if fingerprint in fingerprints[:kind]:
            raise PlanError(
                f"plan: kinds {fingerprints.index(fingerprint)} and {kind} have the same fingerprint, so "
                "that one program would be compiled twice"
            )


class _Renaming:
    """One-to-one maps from one task's values and symbols to another's, grown while the two are walked."""

    def __init__(self, graph: Graph, pair: str) -> None:
        self._graph = graph
        self._pair = pair
        self._values: dict[int, int] = {}
        self._taken: set[int] = set()
        self._symbols: dict[str, str] = {}

    def check(self, model: Task, other: Task) -> None:
        if model.stop - model.start != other.stop - other.start:
            raise PlanError(f"plan: {self._pair} have different numbers of nodes")
        nodes = self._graph.nodes
        walk = zip(nodes[model.start : model.stop], nodes[other.start : other.stop], strict=True)
        for position, (a, b) in enumerate(walk):
            same = (
                self._same_text(a.operation, b.operation)
                and self._same_values(a.reads, b.reads)
                and self._same_values(a.writes, b.writes)
            )
            if not same:
                raise PlanError(
                    f"plan: {self._pair} differ at their node {position}: {a.operation} and {b.operation}, or "
                    "what these read and write"
                )
        if not self._same_values(model.reads, other.reads):
            raise PlanError(f"plan: {self._pair} take different values, or in another order")
        if not self._same_values(model.writes, other.writes):
            raise PlanError(f"plan: {self._pair} return different values, or in another order")

    def _same_values(self, mine: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
        if len(mine) != len(theirs):
            return False
        for a, b in zip(mine, theirs, strict=True):
            if a not in self._values:
                if b in self._taken:
                    return False
                self._values[a] = b
                self._taken.add(b)
                x, y = self._graph.values[a], self._graph.values[b]
                if x.bytes != y.bytes or not self._same_text(x.signature, y.signature):
                    return False
                if (x.kind == "parameter") != (y.kind == "parameter") or x.constant != y.constant:
                    return False
            if self._values[a] != b:
                return False
        return True

    def _same_text(self, mine: str, theirs: str) -> bool:
        pieces, others = _SYMBOLS.split(mine), _SYMBOLS.split(theirs)
        if pieces[::2] != others[::2]:
            return False
        for a, b in zip(pieces[1::2], others[1::2], strict=True):
            if a not in self._symbols and b in self._symbols.values():
                return False
            if self._symbols.setdefault(a, b) != b:
                return False
        return True
