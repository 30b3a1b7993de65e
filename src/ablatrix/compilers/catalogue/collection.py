"""The catalogue as a mapping: compilers that come with ablatrix, of installed packages, and of plug-ins."""

from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

from ablatrix.compilers.catalogue.model import CompilerEntry
from ablatrix.errors import CompilerError

GROUP = "ablatrix.compilers"


class Catalogue(MutableMapping[str, CompilerEntry]):
    """Entries by name. Those of other packages are imported when they are asked for; a shipped name wins."""

    def __init__(self, shipped: Mapping[str, CompilerEntry]) -> None:
        self._held = dict(shipped)

    @cached_property
    def _points(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in sorted(entry_points(group=GROUP), key=lambda one: one.name)}

    def __getitem__(self, name: str) -> CompilerEntry:
        if name not in self._held:
            self._held[name] = _load(self._points[name])
        return self._held[name]

    def __setitem__(self, name: str, entry: CompilerEntry) -> None:
        self._held[name] = entry

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._held, *self._points)))

    def __len__(self) -> int:
        return len({*self._held, *self._points})

    def __contains__(self, name: object) -> bool:
        return name in self._held or name in self._points


def _load(point: EntryPoint) -> CompilerEntry:
    try:
        entry = point.load()
    except Exception as error:
        raise CompilerError(f"compiler '{point.name}' of {point.value} cannot be imported: {error}") from error
    if not isinstance(entry, CompilerEntry) or entry.name != point.name:
        raise CompilerError(
            f"entry point '{point.name}' of group {GROUP} must name a CompilerEntry called '{point.name}'"
        )
    return entry
