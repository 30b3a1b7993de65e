"""Levels of some knobs as one frozen value."""

from collections.abc import Iterator, Mapping


class KnobLevels(Mapping[str, str]):
    """Knob -> level, in a fixed order; it can be hashed, and is equal to every mapping of the same levels."""

    __slots__ = ("_levels",)

    def __init__(self, levels: Mapping[str, str] | None = None) -> None:
        self._levels = dict(levels or {})

    def __getitem__(self, knob: str) -> str:
        return self._levels[knob]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)

    def __hash__(self) -> int:
        return hash(frozenset(self._levels.items()))

    def __repr__(self) -> str:
        return f"KnobLevels({self._levels!r})"
