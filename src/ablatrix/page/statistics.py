"""How each number of the page is computed from its records: the closed list that the page itself explains."""

from collections.abc import Mapping

from ablatrix.records.metrics import page_metrics

STATISTICS: Mapping[str, str] = {
    "trials": "Number of final trials with this outcome.",
    "outcome": "Number of trials by outcome: every final trial of the row.",
    **{metric.short: metric.page.explanation for metric in page_metrics() if metric.page is not None},
    **{
        f"time_{side}": f"Geometric mean over the ok trials of {what}: hot, of each trial's median time; cold, of the "
        "time from the loaded program to the end of the first run."
        for side, what in {
            "baseline": "the baseline",
            "best": "the configuration with the lowest mean of logarithms over blocks, among those in every block",
            "all_on": "the configuration with every knob at its last level",
            "eager": "PyTorch eager in the same blocks",
        }.items()
    },
    "speedup_best": "1 over the ratio of the best configuration to the baseline: the geometric mean over blocks, with "
    "Student's t interval (95 %) on logarithms. The best was chosen by the same trials, which flatters it.",
    "speedup_all_on": "1 over the total from the baseline to every knob at its last level: the geometric mean over "
    "blocks that hold both, with Student's t interval (95 %) on logarithms.",
    "speedup_eager": "The ratio of eager to the baseline over the ratio of the best configuration to it, both over "
    "blocks.",
    **{
        f"mean_speedup_{side}": "Geometric mean over the workloads of this column."
        for side in ("best", "all_on", "eager")
    },
    "line": "Least-squares line through the medians over ok hot trials of the time of a token, one for each context; "
    "Student's t intervals (95 %) from the scatter of these medians about it.",
    "ratio": "Geometric mean over blocks of the trial over the baseline of its own block, with Student's t interval "
    "(95 %) on logarithms: the row's own ok trials, and the baseline's.",
    "checks": "Sums over the row's trials of the outputs that were compared, and that should have been.",
    "worst": "Largest value over the row's trials that were compared.",
    "effect": "Geometric mean over blocks of the ratio between the two levels, with Student's t interval (95 %): the "
    "ok trials of the stage that have a value. Pairs and blocks that lack one are left out, and are counted.",
    "screened": "Of a screening: contrast of the configurations with the knob at one level and at the other, within "
    "the blocks of the screening, with its interval (95 %).",
    "share": "Shapley share of the total, a geometric mean over blocks that hold every configuration between both "
    "ends; shares multiply to the total.",
    "interaction": "Ratio of one knob's effect with the other on to its effect with the other off, over blocks.",
    "control": "How far a second trial of the baseline may lie from it: the farther end of the interval of their "
    "ratio, paired over blocks. Where the ratio is shown not to be 1, intervals of the unit are wider by as much.",
    "proof": "Digests of code and plan and figures of memory, compared between configurations that differ in this "
    "knob alone; trials of every outcome count.",
    "claim": "The ratio that the claim is held against, with its interval.",
    "rests": "Every trial that the claim rests on, whatever its outcome.",
    "failure": "Trials that ended in this way.",
    "surroundings": "What the records themselves tell of the machine, the software and the disturbance.",
    "points": "Each mark of the figure is one trial, or the median of trials, as its note says.",
}
