"""A study of many knobs that never ran: a screening and its confirmation with known effects, laid out as a run does."""

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablatrix.catalogue import COMPILER_FAMILY, WORKLOAD_FAMILY, Catalogue, Entries
from ablatrix.compilers.catalogue import EAGER, CompilerEntry, KnobEntry, LevelEntry
from ablatrix.study.model import Study
from ablatrix.study.resolve import ResolvedStudy, resolve_study
from ablatrix.workloads.shipped import SHIPPED
from tests.made_study import MadeStudy, Truth, write_results

STAGES: list[dict[str, Any]] = [
    {"name": "screen", "screen": "all", "design": "plackett_burman"},
    {"name": "confirm", "factorial_of": {"stage": "screen", "most": 3}},
]


def many_knobs(count: int, stages: list[dict[str, Any]] = STAGES, **more: Any) -> ResolvedStudy:
    """Return a study of a compiler with so many switches, k0 and on."""
    knobs = tuple(
        KnobEntry(
            name=f"k{number}",
            kind="primary",
            summary="A switch.",
            levels=(LevelEntry("off", "Off."), LevelEntry("on", "On.")),
            default="off",
            affects="code",
        )
        for number in range(count)
    )
    entry = CompilerEntry(name="mine", summary="Mine.", modules=(), extra="", adapter="a:B", knobs=knobs)
    catalogue = Catalogue(
        Entries(COMPILER_FAMILY, {"mine": entry, "eager": EAGER}, {}), Entries(WORKLOAD_FAMILY, dict(SHIPPED), {})
    )
    given: dict[str, Any] = {
        "name": "many",
        "workloads": ["mlp"],
        "compilers": ["mine"],
        "modes": ["hot"],
        "stages": stages,
        "protocol": {"cold": {"replicates": 2}, "hot": {"blocks": 3, "max_blocks": 4}},
    }
    return resolve_study(Study.model_validate({**given, **more}), catalogue)


def write_screened(
    directory: Path,
    factors: Mapping[str, float],
    count: int,
    acting: int,
    live: Sequence[int | None] = (None,),
    breaking: Iterable[Iterable[str]] = (),
    **more: Any,
) -> MadeStudy:
    """Write the results of such a study.

    Args:
        directory: To write into.
        factors: What knobs at ``on`` multiply the time by.
        count: Knobs; the first ``acting`` of them change what is built.
        live: Numbers of workers that the machine may hold, of which one is drawn.
        breaking: Sets of knobs; where all of one are on, nothing compiles.
        more: Parts of the study.
    """
    truth = Truth(
        {(knob, "on"): factor for knob, factor in factors.items()},
        frozenset(f"k{number}" for number in range(acting)),
        noise=0.002,
        breaking=frozenset(map(frozenset, breaking)),
    )
    return write_results(random.Random(7), many_knobs(count, **more), directory, truth, live)
