"""Which nodes a kernel computes follows from the values that the optimised and the source graph share."""

from ablatrix.compilers.profiling import Executed, SourceValue, claims_by_dataflow
from ablatrix.compilers.profiling.marks import TaskGraph, mark_of, marks_in

# x -> a (node 0) -> b (node 1) -> c (node 2), and d (node 3) of b
SOURCE = {
    "a": SourceValue(nodes=frozenset({0}), reads=("x",)),
    "b": SourceValue(nodes=frozenset({1}), reads=("a",)),
    "c": SourceValue(nodes=frozenset({2}), reads=("b",)),
    "d": SourceValue(nodes=frozenset({3}), reads=("b",)),
}


def executed(writes: str, reads: str) -> Executed:
    return Executed(writes=tuple(writes.split()), reads=tuple(reads.split()))


def test_claims_fused_kernel_takes_what_leads_to_its_value() -> None:
    assert claims_by_dataflow([executed("b", "x"), executed("c", "b")], SOURCE) == [{0, 1}, {2}]


def test_claims_kernel_of_an_unknown_value_belongs_to_its_reader() -> None:
    kernels = [executed("cut", "x"), executed("a", "cut"), executed("b", "a")]
    assert claims_by_dataflow(kernels, SOURCE) == [{0}, {0}, {1}]


def test_claims_value_that_two_recompute_is_in_both() -> None:
    assert claims_by_dataflow([executed("c", "x"), executed("d", "x")], SOURCE) == [{0, 1, 2}, {0, 1, 3}]


def test_claims_unknown_value_that_nobody_reads_is_none() -> None:
    assert claims_by_dataflow([executed("other", "x")], SOURCE) == [frozenset()]


def test_marks_of_several_nodes_are_read_back() -> None:
    assert marks_in(f"jit(run)/{mark_of(3)}/{mark_of(12)}1/dot") == {3, 12}


def test_task_graph_between_finds_lost_nodes_on_the_way_alone() -> None:
    # 0 -> 1 -> 2 -> 3, and 4 of 0
    graph = TaskGraph(
        [frozenset(), frozenset({0}), frozenset({1}), frozenset({2}), frozenset({0})], frozenset(range(5))
    )
    assert graph.between({0}, {3}, {1, 2, 4}) == {1, 2}
