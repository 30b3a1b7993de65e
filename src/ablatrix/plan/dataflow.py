"""Check that the tasks pass each other what they need. Part of the checker; shares no code with the partition."""

from ablatrix.errors import PlanError
from ablatrix.plan.graph import Graph
from ablatrix.plan.plan import Plan, Task


def check_cover(graph: Graph, plan: Plan) -> None:
    """Check that the tasks cover all nodes, once and in order; without tasks, that no node is needed.

    Raises:
        PlanError: Names the nodes that are omitted or covered twice.
    """
    if not plan.tasks:
        for index, value in enumerate(graph.outputs):
            if graph.values[value].kind == "intermediate":
                raise PlanError(f"plan: has no tasks, but output {index} is value {value}, which a node makes")
        return
    expected = 0
    for index, task in enumerate(plan.tasks):
        if task.start != expected:
            what = "are in no task" if task.start > expected else "are in two tasks"
            low, high = sorted((task.start, expected))
            raise PlanError(f"plan: nodes {low} to {high - 1} {what}; task {index} starts at {task.start}")
        if task.stop <= task.start:
            raise PlanError(f"plan: task {index} has no nodes ({task.start} to {task.stop})")
        expected = task.stop
    if expected != len(graph.nodes):
        raise PlanError(f"plan: the last task stops at node {expected}; the graph has {len(graph.nodes)} nodes")


def check_flow(graph: Graph, plan: Plan) -> None:
    """Check that every value is written before it is read, and that every value that is written is needed.

    Raises:
        PlanError: Names the task, node or output and the value in question.
    """
    available = {index for index, value in enumerate(graph.values) if value.kind != "intermediate"}
    needed = set(graph.outputs)
    for index, task in enumerate(plan.tasks):
        for value in task.reads:
            if value not in available:
                raise PlanError(f"plan: task {index} reads value {value}, which no task before it writes")
        _check_task(graph, index, task)
        available.update(task.writes)
        needed.update(task.reads)
    for index, value in enumerate(graph.outputs):
        if value not in available:
            raise PlanError(f"plan: output {index} of the program is value {value}, which no task writes")
    for index, task in enumerate(plan.tasks):
        for value in task.writes:
            if value not in needed:
                raise PlanError(f"plan: task {index} writes value {value}, which no other task or output needs")


def _check_task(graph: Graph, index: int, task: Task) -> None:
    """Check one task against its nodes: it reads exactly what they need, and writes only what they make."""
    reads, local, used = set(task.reads), set[int](), set[int]()
    for position in range(task.start, task.stop):
        node = graph.nodes[position]
        used.update(set(node.reads) - local)
        for value in node.reads:
            if value not in local and value not in reads:
                raise PlanError(
                    f"plan: node {position} ({node.operation}) needs value {value}, which its task {index} "
                    "neither reads nor makes"
                )
        local.update(node.writes)
    for value in task.reads:
        if value not in used:
            raise PlanError(f"plan: task {index} reads value {value}, but none of its nodes needs it")
    for value in task.writes:
        if value not in local:
            raise PlanError(f"plan: task {index} writes value {value}, which none of its nodes makes")
    if not task.writes:
        raise PlanError(f"plan: task {index} writes nothing; every task makes something that is needed")
    for name, values in (("reads", task.reads), ("writes", task.writes)):
        if len(set(values)) != len(values):
            twice = next(value for value in values if values.count(value) > 1)
            raise PlanError(f"plan: task {index} {name} value {twice} twice")
