"""An independent checker of plans: it shares no code with the search and derives each fact by other means."""

from bisect import bisect_left, insort
from itertools import pairwise

from ablatrix.errors import PlanError
from ablatrix.plan.dataflow import check_cover, check_flow
from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Buffer, Plan
from ablatrix.plan.sameness import check_kinds


def validate(graph: Graph, plan: Plan) -> None:
    """Check that the plan's tasks, run in its arena, compute the graph's outputs, and that its figures hold.

    Rules, in this order: tasks cover all nodes; each task reads exactly what it needs, and that is available;
    outputs and everything else that is needed is written; tasks of one kind are the same program; each
    value between tasks has one buffer with its size and its live range; the arena is not below the lower
    bound; offsets are aligned and inside the arena; no two buffers overlap in both bytes and time; the
    figures are right.

    Raises:
        PlanError: The first rule that does not hold, with the tasks, values, buffers and bytes in question.
    """
    check_cover(graph, plan)
    check_flow(graph, plan)
    check_kinds(graph, plan)
    _check_buffers(graph, plan)
    bound = peak_lower_bound(graph, plan)
    if plan.peak_live_bytes != bound:
        raise PlanError(f"plan: peak_live_bytes is given as {plan.peak_live_bytes}; it is {bound}")
    if plan.arena_bytes < bound:
        raise PlanError(
            f"plan: the arena of {plan.arena_bytes} bytes is smaller than the peak of {bound} live bytes, "
            "which no arena can be"
        )
    _check_offsets(plan)
    _check_overlaps(plan)
    _check_figures(plan)


def peak_lower_bound(graph: Graph, plan: Plan) -> int:
    """Return the largest sum of aligned sizes of values that must exist at the same time at one task.

    A value must exist from the task that makes it to the last one that reads it, or to the end when the
    program returns it, whatever the plan's ``reuse``. Derived from the nodes, not from the plan's buffers, by
    a sweep over events ``(moment, change in bytes)``; at one moment, releases come before allocations.
    """
    alignment = plan.options.alignment
    end = len(plan.tasks)
    born: dict[int, int] = {}
    dies: dict[int, int] = {}
    for moment, task in enumerate(plan.tasks):
        for node in graph.nodes[task.start : task.stop]:
            for value in node.reads:
                if value in born:
                    dies[value] = moment + 1
            for value in node.writes:
                born[value] = moment
    returned = {value for value in graph.outputs if value in born}
    dies.update(dict.fromkeys(returned, end))
    events: list[tuple[int, int]] = []
    for value, death in dies.items():
        size = graph.values[value].bytes
        if size and (value in returned or death > born[value] + 1):
            aligned = size + (-size) % alignment
            events += [(born[value], aligned), (death, -aligned)]
    now = peak = 0
    for _, change in sorted(events):
        now += change
        peak = max(peak, now)
    return peak


def _check_buffers(graph: Graph, plan: Plan) -> None:
    returned = set(graph.outputs)
    by_value: dict[int, Buffer] = {}
    for buffer in plan.buffers:
        if buffer.value in by_value:
            raise PlanError(f"plan: value {buffer.value} has two buffers")
        by_value[buffer.value] = buffer
    end = len(plan.tasks) - 1
    readers: dict[int, list[int]] = {}
    for index, task in enumerate(plan.tasks):
        for value in task.reads:
            readers.setdefault(value, []).append(index)
    for index, task in enumerate(plan.tasks):
        for value in task.writes:
            found = by_value.pop(value, None)
            if found is None:
                raise PlanError(f"plan: value {value}, which task {index} writes, has no buffer")
            size = graph.values[value].bytes
            if found.bytes != size:
                raise PlanError(f"plan: the buffer of value {value} has {found.bytes} bytes; it needs {size}")
            stays = plan.options.reuse == "keep" or value in returned
            last = end if stays else readers[value][-1]
            if (found.first, found.last) != (index, last):
                raise PlanError(
                    f"plan: the buffer of value {value} is live from task {found.first} to {found.last}; "
                    f"with reuse '{plan.options.reuse}' it must be from task {index} to {last}"
                )
    for value in by_value:
        raise PlanError(f"plan: value {value} has a buffer, but no task writes it")


def _check_offsets(plan: Plan) -> None:
    for buffer in plan.buffers:
        if buffer.offset % plan.options.alignment:
            raise PlanError(
                f"plan: the buffer of value {buffer.value} starts at byte {buffer.offset}, which is not a "
                f"multiple of the alignment {plan.options.alignment}"
            )
        if buffer.offset < 0 or buffer.offset + buffer.bytes > plan.arena_bytes:
            raise PlanError(
                f"plan: the buffer of value {buffer.value}, bytes {_bytes(buffer)}, is not inside the arena "
                f"of {plan.arena_bytes} bytes"
            )


def _check_overlaps(plan: Plan) -> None:
    """Sweep over tasks. Live buffers do not overlap each other, so a new one can only overlap its two neighbours."""
    live: list[tuple[int, int]] = []  # (offset, index in buffers), sorted
    buffers = [buffer for buffer in plan.buffers if buffer.bytes]
    moments = [(b.first, 1, index) for index, b in enumerate(buffers)]
    moments += [(b.last + 1, 0, index) for index, b in enumerate(buffers)]
    for _, starts, index in sorted(moments):
        entry = (buffers[index].offset, index)
        if not starts:
            live.pop(bisect_left(live, entry))
            continue
        at = bisect_left(live, entry)
        insort(live, entry)
        for (_, low), (_, high) in pairwise(live[max(at - 1, 0) : at + 2]):
            a, b = buffers[low], buffers[high]
            if a.offset + a.bytes > b.offset:
                raise PlanError(
                    f"plan: the buffers of values {a.value} (bytes {_bytes(a)}, tasks {a.first} to {a.last}) "
                    f"and {b.value} (bytes {_bytes(b)}, tasks {b.first} to {b.last}) overlap: bytes "
                    f"{b.offset} to {min(a.offset + a.bytes, b.offset + b.bytes) - 1} hold both at task "
                    f"{max(a.first, b.first)}"
                )


def _bytes(buffer: Buffer) -> str:
    return f"{buffer.offset} to {buffer.offset + buffer.bytes - 1}"


def _check_figures(plan: Plan) -> None:
    home = {value: index for index, task in enumerate(plan.tasks) for value in task.writes}
    pairs = {(home[v], index) for index, task in enumerate(plan.tasks) for v in task.reads if v in home}
    figures = {
        "edges": (plan.edges, len(pairs)),
        "logical_bytes": (plan.logical_bytes, sum(buffer.bytes for buffer in plan.buffers)),
        "physical_buffers": (plan.physical_buffers, len({buffer.offset for buffer in plan.buffers})),
    }
    for name, (stated, counted) in figures.items():
        if stated != counted:
            raise PlanError(f"plan: {name} is given as {stated}; counted, it is {counted}")
