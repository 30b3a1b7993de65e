"""Which attempts are repeated: what noise disturbed, until repeating has not helped."""

from __future__ import annotations

import pytest

from ablatrix.trials.run.repeats import Repeats

STEAL = "steal: the hypervisor took 160 ms"


def attempts(most: int, disturbed: str) -> tuple[list[int], list[str]]:
    """Return how many attempts each block takes, and what is noticed; ``x`` is a disturbed attempt."""
    said: list[str] = []
    repeats = Repeats(most, said.append)
    blocks: list[int] = []
    left = most
    for mark in disturbed:
        follows = repeats.follows(STEAL if mark == "x" else None, left)
        if not follows:
            blocks.append(most - left + 1)
        left = left - 1 if follows else most
    return blocks, said


@pytest.mark.parametrize(
    ("most", "disturbed", "blocks"),
    [
        (1, "..", [1, 1]),
        (1, "x.x.x.x.x.", [2, 2, 2, 2, 2]),
        (1, "xxxx.xx", [2, 1, 1, 1, 2]),
        (1, "xxxxxx", [2, 1, 1, 1, 1]),
        (1, "xxx.x.", [2, 1, 1, 2]),
        (3, "xxxxxx", [4, 1, 1]),
        (3, "xx.xxxx.x.", [3, 4, 1, 2]),
        (0, "xxx", [1, 1, 1]),
    ],
)
def test_repeats_end_where_they_were_in_vain(most: int, disturbed: str, blocks: list[int]) -> None:
    assert attempts(most, disturbed)[0] == blocks


def test_repeats_say_why_and_once_that_they_end() -> None:
    _, said = attempts(1, "xxxxx.x.")
    assert said == [
        f"disturbed, so it is repeated: {STEAL}",
        f"disturbed when it was repeated, too ({STEAL}): nothing is repeated until something is not",
        f"disturbed, so it is repeated: {STEAL}",
    ]
