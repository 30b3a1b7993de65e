"""Display names: what workloads, compilers, knobs and levels are called in what people read.

They stand in ``design.json``, beside the records, and change nothing that is measured: neither the digest of a study
nor the id of a trial depends on them. What has no title goes by its name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ablatrix.records.metrics import Language

Title = Mapping[str, str]
"""Language -> text; a language that is not there has the English one."""
FALLBACK: Language = "en"
DEPTHS: Mapping[str, int] = {
    "workloads": 2, "compilers": 2, "knobs": 2, "headings": 2, "levels": 3,
    "workload_summaries": 1, "knob_summaries": 2,
}  # fmt: skip
"""How many maps deep the texts of each part of `Titles` stand."""


@dataclass(frozen=True, kw_only=True)
class Titles:
    """The titles of one study, with a sentence on each workload and knob.

    Attributes:
        workloads, compilers, knobs: Name -> title.
        headings: Knob -> its title in few words, for headings of tables and the labels of figures.
        levels: Knob -> level -> title.
        workload_summaries: Name -> what the workload is, in English.
        knob_summaries: Compiler -> knob -> what the knob does, in English.
    """

    workloads: Mapping[str, Title] = field(default_factory=dict)
    compilers: Mapping[str, Title] = field(default_factory=dict)
    knobs: Mapping[str, Title] = field(default_factory=dict)
    headings: Mapping[str, Title] = field(default_factory=dict)
    levels: Mapping[str, Mapping[str, Title]] = field(default_factory=dict)
    workload_summaries: Mapping[str, str] = field(default_factory=dict)
    knob_summaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def workload(self, name: str, language: Language = FALLBACK) -> str:
        """Return what a workload is called."""
        return _called(self.workloads.get(name), name, language)

    def compiler(self, name: str, language: Language = FALLBACK) -> str:
        """Return what a compiler is called."""
        return _called(self.compilers.get(name), name, language)

    def knob(self, name: str, language: Language = FALLBACK) -> str:
        """Return what a knob is called in a sentence."""
        return _called(self.knobs.get(name), name, language)

    def heading(self, knob: str, language: Language = FALLBACK) -> str:
        """Return what a knob is called in a table or figure: in few words; its name where no design tells any."""
        return _called(self.headings.get(knob), knob, language)

    def level(self, knob: str, level: object, language: Language = FALLBACK) -> str:
        """Return what a level of a knob is called."""
        return _called(self.levels.get(knob, {}).get(str(level)), str(level), language)


def read_titles(design: Mapping[str, Any]) -> Titles:
    """Return the titles of a design as plain data; of one before version 1.3 there are none.

    Raises:
        ValueError: They have another shape.
    """
    held = design.get("titles", {})
    names = {one.name for one in fields(Titles)}
    if not isinstance(held, dict) or not all(_is_map(held.get(name, {}), DEPTHS[name]) for name in names):
        raise ValueError("its titles are no map of names")
    return Titles(**{name: value for name, value in held.items() if name in names})


def merged(titles: Iterable[Titles]) -> Titles:
    """Return the titles of several studies together; of a name that two have, the first one's."""
    found: dict[str, dict[str, Any]] = {one.name: {} for one in fields(Titles)}
    for one in titles:
        for name, held in found.items():
            found[name] = {**getattr(one, name), **held}
    return Titles(**found)


def sized(name: str, size: str) -> str:
    """Return the name of a workload in one of its sizes."""
    return f"{name} ({size})"


def with_sizes(titles: Titles, sizes: Iterable[tuple[str, str]]) -> Titles:
    """Return titles in which workloads have one in each size, too, by their `sized` names.

    Args:
        titles: The titles.
        sizes: Each workload that has several sizes, with the text of each.
    """
    found = {
        sized(name, size): {language: sized(text, size) for language, text in titles.workloads[name].items()}
        for name, size in sizes
        if name in titles.workloads
    }
    return replace(titles, workloads={**titles.workloads, **found})


def _is_map(held: Any, depth: int) -> bool:
    """Return whether a value is a map of maps, so many deep, of texts."""
    if depth == 0:
        return isinstance(held, str)
    return isinstance(held, dict) and all(_is_map(inner, depth - 1) for inner in held.values())


def _called(title: Title | None, name: str, language: Language) -> str:
    held = title or {}
    return held.get(language) or held.get(FALLBACK) or name
