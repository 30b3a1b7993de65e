"""Storage: live ranges to offsets in one arena that is close to the live peak.

The problem is dynamic storage allocation, which is NP-hard. Three steps, each of which ends the search as
soon as the arena is as small as the live peak, below which none can be:

1. *Sweep*: place in order of time, best fit among the free blocks; forwards and backwards. Fast at any
   density, and already optimal for plain chains and for buffers that all live to the end.
2. *Orders*: place in several fixed orders (contended, large, long first), each at the lowest offset that is
   free during its live range.
3. *Squeaky wheel* (Joslin and Clements, JAIR 1999): whatever ended above the live peak moves towards the
   front of its order, and all are placed again.

The budget counts steps, not time, so that the same program has the same plan on every machine.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from ablatrix.plan.liveness import align_up

STEP_BUDGET = 4_000_000
"""Pairs of buffers that the search may look at, in all (about a second of one core)."""
ROUNDS = 40
"""Placements of one order with one pull, before the next is tried."""
PULLS = (0.5, 0.25, 0.0)
"""Place in the order of a buffer that squeaks, as a share of its place before: 0 is straight to the front."""


class Request(NamedTuple):
    """A buffer to place: its size, and the first and last moment (inclusive) of its life."""

    bytes: int
    first: int
    last: int


def allocate(requests: Sequence[Request], alignment: int) -> tuple[int, ...]:
    """Return an offset for each request, a multiple of ``alignment``; no two overlap in both time and bytes.

    Sizes are rounded up to the alignment. A request of no bytes takes no place and has offset 0.

    Example: sizes 64, 128, 64 living [0, 1], [1, 2], [2, 3]: the third may take the first one's place, so
    that the offsets are 0, 64, 0 and the arena has 192 bytes, the live peak.
    """
    sized = [index for index, request in enumerate(requests) if request.bytes]
    items = [requests[index]._replace(bytes=align_up(requests[index].bytes, alignment)) for index in sized]
    offsets = [0] * len(requests)
    for index, offset in zip(sized, _search(items), strict=True):
        offsets[index] = offset
    return tuple(offsets)


def _search(items: Sequence[Request]) -> list[int]:
    loads = _loads(items)
    bound = max(loads, default=0)
    best: list[int] = []
    smallest = None
    for offsets in _candidates(items, loads, bound):
        arena = _arena(items, offsets)
        if smallest is None or arena < smallest:
            best, smallest = offsets, arena
        if arena == bound:
            break
    return best


def _candidates(items: Sequence[Request], loads: Sequence[int], bound: int) -> Iterator[list[int]]:
    """Yield placements, the cheap ones first, until the budget is spent."""
    yield _sweep(items)
    end = len(loads) - 1
    yield _sweep([Request(item.bytes, end - item.last, end - item.first) for item in items])
    by_start = sorted(range(len(items)), key=lambda index: items[index].first)
    starts = [items[index].first for index in by_start]
    # All that start within the life of one that started before it overlap it in time, and nothing else does.
    stops = [bisect_right(starts, items[index].last) for index in by_start]
    pairs = sum(stop - position - 1 for position, stop in enumerate(stops))
    round_cost = 2 * pairs + 4 * len(items)
    budget = STEP_BUDGET // round_cost
    if budget == 0:
        return
    neighbours: list[list[int]] = [[] for _ in items]
    for position, (index, stop) in enumerate(zip(by_start, stops, strict=True)):
        later = by_start[position + 1 : stop]
        neighbours[index] += later
        for other in later:
            neighbours[other].append(index)

    screened: list[tuple[int, int, list[int], list[int]]] = []
    for number, order in enumerate(_orders(items, loads)[:budget]):
        offsets = _first_fit(items, neighbours, order)
        yield offsets
        screened.append((_arena(items, offsets), number, order, offsets))
    budget -= len(screened)
    screened.sort()
    for pull in PULLS:
        for _, _, start_order, start_offsets in screened:
            order, offsets = start_order, start_offsets
            for _ in range(min(ROUNDS, budget)):
                order = _pull_forward(items, order, offsets, bound, pull)
                offsets = _first_fit(items, neighbours, order)
                budget -= 1
                yield offsets


def _loads(items: Sequence[Request]) -> list[int]:
    """Bytes that are live at each moment."""
    change = [0] * (max((item.last for item in items), default=-1) + 2)
    for item in items:
        change[item.first] += item.bytes
        change[item.last + 1] -= item.bytes
    return list(accumulate(change))[:-1]


def _arena(items: Sequence[Request], offsets: Sequence[int]) -> int:
    return max((offset + item.bytes for item, offset in zip(items, offsets, strict=True)), default=0)


def _orders(items: Sequence[Request], loads: Sequence[int]) -> list[list[int]]:
    """Fixed orders of placement. *Contention* of a buffer is the largest load during its life."""
    contention = [max(loads[item.first : item.last + 1]) for item in items]
    span = [item.last - item.first + 1 for item in items]
    size = [item.bytes for item in items]
    keys: list[list[tuple[int, ...]]] = [
        [(-c, -s * t) for c, s, t in zip(contention, size, span, strict=True)],
        [(-c, -s, -t) for c, s, t in zip(contention, size, span, strict=True)],
        [(-s, -t) for s, t in zip(size, span, strict=True)],
        [(-t, -s) for s, t in zip(size, span, strict=True)],
        [(-s * t,) for s, t in zip(size, span, strict=True)],
    ]
    by_start = sorted(range(len(items)), key=lambda index: items[index].first)
    return [sorted(by_start, key=key.__getitem__) for key in keys]


def _pull_forward(
    items: Sequence[Request], order: Sequence[int], offsets: Sequence[int], bound: int, pull: float
) -> list[int]:
    """Return the order with everything that ends above the bound moved towards the front."""
    place = [0.0] * len(items)
    for position, index in enumerate(order):
        squeaks = offsets[index] + items[index].bytes > bound
        place[index] = position * pull - 0.5 if squeaks else position
    return sorted(order, key=place.__getitem__)


def _first_fit(
    items: Sequence[Request], neighbours: Sequence[Sequence[int]], order: Sequence[int]
) -> list[int]:
    """Place in the given order, each at the lowest offset that is free during its whole life."""
    offsets = [0] * len(items)
    ends = [0] * len(items)
    for index in order:
        size = items[index].bytes
        offset = 0
        for start, end in sorted((offsets[other], ends[other]) for other in neighbours[index] if ends[other]):
            if start - offset >= size:
                break
            offset = max(offset, end)
        offsets[index] = offset
        ends[index] = offset + size
    return offsets


def _sweep(items: Sequence[Request]) -> list[int]:
    """Place in order of time (large first at one moment), each in the smallest free block that holds it."""
    offsets = [0] * len(items)
    free_by_size: list[tuple[int, int]] = []  # (bytes, start), sorted
    free_from: dict[int, int] = {}  # start -> end
    free_to: dict[int, int] = {}  # end -> start
    top = 0

    def take(start: int) -> int:
        end = free_from.pop(start)
        del free_to[end]
        free_by_size.pop(bisect_left(free_by_size, (end - start, start)))
        return end

    def give(start: int, end: int) -> None:
        if end in free_from:
            end = take(end)
        if start in free_to:
            start = free_to[start]
            take(start)
        free_from[start], free_to[end] = end, start
        insort(free_by_size, (end - start, start))

    starting = sorted(range(len(items)), key=lambda index: (items[index].first, -items[index].bytes))
    ending = sorted(range(len(items)), key=lambda index: items[index].last)
    released = 0
    for index in starting:
        item = items[index]
        while items[ending[released]].last < item.first:
            gone = ending[released]
            give(offsets[gone], offsets[gone] + items[gone].bytes)
            released += 1
        fit = bisect_left(free_by_size, (item.bytes, 0))
        if fit < len(free_by_size):
            start = free_by_size[fit][1]
            end = take(start)
        else:  # the last block grows, when it is free
            start = free_to.get(top, top)
            if start < top:
                take(start)
            end = top = start + item.bytes
        offsets[index] = start
        if start + item.bytes < end:
            give(start + item.bytes, end)
    return offsets
