"""Planning 10,000 buffers: seconds, and arena against peak live bytes, beside a plain greedy allocator.

The program is a mixture of what models are made of: chains, residual blocks, branches that join again, and a
few skips over a long stretch. Each node is a region, so that every value between nodes is a buffer. The peer,
written here, is *first-use order, first fit*: buffers in the order in which they are first written, each at
the lowest offset that is free during its whole life (the common greedy allocator of inference runtimes).

    python benchmarks/planning.py [--buffers 10000] [--seed 0]

The last line on stdout is one JSON object; the exit status is 1 when a target is missed.
"""

import argparse
import json
import random
import sys
from collections.abc import Sequence
from time import perf_counter

from ablatrix.plan.graph import Graph, Node, Value
from ablatrix.plan.plan import Buffer, PlanOptions
from ablatrix.plan.planner import make_plan
from ablatrix.plan.validate import peak_lower_bound, validate

TARGETS = {"seconds": 2.0, "arena_to_peak": 1.02}
WIDTHS = (64, 96, 128, 192, 256, 384, 512, 768, 1024)


class ModelBuilder:
    """Grows a program block by block; every node makes one float32 tensor."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.values = [Value(4 * 197 * 64, "input", "float32[197, 64]")]
        self.nodes: list[Node] = []

    def node(self, operation: str, reads: Sequence[int], width: int, rows: int = 197) -> int:
        """Append one node and return the value it makes."""
        self.values.append(Value(4 * rows * width, "intermediate", f"float32[{rows}, {width}]"))
        made = len(self.values) - 1
        arguments = ", ".join(f"%{index}" for index in range(len(reads)))
        self.nodes.append(Node(f"{operation}({arguments})", tuple(reads), (made,), f"block.{made}"))
        return made

    def block(self, value: int) -> int:
        """Append a chain, a residual block or branches."""
        width = self._random.choice(WIDTHS)
        kind = self._random.choices(("chain", "residual", "branches"), (2, 5, 3))[0]
        if kind == "chain":
            for _ in range(self._random.randint(1, 4)):
                value = self.node("linear", [value], width)
            return value
        if kind == "residual":
            value = inner = self.node("norm", [value], width)
            for factor in self._random.choice(((4, 4, 1), (1, 1), (3, 1, 1), (2, 2, 1, 1))):
                inner = self.node("linear", [inner], width * factor)
            return self.node("add", [value, inner], width)
        ends = []
        for _ in range(self._random.randint(2, 5)):
            branch = value
            for _ in range(self._random.randint(1, 3)):
                branch = self.node("convolution", [branch], self._random.choice(WIDTHS), rows=49)
            ends.append(branch)
        return self.node("concatenate", ends, width)

    def build(self, buffers: int) -> Graph:
        """Return a program with exactly this many values between its nodes."""
        value = 0
        skips: list[int] = []
        while len(self.nodes) < buffers - 12:
            value = self.block(value)
            if self._random.random() < 0.02:
                skips.append(value)
            if len(skips) > 3:
                value = self.node("join", [value, skips.pop(0)], 256)
        value = self.node("join", [value, *skips], 256)
        while len(self.nodes) < buffers:
            value = self.node("linear", [value], 256)
        return Graph(tuple(self.values), tuple(self.nodes), (value,))


def first_use_first_fit(buffers: Sequence[Buffer], alignment: int) -> int:
    """Return the arena in bytes of the peer."""
    placed: list[tuple[int, int, int]] = []  # (start, end, last) of what is still live
    arena = 0
    for buffer in sorted(buffers, key=lambda buffer: buffer.first):
        placed = sorted(item for item in placed if item[2] >= buffer.first)
        size = -(-buffer.bytes // alignment) * alignment
        start = 0
        for low, high, _ in placed:
            if low - start >= size:
                break
            start = max(start, high)
        placed.append((start, start + size, buffer.last))
        arena = max(arena, start + size)
    return arena


def main() -> int:
    """Plan, check, compare, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--buffers", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    graph = ModelBuilder(arguments.seed).build(arguments.buffers)
    begin = perf_counter()
    plan = make_plan(graph, PlanOptions(partition="regions", reuse="release"))
    seconds = perf_counter() - begin
    begin = perf_counter()
    validate(graph, plan)
    validation_seconds = perf_counter() - begin
    peak = peak_lower_bound(graph, plan)
    begin = perf_counter()
    peer = first_use_first_fit(plan.buffers, plan.options.alignment)
    peer_seconds = perf_counter() - begin
    figures = {
        "buffers": len(plan.buffers),
        "seconds": seconds,
        "arena_bytes": plan.arena_bytes,
        "peak_live_bytes": peak,
        "arena_to_peak": plan.arena_bytes / peak,
        "validation_seconds": validation_seconds,
        "peer": "first-use order, first fit",
        "peer_arena_to_peak": peer / peak,
        "peer_storage_seconds": peer_seconds,
    }
    holds = seconds <= TARGETS["seconds"] and plan.arena_bytes <= TARGETS["arena_to_peak"] * peak
    print(f"{len(plan.buffers)} buffers, {len(plan.tasks)} tasks ({plan.distinct_tasks} distinct)")
    print(f"planned in {seconds:.2f} s, checked in {validation_seconds:.2f} s")
    print(f"arena / peak live bytes: {plan.arena_bytes / peak:.4f}; {figures['peer']}: {peer / peak:.4f}")
    print(json.dumps({"benchmark": "planning", "figures": figures, "targets": TARGETS, "holds": holds}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
