"""Groups that are alike, as a table shows them: the same operations with kernels of the same kind in many blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ablatrix.records.explanation import ExplainedGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Groups of the same operations, added up; times are means over blocks, in milliseconds."""

    label: str
    members: tuple[int, ...]
    a_ms: float
    b_ms: float
    a_calls: int
    b_calls: int
    flops: int
    bytes: int

    @property
    def difference_ms(self) -> float:
        """Second side less first."""
        return self.b_ms - self.a_ms


def families(groups: Sequence[ExplainedGroup]) -> list[Family]:
    """Return groups by their operations, largest difference first; those without nodes come last."""
    held: dict[str, list[int]] = {}
    for index, one in enumerate(groups):
        held.setdefault(one.label, []).append(index)
    found = [
        Family(
            label=label,
            members=tuple(members),
            a_ms=sum(groups[index].a.ms for index in members),
            b_ms=sum(groups[index].b.ms for index in members),
            a_calls=sum(len(groups[index].a_kernels) for index in members),
            b_calls=sum(len(groups[index].b_kernels) for index in members),
            flops=sum(groups[index].flops for index in members),
            bytes=sum(groups[index].bytes for index in members),
        )
        for label, members in held.items()
    ]
    return sorted(found, key=lambda one: (not groups[one.members[0]].nodes, -abs(one.difference_ms)))


def family_text(one: Family) -> str:
    """Return the name of a family, with the number of its groups."""
    return one.label if len(one.members) == 1 else f"{len(one.members)} x {one.label}"
