"""The planner: from a graph and options to a plan. Pure: the same input has the same plan on every machine."""

from dataclasses import asdict

from ablatrix.canonical import content_id
from ablatrix.errors import PlanError
from ablatrix.plan.arena_placement import Request
from ablatrix.plan.arena_search import allocate
from ablatrix.plan.graph import Graph
from ablatrix.plan.liveness import align_up, live_ranges, peak_live_bytes
from ablatrix.plan.partition import partition
from ablatrix.plan.plan import Buffer, Plan, PlanOptions


def make_plan(graph: Graph, options: PlanOptions) -> Plan:
    """Cut a program into tasks and place the buffers between them in one arena.

    Example: a chain of three regions whose values have 100, 200 and 100 bytes, the last one returned. At
    alignment 64 they take 128, 256, 128; the peak live bytes are 384 (two values at task 1, and two at task 2). With
    ``release`` the third has the offset of the first, and the arena has 384 bytes; with ``keep`` nothing is shared, and
    the arena has 512.

    Raises:
        PlanError: The alignment is not a power of two, or the graph is not a program: a value is read before it
            is made, made twice or not at all, or an index is out of range.
    """
    if options.alignment < 1 or options.alignment & (options.alignment - 1):
        raise PlanError(f"plan options: alignment must be a power of two, at least 1; it is {options.alignment}")
    _check_graph(graph)
    tasks = partition(graph, options.partition)
    ranges = live_ranges(graph, tasks, options.reuse)
    offsets = allocate([Request(live.bytes, live.first, live.last) for live in ranges], options.alignment)
    buffers = tuple(
        Buffer(live.value, live.bytes, live.first, live.last, offset)
        for live, offset in zip(ranges, offsets, strict=True)
    )
    writer = {live.value: live.first for live in ranges}
    released = live_ranges(graph, tasks, "release")
    return Plan(
        options=options,
        tasks=tasks,
        buffers=buffers,
        edges=sum(len({writer[value] for value in task.reads if value in writer}) for task in tasks),
        logical_bytes=sum(live.bytes for live in ranges),
        arena_bytes=max((b.offset + align_up(b.bytes, options.alignment) for b in buffers), default=0),
        peak_live_bytes=peak_live_bytes(released, len(tasks), options.alignment),
        physical_buffers=len(set(offsets)),
    )


def plan_digest(plan: Plan) -> str:
    """Return the content id of everything in a plan: options, tasks, buffers and figures."""
    return content_id(asdict(plan))


def _check_graph(graph: Graph) -> None:
    """Refuse a graph that is not a program, before the partition relies on it."""
    count = len(graph.values)
    known = {index for index, value in enumerate(graph.values) if value.kind != "intermediate"}

    def check_known(index: int, reader: str) -> None:
        if not 0 <= index < count:
            raise PlanError(f"graph: {reader} reads value {index}; there are values 0 to {count - 1}")
        if index not in known:
            raise PlanError(
                f"graph: {reader} reads value {index}, an intermediate that no node before it makes; "
                "nodes must be in execution order"
            )

    for index, value in enumerate(graph.values):
        if value.bytes < 0:
            raise PlanError(f"graph: value {index} has {value.bytes} bytes; a size is at least 0")
    for position, node in enumerate(graph.nodes):
        for read in node.reads:
            check_known(read, f"node {position} ({node.operation})")
        for write in node.writes:
            if not 0 <= write < count or write in known:
                raise PlanError(
                    f"graph: node {position} ({node.operation}) makes value {write}, which is "
                    f"{'made already or comes from outside' if write in known else 'not in the graph'}; "
                    "each intermediate value is made once"
                )
            known.add(write)
    for index, output in enumerate(graph.outputs):
        check_known(output, f"output {index}")
