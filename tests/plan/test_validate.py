"""Each rule of the checker, tried by breaking a good plan in one place."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ablatrix.errors import PlanError
from ablatrix.plan.graph import Graph, Node, Value
from ablatrix.plan.plan import Buffer, Plan, PlanOptions, Task
from ablatrix.plan.planner import make_plan
from ablatrix.plan.validate import peak_lower_bound, validate
from tests.plan.programs import chain, graphs, residual, two_layers

GRAPH = residual([100, 200, 64, 100])
"""Tasks 0 to 3 make values 1 to 4, aligned 128, 256, 64, 128; value 1 lives [0, 3]; peak 448 at task 2."""
PLAN = make_plan(GRAPH, PlanOptions("regions", "release"))


def with_task(index: int, **fields: object) -> Plan:
    tasks: list[Task] = list(PLAN.tasks)
    tasks[index] = replace(tasks[index], **fields)  # type: ignore[arg-type]
    return replace(PLAN, tasks=tuple(tasks))


def with_buffer(index: int, **fields: object) -> Plan:
    buffers: list[Buffer] = list(PLAN.buffers)
    buffers[index] = replace(buffers[index], **fields)  # type: ignore[arg-type]
    return replace(PLAN, buffers=tuple(buffers))


def test_plan_without_faults_is_valid_with_bound_of_hand_calculation() -> None:
    validate(GRAPH, PLAN)
    assert peak_lower_bound(GRAPH, PLAN) == 448
    assert PLAN.arena_bytes == 448


BROKEN: dict[str, tuple[Callable[[], Plan], str]] = {
    "a gap": (lambda: with_task(1, start=2, stop=2), r"nodes 1 to 1 are in no task; task 1 starts at 2"),
    "an overlap of nodes": (lambda: with_task(2, start=1), r"nodes 1 to 1 are in two tasks"),
    "an empty task": (lambda: with_task(0, stop=0), r"task 0 has no nodes"),
    "nodes at the end": (lambda: replace(PLAN, tasks=PLAN.tasks[:3]), r"stops at node 3; the graph has 4"),
    "no tasks": (lambda: replace(PLAN, tasks=()), r"has no tasks, but output 0 is value 4"),
    "a read of the future": (lambda: with_task(1, reads=(1, 3)), r"task 1 reads value 3, which no task before"),
    "a read left out": (lambda: with_task(3, reads=(3,)), r"node 3 .* needs value 1, which its task 3 neither"),
    "a needless read": (lambda: with_task(2, reads=(2, 1)), r"task 2 reads value 1, but none of its nodes"),
    "a read twice": (lambda: with_task(1, reads=(1, 1)), r"task 1 reads value 1 twice"),
    "a write twice": (lambda: with_task(1, writes=(2, 2)), r"task 1 writes value 2 twice"),
    "a foreign write": (lambda: with_task(1, writes=(2, 4)), r"task 1 writes value 4, which none of its nodes"),
    "a write left out": (lambda: with_task(3, writes=()), r"task 3 writes nothing"),
    "a kind that skips": (lambda: with_task(0, kind=1), r"task 0 is of kind 1; the next new kind is 0"),
    "kinds merged": (lambda: with_task(1, kind=0), r"tasks 0 and 1 are of kind 0, but have different finger"),
    "kinds split": (
        lambda: with_task(1, fingerprint=PLAN.tasks[0].fingerprint),
        r"kinds 0 and 1 have the same fingerprint",
    ),
    "different tasks of a kind": (
        lambda: with_task(1, kind=0, fingerprint=PLAN.tasks[0].fingerprint),
        r"tasks 0 and 1 of kind 0 differ at their node 0",
    ),
    "a buffer left out": (
        lambda: replace(PLAN, buffers=PLAN.buffers[1:]),
        r"value 1, which task 0 writes, has no buffer",
    ),
    "a buffer twice": (
        lambda: replace(PLAN, buffers=(*PLAN.buffers, PLAN.buffers[0])),
        r"value 1 has two buffers",
    ),
    "a buffer for nothing": (
        lambda: replace(PLAN, buffers=(*PLAN.buffers, Buffer(0, 4, 0, 3, 0))),
        r"value 0 has a buffer, but no task writes it",
    ),
    "a wrong size": (lambda: with_buffer(0, bytes=64), r"buffer of value 1 has 64 bytes; it needs 100"),
    "an early release": (
        lambda: with_buffer(0, last=2),
        r"value 1 is live from task 0 to 2; with reuse 'release' it must be from task 0 to 3",
    ),
    "a late birth": (lambda: with_buffer(0, first=1), r"value 1 is live from task 1 to 3; .* from task 0 to 3"),
    "a wrong peak": (lambda: replace(PLAN, peak_live_bytes=384), r"peak_live_bytes is given as 384; it is 448"),
    "an arena too small": (
        lambda: replace(PLAN, arena_bytes=384),
        r"arena of 384 bytes is smaller than the peak of 448 live bytes",
    ),
    "misaligned": (lambda: with_buffer(3, offset=8), r"value 4 starts at byte 8, which is not a multiple of .* 64"),
    "outside": (lambda: with_buffer(3, offset=448), r"value 4, bytes 448 to 547, is not inside .* of 448 bytes"),
    "before the start": (lambda: with_buffer(3, offset=-64), r"value 4, bytes -64 to 35, is not inside"),
    "wrong edges": (lambda: replace(PLAN, edges=5), r"edges is given as 5; counted, it is 4"),
    "wrong sum": (lambda: replace(PLAN, logical_bytes=1), r"logical_bytes is given as 1; counted, it is 464"),
    "wrong count": (lambda: replace(PLAN, physical_buffers=9), r"physical_buffers is given as 9; counted"),
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.values(), ids=BROKEN)
def test_plan_with_fault_is_refused_with_location(broken: Callable[[], Plan], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        validate(GRAPH, broken())


def test_plan_with_overlap_names_both_buffers_bytes_and_task() -> None:
    """Value 1 (100 bytes, tasks 0 to 3) and value 3 (64 bytes, tasks 2 to 3), both at byte 0."""
    graph = residual([100, 200, 64, 100])
    plan = make_plan(graph, PlanOptions("regions", "release"))
    offsets = {1: 0, 2: 128, 3: 64, 4: 128}
    plan = replace(plan, buffers=tuple(replace(b, offset=offsets[b.value]) for b in plan.buffers))
    message = (
        r"values 1 \(bytes 0 to 99, tasks 0 to 3\) and 3 \(bytes 64 to 127, tasks 2 to 3\) overlap: "
        r"bytes 64 to 99 hold both at task 2"
    )
    with pytest.raises(PlanError, match=message):
        validate(graph, plan)


def test_plan_with_keep_must_not_release() -> None:
    with pytest.raises(PlanError, match=r"value 2 is live from task 1 to 2; with reuse 'keep' .* task 1 to 3"):
        validate(GRAPH, replace(PLAN, options=PlanOptions("regions", "keep")))


def test_plan_with_output_from_no_task_is_refused() -> None:
    graph = chain([64, 64, 64])
    plan = make_plan(graph, PlanOptions("whole"))
    with pytest.raises(PlanError, match="output 1 of the program is value 2, which no task writes"):
        validate(replace(graph, outputs=(3, 2)), plan)


def test_plan_with_unneeded_write_is_refused() -> None:
    graph = chain([64, 64])
    plan = make_plan(replace(graph, outputs=(1, 2)), PlanOptions("whole"))
    with pytest.raises(PlanError, match="task 0 writes value 1, which no other task or output needs"):
        validate(graph, plan)


def swapped_reads(plan: Plan) -> Plan:
    first, second = plan.tasks
    return replace(plan, tasks=(first, replace(second, reads=second.reads[::-1])))


def test_plan_with_other_argument_order_within_kind_is_refused() -> None:
    graph = two_layers()
    with pytest.raises(PlanError, match="tasks 0 and 1 of kind 0 take different values, or in another order"):
        validate(graph, swapped_reads(make_plan(graph, PlanOptions("regions"))))


@pytest.mark.parametrize(
    "change",
    [
        lambda g: with_node(g, 4, "relu(%0, [s27, 9])", g.nodes[4].reads),
        lambda g: with_node(g, 5, "add(%0, %1)", (7, 7)),
        lambda g: replace(g, values=(*g.values[:7], Value(256, "intermediate", "f32[s4, 8]"), *g.values[8:])),
        lambda g: replace(g, values=(*g.values[:2], Value(256, "input", "f32[8, 8]"), *g.values[3:])),
        lambda g: replace(g, values=(*g.values[:7], Value(64, "intermediate", "f32[s27, 8]"), *g.values[8:])),
        lambda g: replace(g, values=(*g.values[:2], Value(256, "parameter", "f32[8, 8]", "b"), *g.values[3:])),
    ],
    ids=["argument", "flow", "symbols", "parameter", "bytes", "constant"],
)
def test_plan_with_wrong_fingerprint_is_found_by_comparing_tasks(change: Callable[[Graph], Graph]) -> None:
    graph = change(two_layers())
    plan = make_plan(graph, PlanOptions("regions"))
    first, second = plan.tasks
    merged = replace(second, kind=0, fingerprint=first.fingerprint)
    with pytest.raises(PlanError, match="tasks 0 and 1 of kind 0 differ at their node"):
        validate(graph, replace(plan, tasks=(first, merged)))


def with_node(graph: Graph, place: int, operation: str, reads: tuple[int, ...]) -> Graph:
    node = Node(operation, reads, graph.nodes[place].writes, graph.nodes[place].region)
    return replace(graph, nodes=(*graph.nodes[:place], node, *graph.nodes[place + 1 :]))


@given(graphs(), st.data())
@settings(max_examples=60, deadline=None)
def test_plan_with_buffer_moved_onto_live_one_is_always_refused(graph: Graph, data: st.DataObject) -> None:
    plan = make_plan(graph, PlanOptions("regions", "release"))
    pairs = [
        (a, b)
        for a, one in enumerate(plan.buffers)
        for b, two in enumerate(plan.buffers)
        if a != b and one.bytes and two.bytes and one.first <= two.last and two.first <= one.last
    ]
    assume(pairs)
    a, b = data.draw(st.sampled_from(pairs))
    moved = list(plan.buffers)
    moved[a] = replace(moved[a], offset=moved[b].offset)
    with pytest.raises(PlanError, match=r"overlap|is not inside"):
        validate(graph, replace(plan, buffers=tuple(moved)))
