"""What a reduction is asked, and what it came to, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ablatrix.compilers.catalogue import Level
from ablatrix.study.model import Mode
from ablatrix.troubles import Trouble

Ending = Literal["reduced", "most_steps", "most_time"]
Shown = Literal["yes", "no", "not_run"]


@dataclass(frozen=True, kw_only=True)
class ReductionQuestion:
    """What is reduced, and how far.

    Attributes:
        kind: The trouble: ``slower``, or a status that is a failure.
        reference: Levels of the configuration that does not have it, where they are not the study's baseline's.
        mode: Of a failure: the mode of trials.
        most_steps: So many programs are tried at most.
        most_seconds: So long is tried at most.
    """

    kind: str
    reference: Mapping[str, Level] = field(default_factory=dict)
    mode: Mode = "cold"
    most_steps: int = 400
    most_seconds: float = 1800.0


@dataclass(frozen=True, kw_only=True)
class OtherTrouble:
    """Another trouble that parts of the program showed: a finding by itself.

    Attributes:
        text: What it is.
        programs: How many parts showed it.
        example: A saved program that does (``.pt2``).
    """

    text: str
    programs: int
    example: Path


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """What a reduction came to.

    Attributes:
        trouble: What the whole program shows.
        final: What the reduced one shows; equal but for names and numbers.
        ending: ``reduced``: no operation can be removed; or the bound that was met first.
        nodes: Operations of the whole program.
        nodes_left: Those of the reduced one.
        operators: What these are, in order.
        elements: Elements of all inputs and weights of the whole program.
        elements_left: Those of the reduced one.
        steps: Programs that were tried, by what came of them.
        trials: Trials of all steps.
        seconds: Of all steps.
        others: Other troubles on the way.
        controlled: Whether each program that shows the trouble was tried without it, too.
        again: Whether `study.yaml` shows it in a fresh interpreter.
        repro: Whether `repro.py` does, without ablatrix.
        repro_told: What `repro.py` printed last, or why there is none.
        out: Directory of the results.
    """

    trouble: Trouble
    final: Trouble
    ending: Ending
    nodes: int
    nodes_left: int
    operators: tuple[str, ...]
    elements: int
    elements_left: int
    steps: Mapping[str, int]
    trials: int
    seconds: float
    others: tuple[OtherTrouble, ...]
    controlled: bool
    again: Shown
    repro: Shown
    repro_told: str
    out: Path

    @property
    def share(self) -> float:
        """Part of the operations that is left."""
        return self.nodes_left / self.nodes

    @property
    def holds(self) -> bool:
        """Whether the reduced program shows the trouble in fresh interpreters, by the study and by the script."""
        return self.again == "yes" and self.repro == "yes"


def reduction_data(found: Reduction) -> dict[str, Any]:
    """Return a reduction as plain data, for JSON."""
    ratio = found.trouble.ratio
    return {
        "trouble": found.trouble.kind,
        "text": found.trouble.text,
        "ratio": None if ratio is None else {"ratio": ratio.value, "low": ratio.low, "high": ratio.high},
        "reduced_text": found.final.text,
        "ending": found.ending,
        "nodes": found.nodes,
        "nodes_left": found.nodes_left,
        "share_left": found.share,
        "operators": list(found.operators),
        "elements": found.elements,
        "elements_left": found.elements_left,
        "steps": dict(found.steps),
        "trials": found.trials,
        "seconds": found.seconds,
        "others": [{"text": one.text, "programs": one.programs, "example": str(one.example)} for one in found.others],
        "controlled": found.controlled,
        "study_shows_it": found.again,
        "repro_shows_it": found.repro,
        "repro_told": found.repro_told,
        "out": str(found.out),
    }
