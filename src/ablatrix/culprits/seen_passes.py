"""Which passes changed the program of a configuration and can be switched off: asked of the compiler once a search."""

from __future__ import annotations

from dataclasses import dataclass

from ablatrix.compilers.catalogue import CompilerEntry
from ablatrix.compilers.passes import PASS_KINDS
from ablatrix.compilers.settings import ask_addresses
from ablatrix.culprits.question import Question
from ablatrix.errors import AblatrixError, CompilerError, UnsupportedError
from ablatrix.troubles import Looks


@dataclass(frozen=True, kw_only=True)
class SeenPass:
    """A pass that ran on the program and can be switched off.

    Attributes:
        address: As a study writes it.
        changed: How often it changed the program; None where that is not known.
        runs: How often it ran; None as ``changed``.
    """

    address: str
    changed: int | None = None
    runs: int | None = None


@dataclass(frozen=True, kw_only=True)
class SeenPasses:
    """The passes of a configuration that can be switched off.

    Attributes:
        passes: In the order in which they ran.
        note: Why these are not those that changed the program, or why there are none; empty where there is nothing to
            say.
    """

    passes: tuple[SeenPass, ...] = ()
    note: str = ""


def see_passes(question: Question, looks: Looks) -> SeenPasses:
    """Ask the compiler which passes change the program, and return those that can be switched off.

    Args:
        question: What is asked.
        looks: Whose fork servers and prepared programs are used, so that nothing is imported or prepared twice.

    Raises:
        InterruptedLook: The user stopped it.
        StudyError, CompilerError: The study has not what the question names.
    """
    if not question.passes:
        return SeenPasses()
    configuration = question.configuration
    try:
        listed = looks.passes(configuration)
    except UnsupportedError as error:
        return SeenPasses(note=str(error))
    except CompilerError as error:
        every = _every_pass(configuration.entry)
        why = str(error).splitlines()[0]
        note = f"which passes changed the program is not known ({why}), so all are tried"
        return SeenPasses(passes=tuple(SeenPass(address=one) for one in every), note=note)
    found = (one for one in listed.passes if one.address and one.changed != 0)
    passes = tuple(SeenPass(address=one.address, changed=one.changed, runs=one.runs) for one in found)
    has_any = any(one.address for one in listed.passes)
    return SeenPasses(
        passes=passes, note="" if has_any else f"'{listed.compiler}' has no pass that can be switched off"
    )


def _every_pass(entry: CompilerEntry) -> list[str]:
    try:
        known = ask_addresses(entry)
    except AblatrixError:
        return []
    return [f"{one.kind}:{one.name}" for one in known.addresses if one.kind in PASS_KINDS and one.kind != "lowering"]
