"""Storage: from live ranges to offsets in one arena whose size is close to the peak live bytes.

The problem is dynamic storage allocation, which is NP-hard. Four steps, each of which ends the search as soon
as the arena is as small as the peak live bytes, below which none can be:

1. *Sweep*: place in order of time, best fit among the free blocks; forwards and backwards. Fast at any
   density, and already optimal for plain chains and for buffers that all live to the end.
2. *Orders*: place in order of time, each where it touches its neighbours for longest, and in several other
   fixed orders (contended, large, long first), each at the lowest offset that is free during its live range.
3. *Squeaky wheel* (Joslin and Clements, JAIR 1999): whatever ended above the peak live bytes moves towards the
   front of its order, and all are placed again.
4. *Repair*: take out only what lives near a buffer that ends highest, and do steps 2 and 3 for that alone,
   around all others; accept what becomes lower. A wider neighbourhood follows when a narrow one does not help.

The budget counts steps, not time, so that the same program has the same plan on every machine.
"""

from collections.abc import Collection, Iterator, Sequence

from ablatrix.plan.arena_placement import (
    Request,
    arena_bytes,
    find_neighbours,
    list_ranks,
    loads,
    place_by_time,
    place_first_fit,
    place_touching,
)
from ablatrix.plan.liveness import align_up

STEP_BUDGET = 4_000_000
"""Buffers and pairs of buffers that the search may look at, in all: about half a second of one core."""
GLOBAL_SHARE = 0.25
"""Share of the budget for steps 2 and 3; the rest is for repairs."""
ROUNDS = 30
"""How often one order is changed and placed again, before the next is tried."""
PULLS = (0.5, 0.25, 0.0)
"""Where in the order a buffer goes that ended too high, in turn: a share of its position, 0 being the front."""
REACH = 5
"""How far the neighbourhood of a repair goes: neighbours in time, their neighbours, and so on."""


def allocate(requests: Sequence[Request], alignment: int) -> tuple[int, ...]:
    """Return an offset for each request, a multiple of ``alignment``; no two overlap in both time and bytes.

    Sizes are rounded up to the alignment. A request of no bytes takes no memory and has offset 0.

    Example: sizes 64, 128, 64 living [0, 1], [1, 2], [2, 3]: the third may have the offset of the first, so
    that the offsets are 0, 64, 0 and the arena has 192 bytes, the peak live bytes.
    """
    sized = [index for index, request in enumerate(requests) if request.bytes]
    items = [requests[index]._replace(bytes=align_up(requests[index].bytes, alignment)) for index in sized]
    offsets = [0] * len(requests)
    for index, offset in zip(sized, _search(items), strict=True):
        offsets[index] = offset
    return tuple(offsets)


def _search(items: Sequence[Request]) -> list[int]:
    bound = max(loads(items), default=0)
    best = place_by_time(items)
    if arena_bytes(items, best) == bound:
        return best
    end = max(item.last for item in items)
    backwards = place_by_time([Request(item.bytes, end - item.last, end - item.first) for item in items])
    best = min(best, backwards, key=lambda offsets: arena_bytes(items, offsets))
    neighbours = find_neighbours(items, STEP_BUDGET // 4)
    if neighbours is None or arena_bytes(items, best) == bound:
        return best
    search = _Search(items, neighbours, bound)
    best = search.improve(best, range(len(items)), round(STEP_BUDGET * GLOBAL_SHARE))
    return search.repair(best)


class _Search:
    """Steps 2 to 4 on one set of items, and what is left of the budget."""

    def __init__(self, items: Sequence[Request], neighbours: Sequence[Sequence[int]], bound: int) -> None:
        self._items = items
        self._neighbours = neighbours
        self._bound = bound
        self._ranks = list_ranks(items)
        self._steps = STEP_BUDGET

    def improve(self, offsets: list[int], window: Collection[int], limit: int) -> list[int]:
        """Place the window's items again, around all others. Return the offsets with the lowest top found.

        ``limit`` is the number of steps that this may take.
        """
        best, lowest = offsets, self._top(offsets, window)
        for trial in self._trials(offsets, window, max(self._steps - limit, 0)):
            top = self._top(trial, window)
            if top < lowest:
                best, lowest = trial, top
            if lowest <= self._bound:
                break
        return best

    def _trials(self, offsets: list[int], window: Collection[int], reserve: int) -> Iterator[list[int]]:
        """Yield placements: each fixed order, then changed ones, the most promising first."""
        cost = sum(len(self._neighbours[index]) for index in window) + 4 * len(window) + len(offsets) // 8
        cleared = offsets.copy()
        for index in window:
            cleared[index] = -1
        starts: list[tuple[int, int, list[int], list[int]]] = []
        for number, rank in enumerate(self._ranks):
            if self._steps - cost < reserve:
                break
            self._steps -= cost
            order = sorted(window, key=rank.__getitem__)
            trial = self._place(number, order, cleared)
            starts.append((self._top(trial, window), number, order, trial))
            yield trial
        for _, number, start_order, start in sorted(starts):
            order, trial = start_order, start
            for turn in range(ROUNDS):
                if self._steps - cost < reserve:
                    return
                self._steps -= cost
                order = self._pull_forward(order, trial, PULLS[turn % len(PULLS)])
                trial = self._place(number, order, cleared)
                yield trial

    def _place(self, number: int, order: Sequence[int], placed: Sequence[int]) -> list[int]:
        """Place by the rule for the order: touching for the first of the ranks, in order of time; else first fit."""
        if number == 0:
            return place_touching(self._items, self._neighbours, order, placed, self._bound)
        return place_first_fit(self._items, self._neighbours, order, placed)

    def repair(self, offsets: list[int]) -> list[int]:
        """Lower what ends highest until the bound holds, nothing helps any more, or the steps are spent."""
        while True:
            top, highest = max(
                (offset + item.bytes, index)
                for index, (offset, item) in enumerate(zip(offsets, self._items, strict=True))
            )
            if top <= self._bound:
                return offsets
            window = {highest}
            for _ in range(REACH):
                window.update([other for index in window for other in self._neighbours[index]])
                repaired = self.improve(offsets, sorted(window), self._steps)
                if repaired is not offsets:
                    break
            else:
                return offsets
            offsets = repaired

    def _top(self, offsets: Sequence[int], window: Collection[int]) -> int:
        return max(offsets[index] + self._items[index].bytes for index in window)

    def _pull_forward(self, order: Sequence[int], offsets: Sequence[int], pull: float) -> list[int]:
        """Return the order with everything that ends above the bound moved towards the front."""
        priority = {
            index: position * pull - 0.5 if offsets[index] + self._items[index].bytes > self._bound else position
            for position, index in enumerate(order)
        }
        return sorted(order, key=priority.__getitem__)
