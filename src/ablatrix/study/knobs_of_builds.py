"""The knobs of a program that only some of its builds have, as far as these are there when the study is read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from ablatrix.builds import make_build
from ablatrix.compilers.catalogue import CompilerEntry, KnobEntry
from ablatrix.compilers.command.entry import ask_description, described_knobs
from ablatrix.errors import BuildError, CompilerError
from ablatrix.study.model import CompilerChoice, Study


def with_knobs_of_builds(study: Study, choice: CompilerChoice, entry: CompilerEntry) -> CompilerEntry:
    """Return the entry of a program with the knobs and levels that its builds have beside its own.

    A build that has to be made first (``pip``, ``git``) is not asked: what it alone has, the study has to say under
    the compiler's ``knobs``. One that does not answer is refused when the study runs.

    Args:
        study: The study.
        choice: What it says of the compiler.
        entry: The program as it describes itself under the compiler's own command.
    """
    for name in choice.builds:
        spec = study.builds.get(name)
        if spec is None or spec.pip or spec.git is not None or not spec.command:
            continue
        with suppress(BuildError, CompilerError):
            build = make_build(name, spec, study.directory, base=study.directory)
            there = ask_description(entry.name, build.command, study.directory, build)
            said = [knob for knob in described_knobs(there) if knob.name not in choice.knobs]
            entry = _joined(entry, {knob.name: knob for knob in said})
    return entry


def _joined(entry: CompilerEntry, there: dict[str, KnobEntry]) -> CompilerEntry:
    known = {knob.name for knob in entry.knobs}
    further = (knob for name, knob in there.items() if name not in known)
    return replace(entry, knobs=(*(_with_levels(knob, there.get(knob.name)) for knob in entry.knobs), *further))


def _with_levels(knob: KnobEntry, there: KnobEntry | None) -> KnobEntry:
    further = () if there is None else tuple(one for one in there.levels if not knob.has(one.name))
    return replace(knob, levels=(*knob.levels, *further))
