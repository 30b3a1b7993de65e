"""The pairs of configurations of a stage that differ in the build alone, and how they cross with other knobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ablatrix.analysis.builds.values import BUILD
from ablatrix.analysis.effects import Effect, FactorialGrid, effect_of_pairs, interaction_of_pairs
from ablatrix.statistics.precision import Pair

Step = tuple[str, str, str]
"""A knob, the level that it is moved from, and the one that it is moved to."""


@dataclass(frozen=True)
class BuildPairs:
    """A stage that spans two builds.

    Attributes:
        grid: Its measured configurations.
        base, head: The builds.
    """

    grid: FactorialGrid
    base: str
    head: str

    @property
    def every(self) -> list[Pair]:
        """The pairs (configuration under head, the same under base), in the order of the stage."""
        return self._moved(BUILD, self.base, self.head)

    def change(self) -> Effect:
        """Return what the build does, over all pairs."""
        return effect_of_pairs(self.grid, (BUILD, self.base, self.head), self.every)

    def at(self, step: Step) -> tuple[Effect, Effect]:
        """Return what the build does at the level that a knob is moved from, and at the one that it is moved to.

        Both are over the same configurations of the other knobs, those of `factor`.
        """
        crossed = self._crossed(step)
        name = (BUILD, self.base, self.head)
        return (
            effect_of_pairs(self.grid, name, [unmoved for _, unmoved in crossed]),
            effect_of_pairs(self.grid, name, [moved for moved, _ in crossed]),
        )

    def under(self, step: Step) -> tuple[Effect, Effect]:
        """Return what moving a knob from a level to another one does under either build, likewise."""
        crossed = self._crossed(step)
        return (
            effect_of_pairs(self.grid, step, [(moved[1], unmoved[1]) for moved, unmoved in crossed]),
            effect_of_pairs(self.grid, step, [(moved[0], unmoved[0]) for moved, unmoved in crossed]),
        )

    def factor(self, step: Step) -> Effect:
        """Return by what the build's ratio is multiplied when a knob is moved from a level to another one."""
        return interaction_of_pairs(self.grid, (BUILD, self.base, self.head, step[0]), self._crossed(step))

    def steps(self) -> Iterator[Step]:
        """Yield each other knob with the level of the baseline and each further level that both builds have."""
        comparison = self.grid.comparison
        for knob, level in comparison.steps():
            base = str(comparison.baseline[comparison.knobs.index(knob)])
            step = (knob, base, str(level))
            if knob != BUILD and self._crossed(step):
                yield step

    def _crossed(self, step: Step) -> list[tuple[Pair, Pair]]:
        """Return (pair with the knob moved, pair with it not moved): those that are whole, or all where none is."""
        at = {pair[0]: pair for pair in self.every}
        partners = dict(self._moved(*step))
        found = [
            (pair, at[partners[there]]) for there, pair in at.items() if there in partners and partners[there] in at
        ]
        whole = set(self.grid.whole(self.every))
        return [one for one in found if whole.issuperset(one)] or found

    def _moved(self, knob: str, before: str, after: str) -> list[Pair]:
        position = self.grid.comparison.knobs.index(knob)
        there = self.grid.comparison.configurations
        original = {str(one[position]): one[position] for one in there}
        if before not in original:
            return []
        partners = [
            (one, (*one[:position], original[before], *one[position + 1 :]))
            for one in there
            if str(one[position]) == after
        ]
        known = set(there)
        return [pair for pair in partners if pair[1] in known]


def first_stages(grids: Sequence[FactorialGrid], base: str, head: str) -> list[BuildPairs]:
    """Return for each unit the stages that span two builds, of each the largest one; see `main_effects`."""
    found: dict[tuple[object, ...], BuildPairs] = {}
    for grid in grids:
        if BUILD not in grid.comparison.knobs:
            continue
        one = BuildPairs(grid, base, head)
        if one.every:
            found.setdefault((grid.origin, grid.workload, grid.digest, grid.compiler), one)
    return list(found.values())


def first_crossings(grids: Sequence[FactorialGrid], base: str, head: str) -> list[tuple[BuildPairs, Step]]:
    """Return each step of another knob that is crossed with two builds, from the first stage of a unit that has it."""
    found: dict[tuple[object, ...], tuple[BuildPairs, Step]] = {}
    for grid in grids:
        if BUILD not in grid.comparison.knobs:
            continue
        one = BuildPairs(grid, base, head)
        for step in one.steps():
            found.setdefault((grid.origin, grid.workload, grid.digest, grid.compiler, step), (one, step))
    return list(found.values())
