"""Placements of requests in an arena: the constructive steps that the search for storage repeats."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple


class Request(NamedTuple):
    """A buffer to place: its size, and the first and last moment (inclusive) of its life."""

    bytes: int
    first: int
    last: int


def loads(items: Sequence[Request]) -> list[int]:
    """Return the bytes that are live at each moment."""
    change = [0] * (max((item.last for item in items), default=-1) + 2)
    for item in items:
        change[item.first] += item.bytes
        change[item.last + 1] -= item.bytes
    return list(accumulate(change))[:-1]


def arena_bytes(items: Sequence[Request], offsets: Sequence[int]) -> int:
    """Return the end of the highest item."""
    return max((offset + item.bytes for item, offset in zip(items, offsets, strict=True)), default=0)


def find_neighbours(items: Sequence[Request], max_pairs: int) -> list[list[int]] | None:
    """Return each item's neighbours, those live at the same moment; None when there are too many pairs."""
    order = sorted(range(len(items)), key=lambda index: items[index].first)
    starts = [items[index].first for index in order]
    # Of those that start later, just the ones that start within an item's life are its neighbours.
    stops = [bisect_right(starts, items[index].last) for index in order]
    if sum(stop - position - 1 for position, stop in enumerate(stops)) > max_pairs:
        return None
    neighbours: list[list[int]] = [[] for _ in items]
    for position, (index, stop) in enumerate(zip(order, stops, strict=True)):
        later = order[position + 1 : stop]
        neighbours[index] += later
        for other in later:
            neighbours[other].append(index)
    return neighbours


def list_ranks(items: Sequence[Request]) -> list[list[int]]:
    """Return fixed orders in which to place, as each item's rank: early, contended, large, long first.

    *Contention* of an item is the largest load during its life.
    """
    load = loads(items)
    contention = [max(load[item.first : item.last + 1]) for item in items]
    span = [item.last - item.first + 1 for item in items]
    size = [item.bytes for item in items]
    keys: list[list[tuple[int, ...]]] = [
        [(item.first, -item.bytes) for item in items],
        [(-c, -s * t) for c, s, t in zip(contention, size, span, strict=True)],
        [(-c, -s, -t) for c, s, t in zip(contention, size, span, strict=True)],
        [(-s, -t) for s, t in zip(size, span, strict=True)],
        [(-t, -s) for s, t in zip(size, span, strict=True)],
        [(-s * t,) for s, t in zip(size, span, strict=True)],
    ]
    by_start = sorted(range(len(items)), key=lambda index: items[index].first)
    ranks = []
    for key in keys:
        rank = [0] * len(items)
        for position, index in enumerate(sorted(by_start, key=key.__getitem__)):
            rank[index] = position
        ranks.append(rank)
    return ranks


def place_first_fit(
    items: Sequence[Request],
    neighbours: Sequence[Sequence[int]],
    order: Iterable[int],
    placed: Sequence[int],
) -> list[int]:
    """Return offsets: in the given order, each at the lowest offset that is free during its whole life.

    ``placed`` holds the offsets of what is not moved, and -1 for the items of ``order``.
    """
    offsets = list(placed)
    for index in order:
        size = items[index].bytes
        lowest = 0
        obstacles = [(offsets[other], other) for other in neighbours[index] if offsets[other] >= 0]
        for start, other in sorted(obstacles):
            if start - lowest >= size:
                break
            lowest = max(lowest, start + items[other].bytes)
        offsets[index] = lowest
    return offsets


def place_touching(
    items: Sequence[Request],
    neighbours: Sequence[Sequence[int]],
    order: Iterable[int],
    placed: Sequence[int],
    capacity: int,
) -> list[int]:
    """Return offsets: in the given order, each at one end of the smallest gap that is free during its whole life.

    It goes to the end where it touches what is beside it for longer (floor and ceiling: for ever), so that what
    becomes free later is free in one piece: the touching perimeter rule of two-dimensional packing (Lodi, Martello
    and Vigo, INFORMS J. Computing 1999), here with time as one side. Without a gap below ``capacity`` it goes on
    top. ``placed`` is as in `place_first_fit`.
    """
    offsets = list(placed)
    forever = max((item.last for item in items), default=0) + 1
    for index in order:
        size, first, last = items[index]
        obstacles = [(offsets[other], other) for other in neighbours[index] if offsets[other] >= 0]
        obstacles.sort()
        floor, below = 0, forever
        chosen, smallest = -1, capacity + 1
        for start, other in obstacles:
            _, begin, end = items[other]
            beside = min(last, end) - max(first, begin)
            if size <= start - floor < smallest and start <= capacity:
                smallest = start - floor
                chosen = floor if below >= beside else start - size
            top = start + items[other].bytes
            if top > floor:
                floor, below = top, beside
        if size <= capacity - floor < smallest:
            chosen = floor if below >= forever else capacity - size
        offsets[index] = chosen if chosen >= 0 else floor
    return offsets


def place_by_time(items: Sequence[Request]) -> list[int]:
    """Place in order of time, large first at one moment, each in the smallest free block that holds it."""
    offsets = [0] * len(items)
    blocks = _FreeBlocks()
    starting = sorted(range(len(items)), key=lambda index: (items[index].first, -items[index].bytes))
    ending = sorted(range(len(items)), key=lambda index: items[index].last)
    released = 0
    for index in starting:
        while items[ending[released]].last < items[index].first:
            gone = ending[released]
            blocks.give(offsets[gone], offsets[gone] + items[gone].bytes)
            released += 1
        offsets[index] = blocks.take(items[index].bytes)
    return offsets


class _FreeBlocks:
    """The free blocks of an arena that grows at its end. Free neighbours are always merged."""

    def __init__(self) -> None:
        self._by_size: list[tuple[int, int]] = []  # (bytes, start), sorted
        self._ends: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._top = 0

    def take(self, size: int) -> int:
        """Return the start of ``size`` bytes, in the smallest block that holds them or at the end."""
        fit = bisect_left(self._by_size, (size, 0))
        if fit < len(self._by_size):
            start = self._by_size[fit][1]
            end = self._remove(start)
            if start + size < end:
                self._add(start + size, end)
            return start
        start = self._starts.get(self._top, self._top)
        if start < self._top:
            self._remove(start)
        self._top = start + size
        return start

    def give(self, start: int, end: int) -> None:
        """Make a block free again."""
        if end in self._ends:
            end = self._remove(end)
        if start in self._starts:
            start = self._starts[start]
            self._remove(start)
        self._add(start, end)

    def _add(self, start: int, end: int) -> None:
        self._ends[start], self._starts[end] = end, start
        insort(self._by_size, (end - start, start))

    def _remove(self, start: int) -> int:
        end = self._ends.pop(start)
        del self._starts[end]
        self._by_size.pop(bisect_left(self._by_size, (end - start, start)))
        return end
