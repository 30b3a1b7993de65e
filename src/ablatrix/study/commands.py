"""The compilers of a study that are programs of their own: asked for their knobs and put into the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from ablatrix.compilers.catalogue import COMPILERS
from ablatrix.compilers.command.entry import describe_command
from ablatrix.documents.faults import Location
from ablatrix.errors import CompilerError
from ablatrix.study.model import Study


def use_commands(study: Study) -> Iterator[tuple[Location, str]]:
    """Make the programs of a study known in this process, in place of an earlier study's of the same name.

    Each is started and asked to describe itself, once for as long as it does not change.

    Yields:
        Place and message of each that cannot be used.
    """
    for index, choice in enumerate(study.compilers):
        if choice.command is None:
            continue
        place: Location = ("compilers", index, "command")
        there = COMPILERS.get(choice.name)
        if there is not None and there.program_digest is None:
            yield place, f"'{choice.name}' is the name of a compiler that there is; give your program another 'name'"
            continue
        words = {name: knob.model_dump(exclude_unset=True) for name, knob in choice.knobs.items()}
        try:
            COMPILERS[choice.name] = describe_command(choice.name, choice.command, study.directory, words)
        except CompilerError as error:
            COMPILERS.pop(choice.name, None)
            yield place, str(error)
