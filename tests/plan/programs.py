"""Small programs for the planner's tests: by hand, and random ones for hypothesis."""

from collections.abc import Sequence

from hypothesis import strategies as st

from ablatrix.plan.graph import Graph, Node, Value, ValueKind
from ablatrix.plan.plan import PlanOptions

ALL_OPTIONS = [
    PlanOptions(partition=partition, reuse=reuse, alignment=alignment)
    for partition in ("whole", "regions")
    for reuse in ("keep", "release")
    for alignment in (1, 64)
]


def chain(sizes: Sequence[int], regions: Sequence[str] | None = None) -> Graph:
    """One input (value 0); node i makes value i + 1 of the given size from value i; the last one is returned."""
    regions = regions if regions is not None else [f"r{place}" for place in range(len(sizes))]
    values = [Value(4, "input", "f32[1]")]
    values += [Value(size, "intermediate", f"u8[{size}]") for size in sizes]
    nodes = [Node("f(%0)", (place,), (place + 1,), regions[place]) for place in range(len(sizes))]
    return Graph(tuple(values), tuple(nodes), (len(sizes),))


def residual(sizes: Sequence[int]) -> Graph:
    """A chain whose last node also reads the first node's value."""
    graph = chain(sizes)
    *first, last = graph.nodes
    return Graph(
        graph.values, (*first, Node("add(%0, %1)", (last.reads[0], 1), last.writes, last.region)), graph.outputs
    )


def two_layers(names: tuple[str, str] = ("layer.0", "layer.1"), symbol: str = "s27") -> Graph:
    """Two equal layers ``y = relu(x @ w) + x``, each with a weight of its own, over a symbolic size."""
    made = Value(256, "intermediate", f"f32[{symbol}, 8]")
    weight = Value(256, "parameter", "f32[8, 8]")
    nodes = []
    for place, (source, first) in enumerate(((0, 3), (5, 6))):
        nodes += [
            Node("matmul(%0, %1)", (source, 1 + place), (first,), names[place]),
            Node(f"relu(%0, [{symbol}, 8])", (first,), (first + 1,), names[place]),
            Node("add(%0, %1)", (first + 1, source), (first + 2,), names[place]),
        ]
    values = (Value(256, "input", f"f32[{symbol}, 8]"), weight, weight, *[made] * 6)
    return Graph(values, tuple(nodes), (8,))


def renamed(graph: Graph, order: Sequence[int]) -> Graph:
    """Return the same program with value i at index ``order[i]`` and other region names."""
    values = [graph.values[order.index(new)] for new in range(len(order))]
    nodes = [
        Node(
            node.operation,
            tuple(order[value] for value in node.reads),
            tuple(order[value] for value in node.writes),
            node.region and f"renamed.{node.region}",
        )
        for node in graph.nodes
    ]
    return Graph(tuple(values), tuple(nodes), tuple(order[value] for value in graph.outputs))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Random programs: any DAG, regions that come back, empty and equal sizes, dead nodes, repeated outputs."""
    sizes = st.sampled_from([0, 1, 63, 64, 65, 100, 128, 128, 1000])
    kinds: st.SearchStrategy[ValueKind] = st.sampled_from(("input", "parameter"))
    values = [
        Value(draw(sizes), kind, draw(st.sampled_from(["f32[4]", "f32[s27, 2]"])))
        for kind in draw(st.lists(kinds, max_size=3))
    ]
    nodes = []
    for place in range(draw(st.integers(0, 25))):
        known = st.integers(0, len(values) - 1)
        recent = st.integers(max(0, len(values) - 3), len(values) - 1)
        reads = draw(st.lists(known | recent, max_size=3)) if values else []
        made = draw(st.integers(0 if place % 5 == 4 else 1, 2))
        writes = tuple(range(len(values), len(values) + made))
        values += [Value(draw(sizes), "intermediate", draw(st.sampled_from(["a", "b"]))) for _ in writes]
        operation = draw(st.sampled_from(["f", "g", "view([s27, 2])"]))
        nodes.append(Node(operation, tuple(reads), writes, draw(st.sampled_from(["", "", "a", "b", "c"]))))
    outputs = draw(st.lists(st.integers(0, len(values) - 1), max_size=4)) if values else []
    return Graph(tuple(values), tuple(nodes), tuple(outputs))
