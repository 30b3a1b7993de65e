from dataclasses import replace

import pytest
from hypothesis import given, settings

from ablatrix.errors import PlanError
from ablatrix.plan.graph import Graph, Node, Value
from ablatrix.plan.plan import PlanOptions
from ablatrix.plan.planner import make_plan, plan_digest
from ablatrix.plan.validate import peak_lower_bound, validate
from tests.plan.programs import ALL_OPTIONS, chain, graphs, residual, two_layers


def test_release_on_chain_reaches_peak_live_bytes_and_keep_shares_none() -> None:
    """100, 200, 100 bytes at alignment 64 take 128, 256, 128: peak 384, sum 512."""
    graph = chain([100, 200, 100])
    release = make_plan(graph, PlanOptions("regions", "release"))
    keep = make_plan(graph, PlanOptions("regions", "keep"))
    assert (release.arena_bytes, release.peak_live_bytes, release.physical_buffers) == (384, 384, 2)
    assert (keep.arena_bytes, keep.peak_live_bytes, keep.physical_buffers) == (512, 384, 3)
    assert release.logical_bytes == keep.logical_bytes == 400
    assert release.edges == keep.edges == 2
    assert release.distinct_tasks == 3


def test_edges_count_pairs_of_tasks_not_values() -> None:
    assert make_plan(residual([64] * 4), PlanOptions("regions")).edges == 4


def test_whole_has_buffers_for_outputs_only() -> None:
    plan = make_plan(two_layers(), PlanOptions("whole", "release"))
    assert [(b.value, b.first, b.last) for b in plan.buffers] == [(8, 0, 0)]
    assert (plan.edges, plan.arena_bytes, plan.distinct_tasks) == (0, 256, 1)


def test_outputs_that_repeat_share_buffer_and_external_ones_have_none() -> None:
    graph = chain([64, 64])
    plan = make_plan(Graph(graph.values, graph.nodes, (2, 0, 2)), PlanOptions("regions", "release"))
    assert [b.value for b in plan.buffers] == [1, 2]


def test_plan_of_empty_program_is_empty() -> None:
    plan = make_plan(Graph((), (), ()), PlanOptions())
    assert (plan.tasks, plan.buffers, plan.arena_bytes, plan.peak_live_bytes) == ((), (), 0, 0)


@given(graphs())
@settings(max_examples=80, deadline=None)
def test_plans_of_random_programs_are_valid_under_all_options(graph: Graph) -> None:
    for options in ALL_OPTIONS:
        plan = make_plan(graph, options)
        validate(graph, plan)
        assert plan == make_plan(graph, options)
        assert plan.arena_bytes >= plan.peak_live_bytes == peak_lower_bound(graph, plan)
        if options.reuse == "release":
            assert make_plan(graph, replace(options, reuse="keep")).arena_bytes >= plan.arena_bytes


def test_plan_of_deep_network_with_equal_layers_reaches_peak_live_bytes() -> None:
    sizes = [4096 if place % 3 else 1024 for place in range(300)]
    plan = make_plan(residual(sizes), PlanOptions("regions", "release"))
    assert plan.arena_bytes == plan.peak_live_bytes


def test_digest_depends_on_everything_in_plan() -> None:
    graph = chain([100, 200, 100])
    plan = make_plan(graph, PlanOptions("regions", "release"))
    assert plan_digest(plan) == plan_digest(make_plan(graph, PlanOptions("regions", "release")))
    moved = replace(plan, buffers=(replace(plan.buffers[0], offset=64), *plan.buffers[1:]))
    others = [moved, replace(plan, edges=7), make_plan(graph, PlanOptions("regions", "release", 128))]
    assert len({plan_digest(each) for each in (plan, *others)}) == 4


@pytest.mark.parametrize("alignment", [0, -64, 48])
def test_alignment_that_is_no_power_of_two_is_refused(alignment: int) -> None:
    with pytest.raises(PlanError, match=f"power of two.*{alignment}"):
        make_plan(chain([8]), PlanOptions(alignment=alignment))


VALUES = (Value(4, "input", "f"), Value(4, "intermediate", "f"), Value(4, "intermediate", "f"))


@pytest.mark.parametrize(
    ("nodes", "outputs", "message"),
    [
        ([Node("f(%0)", (1,), (2,))], (2,), "node 0 .* reads value 1, an intermediate that no node before"),
        ([Node("f(%0)", (9,), (2,))], (2,), "reads value 9; there are values 0 to 2"),
        ([Node("f", (), (1,)), Node("g", (), (1,))], (1,), "node 1 .* makes value 1, which is made already"),
        ([Node("f", (), (0,))], (0,), "makes value 0, which is made already or comes from outside"),
        ([Node("f", (), (3,))], (0,), "makes value 3, which is not in the graph"),
        ([], (2,), "output 0 reads value 2, an intermediate"),
    ],
)
def test_plan_of_non_program_is_refused(nodes: list[Node], outputs: tuple[int, ...], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        make_plan(Graph(VALUES, tuple(nodes), outputs), PlanOptions())


def test_plan_with_negative_size_is_refused() -> None:
    with pytest.raises(PlanError, match="value 0 has -1 bytes"):
        make_plan(Graph((Value(-1, "input", "f"),), (), ()), PlanOptions())
