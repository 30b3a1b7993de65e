"""What a screening may cost, and what it will: before anything ran by tier and size, then by its untimed compiles."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ablatrix.study.builds import ANCHORS
from ablatrix.study.cells import variant_of
from ablatrix.study.named import baseline_of
from ablatrix.study.resolve import ResolvedStudy
from ablatrix.study.screen_choice import choose_design, pairs_of_orders
from ablatrix.study.spans import span_of
from ablatrix.study.stage import MOST_SCREENED, Stage
from ablatrix.study.stage_blocks import hot_trials
from ablatrix.study.trial_cost import expected_s

BUDGET_S = 1800.0
"""Time that a screening may take where the study does not say it."""


def stage_s(
    resolved: ResolvedStudy,
    workload: str,
    configurations: int,
    compile_s: float | None = None,
    max_live: int | None = None,
    *,
    anchored: bool = False,
) -> float:
    """Return what so many configurations take in all repeats of a stage, with what is beside them in blocks.

    Args:
        resolved: The study with its catalogue.
        workload: Its name.
        configurations: How many there are, the baseline among them.
        compile_s: What a compile takes, where it is known.
        max_live: See `make_design`.
        anchored: See `part_sizes`.
    """
    if not configurations:
        return 0.0
    study, catalogue = resolved
    entry, parameters = catalogue.workload(workload), variant_of(study, workload).parameters
    cold = expected_s(study, entry, parameters, "cold") if compile_s is None else compile_s
    hot = expected_s(study, entry, parameters, "hot")
    live = max_live or study.protocol.hot.max_live
    spent = 0.0
    if "cold" in study.modes:
        spent += study.protocol.cold.replicates * cold * configurations
    if "hot" in study.modes:
        spent += study.protocol.hot.blocks * hot * hot_trials(configurations, live, anchored=anchored)
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
    budget, counts = stage.budget_s or BUDGET_S, range(2, (stage.configurations or MOST_SCREENED) + 1)
    held = bisect_right(counts, budget, key=lambda count: stage_s(resolved, workload, count, compile_s, max_live))
    return counts[max(0, held - 1)]


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
                    seconds=stage_s(resolved, variant.name, runs, anchored=stage.factorial_of is not None),
                    of=None if stage.factorial_of is None else stage.factorial_of.stage,
                )


def _screen(resolved: ResolvedStudy, stage: Stage, workload: str, compiler: str) -> tuple[int, str, int]:
    """Return of a screening its knobs, and kind and runs of its design where each of them does something."""
    entry = resolved.catalogue.compiler(compiler)
    levels = span_of(resolved.study, stage, entry, baseline_of(resolved.study, entry)).levels
    numeric = all(len(held) == 3 for held in levels.values())
    most = most_configurations(resolved, stage, workload)
    if stage.design == "groups":
        places = resolved.study.protocol.hot.max_live - ANCHORS - 1
        first = min(len(levels), max(1, places))
        # Each group of several that matters is divided, and the last one is all that can go.
        return len(levels), stage.design, min(most, 2 + first + (len(levels) if first < len(levels) else 0) + 1)
    if stage.design == "shapley" and (pairs := pairs_of_orders(len(levels), most)):
        return len(levels), "sampled_shapley", 2 + 2 * pairs * (len(levels) - 1)
    design = choose_design(len(levels), most, numeric=numeric, wanted=stage.design).design
    return len(levels), design.kind, len(design.runs)
