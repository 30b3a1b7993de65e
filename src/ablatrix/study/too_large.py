"""A factorial that is too large to be meant, answered before anything is laid out: its cost, and what to do."""

from ablatrix.catalogue import Catalogue
from ablatrix.study.model import Study
from ablatrix.study.screen_choice import choose_design
from ablatrix.study.stage import MOST_SCREENED, Stage
from ablatrix.study.trial_cost import expected_s
from ablatrix.study.workload_choice import Variant

NAMES = {
    "full_factorial": "every combination",
    "regular_fraction": "a fraction of the factorial",
    "folded_plackett_burman": "a folded Plackett-Burman design",
    "definitive": "a definitive screening design",
    "one_at_a_time": "each knob by itself",
    "sampled_shapley": "Shapley shares from sampled orders, at most",
    "groups": "groups of them left out of all on, at most",
}
"""What designs are called in text, by their kind."""


def describe_size(study: Study, catalogue: Catalogue, stage: Stage, count: int) -> str:
    """Return the message about a factorial of so many configurations, with a proposal and the time of both.

    Args:
        study: The study.
        catalogue: Has its workloads, as far as they were found.
        stage: With the factorial.
        count: Its configurations.
    """
    knobs = list(stage.table)
    proposed = choose_design(len(knobs), MOST_SCREENED).design
    told = "main effects and interactions of two" if (proposed.resolution or 0) >= 5 else "main effects"
    shorter = _time(study, catalogue, stage, len(proposed.runs)).replace(" take", ",")
    return (
        f"{count:,} configurations of {len(knobs)} knobs{_time(study, catalogue, stage, count)}; "
        f"'screen: [{', '.join(knobs[:2])}, ...]' in place of 'factorial' shows {told} in {len(proposed.runs)} "
        f"({NAMES[proposed.kind]}{shorter}), and in fewer where knobs "
        f"change nothing; a stage with 'factorial_of: {{stage: {stage.name}, most: 4}}' then confirms the largest; to "
        f"run them all, say 'configurations: {count}'"
    )


def _time(study: Study, catalogue: Catalogue, stage: Stage, count: int) -> str:
    """Return how long so many configurations take on all workloads and compilers of a stage, in words."""
    spent = 0.0
    compilers = len(stage.compilers or study.compilers)
    for variant in study.variants:
        if variant.name in catalogue.workloads and _is_wanted(stage, variant):
            entry = catalogue.workload(variant.name)
            protocol = {"cold": study.protocol.cold.replicates, "hot": study.protocol.hot.blocks}
            trials = {mode: expected_s(study, entry, variant.parameters, mode) for mode in study.modes}
            spent += count * compilers * sum(protocol[mode] * held for mode, held in trials.items())
    return f" take about {_words(spent)}" if spent else ""


def _is_wanted(stage: Stage, variant: Variant) -> bool:
    return stage.workloads is None or bool({variant.name, variant.base} & set(stage.workloads))


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
