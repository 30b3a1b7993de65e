import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablatrix.plan.graph import Graph, Node, Value
from ablatrix.plan.partition import partition
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan
from tests.plan.programs import chain, graphs, renamed, two_layers


def spans(graph: Graph) -> list[tuple[int, int]]:
    return [(task.start, task.stop) for task in partition(graph, "regions")]


def test_whole_is_one_task_with_inputs_and_parameters_in_order_of_use() -> None:
    (task,) = partition(two_layers(), "whole")
    assert (task.start, task.stop) == (0, 6)
    assert task.reads == (0, 1, 2)
    assert task.writes == (8,)


def test_regions_pass_on_what_later_ones_need() -> None:
    first, second = partition(two_layers(), "regions")
    assert (first.start, first.stop, first.reads, first.writes) == (0, 3, (0, 1), (5,))
    assert (second.start, second.stop, second.reads, second.writes) == (3, 6, (5, 2), (8,))


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (["", "a", "a", "", "b", "a"], [(0, 4), (4, 5), (5, 6)]),
        (["", ""], [(0, 2)]),
        (["a", "", "a"], [(0, 3)]),
        (["a", "b", "a"], [(0, 1), (1, 2), (2, 3)]),
        (["", "a", "b"], [(0, 2), (2, 3)]),
        ([], []),
    ],
)
def test_tasks_follow_contiguous_regions(regions: list[str], expected: list[tuple[int, int]]) -> None:
    assert spans(chain([8] * len(regions), regions)) == expected


def branching(needed: int) -> Graph:
    """Three regions, each making one value from the input; only one of them is returned."""
    values = (Value(4, "input", "f"), *[Value(4, "intermediate", "f")] * 3)
    return Graph(values, tuple(Node("f(%0)", (0,), (i + 1,), f"r{i}") for i in range(3)), (needed,))


@pytest.mark.parametrize(("needed", "expected"), [(3, [(0, 3)]), (1, [(0, 3)]), (2, [(0, 3)])])
def test_run_that_nothing_needs_joins_its_neighbour(needed: int, expected: list[tuple[int, int]]) -> None:
    assert spans(branching(needed)) == expected


def test_run_needed_only_by_unneeded_run_joins_too() -> None:
    graph = chain([8, 8, 8])
    assert spans(Graph(graph.values, graph.nodes, (1,))) == [(0, 3)]


def test_program_that_returns_only_its_inputs_has_no_tasks() -> None:
    graph = chain([8, 8])
    for how in ("whole", "regions"):
        assert partition(Graph(graph.values, graph.nodes, (0, 0)), how) == ()


def test_equal_layers_with_other_names_and_weights_are_one_kind() -> None:
    first, second = partition(two_layers(("encoder.a", "b")), "regions")
    assert first.fingerprint == second.fingerprint
    assert (first.kind, second.kind) == (0, 0)


@pytest.mark.parametrize(("weights", "kinds"), [(("a", "b"), [0, 1]), (("a", "a"), [0, 0])])
def test_equal_layers_are_one_kind_if_constants_are_same(weights: tuple[str, str], kinds: list[int]) -> None:
    graph = two_layers()
    for index, name in enumerate(weights, start=1):
        graph = with_value(graph, index, Value(256, "parameter", "f32[8, 8]", name))
    assert [task.kind for task in partition(graph, "regions")] == kinds


def test_kind_with_renamed_symbol_is_same() -> None:
    (mine, _), (theirs, _) = (partition(two_layers(symbol=name), "regions") for name in ("s27", "s3"))
    assert mine.fingerprint == theirs.fingerprint


def changed(graph: Graph, place: int, **fields: object) -> Graph:
    nodes = list(graph.nodes)
    old = nodes[place]
    nodes[place] = Node(
        **{"operation": old.operation, "reads": old.reads, "writes": old.writes, "region": old.region} | fields  # type: ignore[arg-type]
    )
    return Graph(graph.values, tuple(nodes), graph.outputs)


def with_value(graph: Graph, index: int, value: Value) -> Graph:
    return Graph((*graph.values[:index], value, *graph.values[index + 1 :]), graph.nodes, graph.outputs)


@pytest.mark.parametrize(
    "graph",
    [
        changed(two_layers(), 4, operation="gelu(%0, [s27, 8])"),
        changed(two_layers(), 4, operation="relu(%0, [s27, 9])"),
        changed(two_layers(), 5, reads=(5, 7)),
        changed(two_layers(), 5, reads=(7, 7)),
        with_value(two_layers(), 2, Value(256, "parameter", "f16[8, 16]")),
        with_value(two_layers(), 7, Value(512, "intermediate", "f32[s27, 8]")),
        with_value(two_layers(), 2, Value(256, "input", "f32[8, 8]")),
        with_value(two_layers(), 7, Value(256, "intermediate", "f32[s4, 8]")),
        Graph(two_layers().values, two_layers().nodes, (8, 7)),
    ],
    ids=["operation", "argument", "order", "flow", "signature", "bytes", "parameter", "symbols", "writes"],
)
def test_kind_of_other_program_is_another(graph: Graph) -> None:
    assert [task.kind for task in partition(graph, "regions")] == [0, 1]


def test_kinds_are_numbered_by_first_appearance() -> None:
    assert [task.kind for task in partition(chain([8, 8, 16, 8, 16, 8]), "regions")] == [0, 1, 2, 3, 2, 3]


@pytest.mark.slow
@given(graphs(), st.randoms(use_true_random=False))
def test_fingerprints_do_not_depend_on_value_indices_or_region_names(graph: Graph, random: object) -> None:
    order = list(range(len(graph.values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    other = renamed(graph, order)
    for how in ("whole", "regions"):
        mine, theirs = partition(graph, how), partition(other, how)
        assert [t.fingerprint for t in mine] == [t.fingerprint for t in theirs]
        assert [tuple(order[v] for v in t.reads) for t in mine] == [t.reads for t in theirs]


@given(graphs())
def test_tasks_cover_all_nodes_and_each_makes_needed_output(graph: Graph) -> None:
    plan = make_plan(graph, PlanOptions("regions"))
    assert all(task.writes for task in plan.tasks)
    covered = [node for task in plan.tasks for node in range(task.start, task.stop)]
    assert covered == (list(range(len(graph.nodes))) if plan.tasks else [])
