"""Sides: a compiler in one of its builds, which has fork servers of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ablatrix.builds import Build
from ablatrix.catalogue import Catalogue
from ablatrix.compilers.catalogue import CompilerEntry, Level
from ablatrix.records.origin import installed_version
from ablatrix.study.design import Cell

Gaps = Mapping[tuple[str, Level], str]
"""Why a build lacks a level of a knob, by both."""


@dataclass(frozen=True, slots=True)
class Side:
    """A compiler in one of its builds; without one, in this environment."""

    compiler: str
    build: str | None = None

    def __str__(self) -> str:
        """Both, as in names of files."""
        return self.compiler if self.build is None else f"{self.compiler}-{self.build}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The sides of a study, as they are when it runs.

    Attributes:
        catalogue: The compilers that hold for the study.
        builds: Its builds by name, made.
        entries: The compiler of a side as it is there, where that is not what the catalogue has.
        gaps: What a side lacks of the levels that the study has.
    """

    catalogue: Catalogue
    builds: Mapping[str, Build] = field(default_factory=dict)
    entries: Mapping[Side, CompilerEntry] = field(default_factory=dict)
    gaps: Mapping[Side, Gaps] = field(default_factory=dict)

    def of(self, cell: Cell, compiler: str | None = None) -> Side:
        """Return the side of a cell.

        Args:
            cell: Any; one that names no build, as the reference does, is of the baseline's.
            compiler: Whose side it is, where the cell is the reference beside that compiler; else its own.
        """
        name = cell.compiler if compiler is None else compiler
        build = self.catalogue.compiler(name).build_at(cell.knobs)
        return Side(name, None if build is None else build.name)

    def build(self, side: Side) -> Build | None:
        """Return the build of a side, None for this environment."""
        return None if side.build is None else self.builds[side.build]

    def entry(self, side: Side) -> CompilerEntry:
        """Return the compiler of a side, as it is there."""
        return self.entries.get(side) or self.catalogue.compiler(side.compiler)

    def entry_of(self, cell: Cell) -> CompilerEntry:
        """Return the compiler of a cell, as it is in the cell's build."""
        return self.entry(self.of(cell))

    def other_torch(self, side: Side) -> str | None:
        """Return the version of torch of a side where it is not the one of this environment, else None.

        Programs that one version of torch has saved, another need not read, nor lower alike.
        """
        build = self.build(side)
        return None if build is None or build.torch == installed_version("torch") else build.torch

    def lacks(self, cell: Cell) -> str:
        """Return why the build of a cell does not have its configuration; empty where it has."""
        gaps = self.gaps.get(self.of(cell), {})
        return next((gaps[knob, level] for knob, level in cell.knobs.items() if (knob, level) in gaps), "")
