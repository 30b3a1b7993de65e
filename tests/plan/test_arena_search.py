from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from ablatrix.plan.arena_placement import Request, arena_bytes, loads, place_by_time
from ablatrix.plan.arena_search import allocate
from ablatrix.plan.liveness import live_bytes, live_ranges, peak_live_bytes
from ablatrix.plan.partition import partition
from tests.plan.programs import chain, residual

requests = st.lists(
    st.builds(
        lambda size, first, span: Request(size, first, first + span),
        st.integers(0, 12).map(lambda units: 50 * units),
        st.integers(0, 30),
        st.integers(0, 12),
    ),
    max_size=40,
)


def clash(items: list[Request], offsets: tuple[int, ...]) -> bool:
    """Compare every pair, from the definition."""
    return any(
        a.first <= b.last and b.first <= a.last and x < y + b.bytes and y < x + a.bytes and a.bytes and b.bytes
        for (a, x), (b, y) in combinations(zip(items, offsets, strict=True), 2)
    )


def test_release_on_chain_frees_each_value_after_its_reader() -> None:
    """Values of 100, 200, 100 bytes take 128, 256, 128; live at the tasks: 128, 128 + 256, 256 + 128."""
    graph = chain([100, 200, 100])
    tasks = partition(graph, "regions")
    ranges = live_ranges(graph, tasks, "release")
    assert [(r.value, r.bytes, r.first, r.last) for r in ranges] == [(1, 100, 0, 1), (2, 200, 1, 2), (3, 100, 2, 2)]
    assert live_bytes(ranges, 3, 64) == [128, 384, 384]
    assert peak_live_bytes(ranges, 3, 64) == 384
    assert peak_live_bytes(ranges, 3, 1) == 300


def test_keep_holds_everything_to_last_task() -> None:
    graph = chain([100, 200, 100])
    ranges = live_ranges(graph, partition(graph, "regions"), "keep")
    assert [(r.first, r.last) for r in ranges] == [(0, 2), (1, 2), (2, 2)]


def test_residual_connection_keeps_value_until_added() -> None:
    graph = residual([64, 64, 64, 64])
    ranges = live_ranges(graph, partition(graph, "regions"), "release")
    assert [(r.first, r.last) for r in ranges] == [(0, 3), (1, 2), (2, 3), (3, 3)]


def test_offsets_of_chain_alternate() -> None:
    assert allocate([Request(64, 0, 1), Request(128, 1, 2), Request(64, 2, 3)], 64) == (0, 64, 0)


def test_requests_that_are_none_or_empty_take_no_space() -> None:
    assert allocate([], 64) == ()
    assert allocate([Request(0, 0, 3), Request(0, 0, 0)], 64) == (0, 0)


def test_search_beats_allocation_in_time_order() -> None:
    """By time, A and B leave a hole of 128 that is too small for D of 192 bytes, while B still lives.

    A 128 [0, 1], B 64 [0, 3], C 64 [2, 3], D 192 [2, 3]: the peak live bytes are 320 at task 2, which is possible only
    when B does not lie in the middle.
    """
    items = [Request(128, 0, 1), Request(64, 0, 3), Request(64, 2, 3), Request(192, 2, 3)]
    assert arena_bytes(items, place_by_time(items)) > max(loads(items)) == 320
    assert arena_bytes(items, allocate(items, 64)) == 320


@given(requests, st.sampled_from([1, 64, 256]))
@settings(max_examples=60, deadline=None)
def test_live_requests_never_overlap(items: list[Request], alignment: int) -> None:
    offsets = allocate(items, alignment)
    assert not clash(items, offsets)
    assert all(offset >= 0 and offset % alignment == 0 for offset in offsets)


@given(requests)
@settings(max_examples=40, deadline=None)
def test_small_problems_come_close_to_peak_live_bytes(items: list[Request]) -> None:
    aligned = [item._replace(bytes=-(-item.bytes // 64) * 64) for item in items]
    assert arena_bytes(aligned, allocate(items, 64)) <= 1.25 * max(loads(aligned), default=0)


def test_dense_problem_falls_back_to_one_sweep_and_stays_valid() -> None:
    items = [Request(64 * (1 + place * 7 % 11), place, min(1999, place + 900 + place % 3)) for place in range(2000)]
    offsets = allocate(items, 64)
    assert not clash(items[::13], offsets[::13])
    assert arena_bytes(items, offsets) <= 1.2 * max(loads(items))


def test_allocation_when_repeated_is_same() -> None:
    items = [Request(64 * (1 + place * place % 17), place, place + 1 + place * 5 % 9) for place in range(300)]
    assert allocate(items, 64) == allocate(items, 64)
