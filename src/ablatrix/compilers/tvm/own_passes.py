"""What a study changes in TVM's sequence: passes change places, its own join them, its functions replace them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tvm

from ablatrix.compilers.catalogue.own_pass import OwnPass
from ablatrix.compilers.settings import Applied
from ablatrix.errors import CompilerError

Step = tuple[str, Any]
"""A pass with its name, or None with the name of the one that a knob leaves out here."""


def changed_sequence(steps: Sequence[Step], settings: Applied) -> list[Any]:
    """Return the passes that run, in order.

    Args:
        steps: As the compiler has them. One that is left out still says where the author's passes go.
        settings: What the study sets.

    Raises:
        CompilerError: An object of the author's is no pass, or no pipeline.
    """
    passes: list[Any] = []
    for name, one in _swapped(steps, settings):
        passes += map(_made, settings.around(name, "before"))
        passes += [] if one is None else [one]
        passes += map(_made, settings.around(name, "after"))
    for pipeline in settings.pipelines:
        passes = _replaced(pipeline, passes)
    return passes


def _swapped(steps: Sequence[Step], settings: Applied) -> list[Step]:
    """Return the steps with the pairs that change places; of a pass that runs twice it is the last that does."""
    changed = list(steps)
    for pair in settings.swapped:
        one, other = (max(at for at, (name, _) in enumerate(changed) if name == wanted) for wanted in pair)
        changed[one], changed[other] = changed[other], changed[one]
    return changed


def _made(own: OwnPass) -> Any:
    """Return a pass of the author's: the object in the file, or what it makes when it is called.

    Raises:
        CompilerError: It is no pass of TVM's.
    """
    found = own.load()
    made = found if isinstance(found, tvm.transform.Pass) else found()
    if not isinstance(made, tvm.transform.Pass):
        raise CompilerError(
            f"pass {own.name} must be a tvm.transform.Pass, or give one when it is called without arguments; it is a "
            f"{type(made).__name__}"
        )
    return made


def _replaced(pipeline: OwnPass, passes: Sequence[Any]) -> list[Any]:
    """Return what a pipeline of the author's makes of a sequence.

    Raises:
        CompilerError: It is no function, or gives something else than a list of passes.
    """
    function = pipeline.load()
    if not callable(function):
        raise CompilerError(
            f"pipeline {pipeline.name} must be a function from a list of passes to one, and not of type "
            f"{type(function).__name__}"
        )
    made = function(list(passes))
    if not isinstance(made, list | tuple):
        raise CompilerError(f"pipeline {pipeline.name} must return a list of passes, and not a {type(made).__name__}")
    for one in made:
        if not isinstance(one, tvm.transform.Pass):
            kind = type(one).__name__
            raise CompilerError(f"pipeline {pipeline.name} must return a list of tvm.transform.Pass, not of {kind}")
    return list(made)
