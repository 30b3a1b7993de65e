"""The titles of a study: those that it gives, then those of what is shipped."""

from collections.abc import Mapping, Sequence
from typing import Any

from ablatrix.compilers.catalogue import SHIPPED, CompilerEntry, KnobEntry
from ablatrix.records.compiler_titles import COMPILER_TITLES
from ablatrix.records.metrics import Language
from ablatrix.records.titles import FALLBACK, Title, Titles, sized
from ablatrix.records.variants import axes_text
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.shipped_titles import (
    KNOB_HEADINGS,
    KNOB_TITLES,
    LEVEL_TITLES,
    SWITCH_TITLES,
    WORKLOAD_TITLES,
)
from ablatrix.study.workload_choice import WorkloadChoice


def titles_of(resolved: ResolvedStudy) -> Titles:
    """Return what the workloads, compilers, knobs and levels of a study are called."""
    study, catalogue = resolved
    entries = [catalogue.compiler(name) for name in dict.fromkeys(("eager", *(one.name for one in study.compilers)))]
    workloads: dict[str, Title] = {}
    for choice in study.workloads:
        is_own = choice.source is not None or catalogue.workload(choice.variants[0].name).plugin is not None
        title = as_title(choice.title) or ({} if is_own else _shipped_title(choice))
        if title:
            workloads[choice.name] = title
            workloads |= {
                variant.name: {language: sized(text, axes_text(variant.axes, ", ")) for language, text in title.items()}
                for variant in choice.variants
                if variant.axes
            }
    given = {choice.name: as_title(choice.title) for choice in study.compilers}
    compilers = {
        entry.name: title
        for entry in entries
        if (title := given.get(entry.name) or (COMPILER_TITLES.get(entry.name, {}) if _is_shipped(entry) else {}))
    }
    return Titles(
        workloads=_plain(workloads),
        compilers=_plain(compilers),
        knobs=_plain(_knobs(resolved, entries, KNOB_TITLES)),
        headings=_plain(_knobs(resolved, entries, KNOB_HEADINGS)),
        levels={knob: _plain(held) for knob, held in _levels(resolved, entries).items()},
        workload_summaries={one.name: catalogue.workload(one.name).summary for one in study.variants},
        knob_summaries={entry.name: {knob.name: knob.summary for knob in entry.knobs} for entry in entries},
    )


def as_title(given: str | Mapping[Language, str] | None) -> Title:
    """Return a title as a study gives it by language; a plain text is that of every language."""
    if isinstance(given, str):
        return {FALLBACK: given}
    return {str(language): text for language, text in (given or {}).items()}


def _shipped_title(choice: WorkloadChoice) -> Title:
    """Return what a shipped workload is called; where the study gives it a name of its own, with that name."""
    if choice.workload is None or choice.workload == choice.name:
        return WORKLOAD_TITLES.get(choice.name, {})
    return {language: sized(text, choice.name) for language, text in WORKLOAD_TITLES.get(choice.workload, {}).items()}


def _knobs(resolved: ResolvedStudy, entries: list[CompilerEntry], titles: Mapping[str, Title]) -> dict[str, Title]:
    """Return what the study calls knobs, else what those that are shipped are called."""
    shipped = {knob.name for entry in entries for knob in _shipped_knobs(entry)}
    found = {name: titles[name] for name in sorted(shipped & titles.keys())}
    given = {name: as_title(choice.title) for name, choice in resolved.study.knobs.items()}
    return {**found, **{name: title for name, title in given.items() if title}}


def _levels(resolved: ResolvedStudy, entries: list[CompilerEntry]) -> dict[str, dict[str, Title]]:
    found: dict[str, dict[str, Title]] = {}
    for knob in (knob for entry in entries for knob in _shipped_knobs(entry)):
        known: dict[str, Title] = {**SWITCH_TITLES, **LEVEL_TITLES.get(knob.name, {})}
        names = [str(level.name) for level in knob.levels]
        for name in names:
            if name in known:
                found.setdefault(knob.name, {})[name] = known[name]
    for name, choice in resolved.study.knobs.items():
        for level, title in choice.levels.items():
            found.setdefault(name, {})[str(level)] = as_title(title)
    return found


def _is_shipped(entry: CompilerEntry) -> bool:
    """Return whether a compiler is shipped, whatever settings the study adds to its knobs."""
    shipped = SHIPPED.get(entry.name)
    if shipped is None or shipped.adapter != entry.adapter:
        return False
    return {one.name for one in shipped.knobs} <= {one.name for one in entry.knobs}


def _shipped_knobs(entry: CompilerEntry) -> Sequence[KnobEntry]:
    """Return the knobs that a shipped compiler comes with or offers: not what a study names itself."""
    if not _is_shipped(entry):
        return ()
    own = {one.name for one in (*SHIPPED[entry.name].knobs, *SHIPPED[entry.name].offers)}
    return [one for one in entry.knobs if one.name in own]


def _plain(titles: Mapping[str, Title]) -> dict[str, Any]:
    return {name: dict(title) for name, title in titles.items()}
