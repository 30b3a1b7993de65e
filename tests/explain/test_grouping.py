"""Kernels of two configurations are compared in the smallest sets of nodes that both have."""

from ablatrix.compilers.profiling import ProfiledKernel
from ablatrix.explain.grouping import Group, group_kernels


def kernel(*nodes: int, name: str = "k") -> ProfiledKernel:
    return ProfiledKernel(name=name, nodes=nodes)


def test_grouping_fused_kernel_takes_the_kernels_of_its_nodes() -> None:
    groups = group_kernels([kernel(0), kernel(1), kernel(2)], [kernel(0, 1), kernel(2)])
    assert groups == [Group(nodes=(0, 1), a=(0, 1), b=(0,)), Group(nodes=(2,), a=(2,), b=(1,))]


def test_grouping_overlapping_chain_is_one_group() -> None:
    groups = group_kernels([kernel(0, 1), kernel(2, 3)], [kernel(1, 2), kernel(4)])
    assert groups == [Group(nodes=(0, 1, 2, 3), a=(0, 1), b=(0,)), Group(nodes=(4,), a=(), b=(1,))]


def test_grouping_kernels_without_nodes_are_one_group_at_the_end() -> None:
    groups = group_kernels([kernel(), kernel(0)], [kernel(0), kernel()])
    assert groups == [Group(nodes=(0,), a=(1,), b=(0,)), Group(nodes=(), a=(0,), b=(1,))]


def test_grouping_shared_view_joins_no_kernels_that_compute() -> None:
    groups = group_kernels([kernel(0, 1), kernel(1, 2)], [kernel(0), kernel(2)], free=[1])
    assert groups == [Group(nodes=(0, 1), a=(0,), b=(0,)), Group(nodes=(1, 2), a=(1,), b=(1,))]


def test_grouping_kernel_of_views_alone_keeps_its_node() -> None:
    groups = group_kernels([kernel(0), kernel(1)], [kernel(0)], free=[1])
    assert groups == [Group(nodes=(0,), a=(0,), b=(0,)), Group(nodes=(1,), a=(1,), b=())]
