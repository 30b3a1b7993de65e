"""What a screening may cost, and what it will: before anything ran by tier and size, then by its untimed compiles."""

from collections.abc import Iterator
from dataclasses import dataclass

from ablatrix.study.builds import ANCHORS
from ablatrix.study.cells import variant_of
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import choose_design
from ablatrix.study.spans import span_of
from ablatrix.study.stage import MOST_SCREENED, Stage
from ablatrix.study.trial_cost import expected_s

BUDGET_S = 1800.0
"""Time that a screening may take where the study does not say it."""


def configuration_s(
    resolved: ResolvedStudy, workload: str, compile_s: float | None = None, max_live: int | None = None
) -> float:
    """Return what one configuration takes in all repeats of a screening, with its part of what is beside it in a block.

    Args:
        resolved: The study with its catalogue.
        workload: Its name.
        compile_s: What a compile takes, where it is known.
        max_live: See `make_design`.
    """
    study, catalogue = resolved
    entry, parameters = catalogue.workload(workload), variant_of(study, workload).parameters
    cold = expected_s(study, entry, parameters, "cold") if compile_s is None else compile_s
    hot = expected_s(study, entry, parameters, "hot")
    live = max_live or study.protocol.hot.max_live
    spent = 0.0
    if "cold" in study.modes:
        spent += study.protocol.cold.replicates * cold
    if "hot" in study.modes:
        spent += study.protocol.hot.blocks * hot * live / max(1, live - ANCHORS)
    return spent


def most_configurations(
    resolved: ResolvedStudy,
    stage: Stage,
    workload: str,
    compile_s: float | None = None,
    max_live: int | None = None,
) -> int:
    """Return how many configurations a screening may have: by the study's number, and by its time.

    Args:
        resolved: The study with its catalogue.
        stage: The screening.
        workload: Its name.
        compile_s: What a compile takes, where it is known.
        max_live: See `make_design`.
    """
    by_time = int((stage.budget_s or BUDGET_S) / configuration_s(resolved, workload, compile_s, max_live))
    return max(2, min(by_time, stage.configurations or MOST_SCREENED))


@dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a stage that follows from results may turn out to be, before anything ran.

    Attributes:
        knobs: Knobs of a screening, or the most that a confirmation has.
        kind: Of the design where every knob does something.
        configurations: How many it has then.
        seconds: What they take, without compiles that are untimed.
        of: Of a confirmation: the screening.
    """

    stage: str
    workload: str
    compiler: str
    knobs: int
    kind: str
    configurations: int
    seconds: float
    of: str | None


def foresee(resolved: ResolvedStudy) -> Iterator[Foreseen]:
    """Yield what each screening and confirmation of a study costs at most, in the order of the study."""
    study = resolved.study
    screened: dict[tuple[str, str, str], int] = {}
    for stage in study.stages:
        for variant in study.variants if stage.is_adaptive else ():
            for compiler in (one.name for one in study.compilers):
                if not stage.is_about(variant.name, variant.base, compiler):
                    continue
                pair = (variant.name, compiler)
                if stage.factorial_of is None:
                    count, kind, runs = _screen(resolved, stage, *pair)
                    screened[stage.name, *pair] = count
                else:
                    count = min(stage.factorial_of.most, screened.get((stage.factorial_of.stage, *pair), 0))
                    kind, runs = "full_factorial", 2**count if count else 0
                yield Foreseen(
                    stage=stage.name,
                    workload=variant.name,
                    compiler=compiler,
                    knobs=count,
                    kind=kind,
                    configurations=runs,
                    seconds=runs * configuration_s(resolved, variant.name),
                    of=None if stage.factorial_of is None else stage.factorial_of.stage,
                )


def _screen(resolved: ResolvedStudy, stage: Stage, workload: str, compiler: str) -> tuple[int, str, int]:
    """Return of a screening its knobs, and kind and runs of its design where each of them does something."""
    entry = resolved.catalogue.compiler(compiler)
    levels = span_of(resolved.study, stage, entry, baseline_of(resolved.study, entry)).levels
    numeric = all(len(held) == 3 for held in levels.values())
    most = most_configurations(resolved, stage, workload)
    design = choose_design(len(levels), most, numeric=numeric, wanted=stage.design).design
    return len(levels), design.kind, len(design.runs)
