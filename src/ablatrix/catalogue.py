"""The catalogue: which compilers and workloads there are, by name, as a frozen value. Loads without torch.

It begins with what comes with ablatrix and what installed packages add through the entry point groups
``ablatrix.compilers`` and ``ablatrix.workloads``, where each entry point names a ``CompilerEntry`` or a
``WorkloadEntry``. Plug-ins (``ablatrix.plugin_files``) and a study (``ablatrix.study.resolve``) add theirs by making
a new catalogue: nothing is registered, so that two studies of one process share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Generic, TypeVar

from ablatrix.compilers.catalogue import SHIPPED as SHIPPED_COMPILERS
from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.errors import AblatrixError, CompilerError, WorkloadError
from ablatrix.plugin_sources import PluginSource
from ablatrix.workloads.entry import WorkloadEntry
from ablatrix.workloads.shipped import SHIPPED as SHIPPED_WORKLOADS

E = TypeVar("E", CompilerEntry, WorkloadEntry)


@dataclass(frozen=True, slots=True)
class Family(Generic[E]):
    """What the entries of one kind have in common.

    Attributes:
        word: What one of them is called in messages.
        kind: Their type.
        error: What is raised about them.
        group: The entry point group of packages that add some.
    """

    word: str
    kind: type[E]
    error: type[AblatrixError]
    group: str


COMPILER_FAMILY = Family("compiler", CompilerEntry, CompilerError, "ablatrix.compilers")
WORKLOAD_FAMILY = Family("workload", WorkloadEntry, WorkloadError, "ablatrix.workloads")


@dataclass(frozen=True, slots=True, eq=False)
class Entries(Mapping[str, E]):
    """Entries by name: those that are held, then those of installed packages, which are imported when asked for.

    Attributes:
        family: What they are.
        held: Entries that are known already; their names win.
        points: Entry points of installed packages, by name.
    """

    family: Family[E]
    held: Mapping[str, E]
    points: Mapping[str, EntryPoint]

    @classmethod
    def of_installed(cls, family: Family[E], shipped: Mapping[str, E]) -> Entries[E]:
        """Return what comes with ablatrix and what installed packages add."""
        points = sorted(entry_points(group=family.group), key=lambda one: one.name)
        return cls(family, dict(shipped), {point.name: point for point in points})

    def __getitem__(self, name: str) -> E:
        return self.held[name] if name in self.held else self._load(self.points[name])

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.held, *self.points)))

    def __len__(self) -> int:
        return len({*self.held, *self.points})

    def __contains__(self, name: object) -> bool:
        return name in self.held or name in self.points

    def including(self, entry: E, origin: str) -> Entries[E]:
        """Return these entries and one more; one that is there already changes nothing.

        Args:
            entry: The entry.
            origin: Where it comes from, for messages.

        Raises:
            CompilerError, WorkloadError: Another one has the name.
        """
        if entry.name in self and self[entry.name] != entry:
            word = self.family.word
            raise self.family.error(f"{origin}: there is a {word} '{entry.name}' already; give yours another name")
        return replace(self, held={**self.held, entry.name: entry})

    def _load(self, point: EntryPoint) -> E:
        """Import the entry of an installed package."""
        word, kind, error = self.family.word, self.family.kind, self.family.error
        try:
            entry = point.load()
        except Exception as cause:
            raise error(f"{word} '{point.name}' of {point.value} cannot be imported: {cause}") from cause
        if not isinstance(entry, kind) or entry.name != point.name:
            raise error(
                f"entry point '{point.name}' of group {self.family.group} must name a {kind.__name__} "
                f"called '{point.name}'"
            )
        return entry


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The compilers and workloads that hold for one study, or for one command."""

    compilers: Entries[CompilerEntry]
    workloads: Entries[WorkloadEntry]

    def compiler(self, name: str) -> CompilerEntry:
        """Return a compiler's entry.

        Raises:
            CompilerError: There is no compiler of that name, or its package cannot be imported.
        """
        if name not in self.compilers:
            raise CompilerError(f"there is no compiler '{name}'; there are: {', '.join(sorted(self.compilers))}")
        return self.compilers[name]

    def workload(self, name: str) -> WorkloadEntry:
        """Return a workload's entry.

        Raises:
            WorkloadError: There is no workload of that name, or its package cannot be imported.
        """
        if name not in self.workloads:
            raise WorkloadError(f"there is no workload '{name}'; there are: {', '.join(self.workloads)}")
        return self.workloads[name]

    def plugin(self, file: Path) -> PluginSource | None:
        """Return the files of a plug-in that was added, as they were then; None for one that was not."""
        sources = [entry.plugin for entry in self.compilers.held.values()]
        sources += [entry.plugin for entry in self.workloads.held.values()]
        return next((source for source in sources if source is not None and source.file == str(file.resolve())), None)

    def including(self, entry: CompilerEntry | WorkloadEntry, origin: str) -> Catalogue:
        """Return the catalogue with one more entry; one that is there already changes nothing.

        Args:
            entry: The entry.
            origin: Where it comes from, for messages.

        Raises:
            CompilerError: Another compiler has the name, or this one has no knob.
            WorkloadError: Another workload has the name.
        """
        if isinstance(entry, WorkloadEntry):
            return replace(self, workloads=self.workloads.including(entry, origin))
        if not entry.knobs:
            raise CompilerError(
                f"{origin}: compiler '{entry.name}' has no knob, so there is nothing to ablate; give it one"
            )
        return replace(self, compilers=self.compilers.including(entry, origin))

    def holding(
        self,
        *,
        compilers: Mapping[str, CompilerEntry] | None = None,
        workloads: Mapping[str, WorkloadEntry] | None = None,
    ) -> Catalogue:
        """Return the catalogue with the entries of a study, whose names nothing else has."""
        return Catalogue(
            replace(self.compilers, held={**self.compilers.held, **(compilers or {})}),
            replace(self.workloads, held={**self.workloads.held, **(workloads or {})}),
        )


def installed_catalogue() -> Catalogue:
    """Return what comes with ablatrix and what installed packages add."""
    return Catalogue(
        Entries.of_installed(COMPILER_FAMILY, SHIPPED_COMPILERS),
        Entries.of_installed(WORKLOAD_FAMILY, SHIPPED_WORKLOADS),
    )
