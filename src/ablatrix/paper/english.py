"""The phrases of the paper in English."""

from collections.abc import Mapping

from ablatrix.analysis.effect_metrics import METRICS
from ablatrix.paper.fragment import Language

PHRASES: Mapping[str, str] = {
    # Small parts
    "interval": "{value} [{low}, {high}]",
    "from_to": "{least} to {most}",
    "with_unit": "{number} {unit}",
    "on_compiler": "{workload} on {compiler}",
    "knob_at": "{knob} {level}",
    "ratio_at": "{place} {ratio}",
    "many_places": "{count} workloads ({least} to {most})",
    "the_baseline": "its baseline",
    # Fairness
    "trials_and_outcomes": "The study has {trials} trials ({machines}), each that was run in a process of its own: "
    "{ok} are ok, {failed} failed{failures}, and {unsupported} ask for something that the compiler or the machine does "
    "not have{not_run}. Only trials that are ok enter a statistic of times, sizes or effects; the others are counted "
    "beside it.",
    "machine": "{cpu}, {cores} cores",
    "gpu": "GPU {gpu}",
    "failures": " ({failures})",
    "not_run": "; {count} were not run ({statuses})",
    "of_status": "{count} {status}",
    "cold_scope": "A cold time runs from the loaded program to the end of the first run, with an empty cache of its "
    "own; it includes {shares}, given as the median share over {trials} trials. Loading frameworks, building the "
    "workload and making its inputs are not in it.{tagged}",
    "cold_tagged": " Trials that ran with a cache that others had filled, as their level of cache_tag asks, are not in "
    "these shares: {trials}.",
    "share_of_part": "{part} ({share}%)",
    "part/plan_ms": "planning",
    "part/import_ms": "the compiler's frontend",
    "part/compile_ms": "passes and code generation",
    "part/link_ms": "linking",
    "part/load_ms": "loading",
    "part/other_ms": "other work of the compiler",
    "part/run_ms_cold": "the first run",
    "hot_scope": "A hot time is one run after the warm-up{samples}, without compilation; inputs "
    "are made once, outside of it. The configurations of a block are measured side by side, in a random order, and "
    "are compared within their block only{layout}; there are {blocks} hot blocks.",
    "layout/padding": ", each in a process with randomly padded stack, heap and mappings",
    "layout/block": ", each block under a server process of its own, with address-space layout drawn anew",
    "layout/both": ", each in a process with randomly padded stack, heap and mappings and each block under a server "
    "process of its own, so that address-space layout is drawn anew",
    "samples": " (median {samples} samples a trial)",
    "protocol": "Ratios are geometric means over blocks, with intervals at {confidence}% by Student's t over blocks "
    "where there is more than one; a "
    "ratio below one is less than the baseline. Of each workload on a compiler there are {modes}.",
    "blocks/cold": "{blocks} cold blocks",
    "blocks/hot": "{blocks} hot blocks",
    "precision": "The widest interval of a knob's main effect is {reached}{wanted}.",
    "half_width": "±{width}% of the {metric}",
    "target": "; hot blocks were repeated for ±{target}%",
    "judgement": "An effect counts as a difference where its p-value, adjusted over all main effects on the metric "
    "(Holm), is at most {alpha}%; else as none where it lies within ±{margin}% by two one-sided tests; otherwise it is "
    "not distinguishable from none.",
    "warm_up_classes": "Of {trials} hot trials, by change points in their first iterations, {classes}.",
    "warm_up/flat": "{count} are flat from the start",
    "warm_up/warmed_up": "{count} are faster after a start",
    "warm_up/slowing": "{count} are slower after a start",
    "warm_up/unsteady": "{count} are still changing at the end of the warm-up (unsteady)",
    "checked_is_timed": "The executable that was timed is the one that was checked in {same} of {trials} hot trials, "
    "by digest.{others}",
    "timed_other": " Hot trials that timed another one and are in no statistic: {count}.",
    "cache_misses": "A cache miss is a task that had to be compiled anew.{medians}{agreed}",
    "misses_median": " In the median, there are {medians}.",
    "misses_at": "{misses} for {place} at {level}",
    "misses_expected": " Misses are as the protocol expects in {same} of {trials} trials.",
    "threads_in_force": "Threads in force, as read back from the libraries: {threads}.",
    "threads_of": "{library}: {threads}",
    # Benefit
    "effect": "On {compiler}, moving {knob} from {base} to {level} multiplies the {metric} as follows: {groups}.{mean}",
    "mean": " In the geometric mean over {workloads} workloads the factor is {ratio}.",
    "mean_none": " In the geometric mean over {workloads} workloads the factor is {ratio}, which is no effect (within "
    "{margin}%).",
    "mean_unclear": " In the geometric mean over {workloads} workloads the factor is {ratio}, which is not "
    "distinguishable from one.",
    "mean_one_block": " In the geometric mean over {workloads} workloads the factor is {ratio}, of one block and not "
    "tested.",
    "verdict/faster": "faster on {places}",
    "verdict/slower": "slower on {places}",
    "verdict/smaller": "smaller on {places}",
    "verdict/larger": "larger on {places}",
    "verdict/fewer": "fewer on {places}",
    "verdict/more": "more on {places}",
    "verdict/no effect": "no effect (within {margin}%) on {places}",
    "verdict/not distinguishable": "not distinguishable from no effect on {places}",
    "changes": "On {compiler}, each change by itself from {centre} multiplies the {metric} as follows: {groups}.",
    "change_on": "{knob} {level} on {workload}",
    "many_changes": "{count} changes ({least} to {most})",
    "change/faster": "faster with {places}",
    "change/slower": "slower with {places}",
    "change/smaller": "smaller with {places}",
    "change/larger": "larger with {places}",
    "change/fewer": "fewer with {places}",
    "change/more": "more with {places}",
    "change/no effect": "no effect (within {margin}%) with {places}",
    "change/one block, not tested": "of one block, and not tested, with {places}",
    "change/not distinguishable": "not distinguishable from no effect with {places}",
    "verdict/one block, not tested": "of one block, and not tested, on {places}",
    "less_than": "{places}, by less than {margin}%",
    "in_pairs": "{ratio} in {acting} of {pairs} pairs of configurations (in the others both levels are the same "
    "program)",
    "no_op": "On {compiler}, moving {knob} from {base} to {level} is a no-op on {places}: nothing that is built "
    "differs, and no effect is claimed.",
    "same_artifact": "On {compiler}, moving {knob} from {base} to {level} builds the same program on {places}, and yet "
    "{differences}: the knob acts on something that no record reads back, such as a library at run time, or the order "
    "of trials does; no effect of the code is claimed.",
    "difference_at": "the {metric} on {workload} is multiplied by {ratio}",
    "proven_at": "{workload} (the same program in all {pairs} pairs of configurations)",
    "proven_at_alone": "{workload} (the same program in the only pair of configurations)",
    "all_on": "On {compiler}, going from the baseline to {levels} multiplies the {metric} as follows: {groups}.",
    "fastest": "On {workload}, {compiler} is fastest with {configuration}: {p50} ms in the median{against}{reference}"
    "{ties}.",
    "best_alone": "; every other configuration is slower",
    "best_of_one_block": "; of one block, and not tested",
    "tied_with": "; not distinguishable from it: {ties}",
    "tied_with_many": "; {ties} of {compared} configurations are not distinguishable from it",
    "against_baseline": ", {ratio} of the baseline's run time",
    "against_baseline_unclear": ", {ratio} of the baseline's run time, which is not distinguishable from it",
    "compared": "On {workload}, the lowest median times are {times}{reference}. Compilers run in blocks of their own, "
    "so these medians are not paired.",
    "compared_at": "{p50} ms of {compiler} ({configuration})",
    "eager": " (eager: {p50} ms)",
    "control": "The A/A control, a second trial of the baseline in every block, {outcomes} for the {metric}.",
    "control_holds": "holds on {units} workloads and compilers (the farthest is {ratio} on {place})",
    "control_holds_on": "holds on {place} ({ratio})",
    "control_fails": "fails on {places}, where every interval is wider by as much",
    "control_off": "{place} ({ratio}, so that it may be off by {reach}%)",
    "control_one_block": "is of one block and not tested on {places}",
    "arena": "The arena between the tasks of {place} takes {arenas}.",
    "arena_at": "{levels} at {partition}",
    "bytes_with": "{size} with {level}",
    "estimator": "The compiler's estimator gives for {place} {estimates}.",
    "estimate": "{planned} planned and {unplanned} unplanned",
    "estimate_at": "{estimate} at {partition}",
    # Correctness
    "comparisons": "Outputs are compared with the same program in {oracle}{draws}: {comparisons} comparisons in "
    "{trials} trials, missing = {missing}, trials with a wrong output = {wrong}, elements that are not finite where "
    "the expected ones are = {nonfinite}, ok trials without a check = {unchecked}. The times, ratios and effects of a "
    "trial with a wrong or a missing output are in no statistic.",
    "oracle/double": "double precision",
    "oracle/single": "single precision without optimisation, as it has no double precision",
    "oracle/both": "double precision (of {workloads}, which has none, in single precision without optimisation)",
    "draws": ", on {draws} draws of the inputs",
    "worst_differences": "The worst differences of a trial that is ok are {worst}{others}.",
    "worst": "{absolute} absolute and {relative} relative (where the expected value is not zero)",
    "worst_with_others": "; with the others, {worst}",
    "tolerance": "The root mean square error of an output of a trial that is ok is at most {ratio} times {unit}{limit}."
    "{alone}{estimated}",
    "rms_unit/eager": "that of eager single precision on the same inputs",
    "rms_unit/roundings": "the largest that eager shows on the same inputs with other roundings",
    "rms_unit/floor": "the sum of {eager} and {floor} of the root mean square of the expected values",
    "rms_unit/floors": "the sum of {eager} and a share of the root mean square of the expected values, which differs "
    "between trials",
    "rms_limit": " (allowed: {factor} times)",
    "rms_not_eager": " Of the error of eager alone it may be a larger multiple, which the records do not give.",
    "worst_element": " No element is further off than {worst} times the largest error of eager in elements of like "
    "sensitivity.{allowed}",
    "allowed_over_eager": " In units of eager's own root mean square error, up to {most} were allowed.",
    "unjudged": "Comparisons that were not judged, since single precision does not determine the output = {ill}; "
    "judged ones in which eager itself differs from the expected values = {eager}.",
    "rms_estimated": " Of {workloads}, the error of eager is an estimate, as eager gives the expected values.",
    # Claims
    "claim": "{statement} ({id}): {state}, on {trials} trials{ratio}.",
    "claim_without_trials": "{statement} ({id}): {state}, no trial tells it.",
    "claim/holds": "holds",
    "claim/fails": "does not hold",
    "claim/undecided": "undecided",
    "claim/no_op": "does not hold, the knob is a no-op",
    "claim_ratio": "; the improvement is {ratio} (before over after)",
    # What is left out, and why
    "nothing_left_out": "Nothing was left out.",
    "figure_left_out": "figure {number}: {why}",
    "figures_in_english": "figures: their words are English, as no font with Chinese letters is installed ({font} is "
    "one)",
    "figure/no_trial": "no trial to draw",
    "figure/one_miss_count": "every cold trial compiles the same number of tasks, so that there is nothing to hold "
    "its time against",
    "figure/no_knob": "no knob varies in it",
    "figure/no_grid": "no effects to draw: no configurations that the figure could compare",
    "figure/no_memory": "no ok trial tells the memory that it is about",
    "sentence_left_out": "{paragraph}, {sentence}: {reason}",
    "lacks/hot": "no hot trial is ok",
    "lacks/ok": "no trial is ok",
    "lacks/cold_parts": "no cold trial is ok and tells the parts of its time",
    "lacks/interval": "no main effect has an interval: it takes a knob that varies, and two blocks that are ok",
    "lacks/warm_up": "no hot trial is ok and tells how it warmed up",
    "lacks/digests": "no hot trial tells the digests of what was checked and what was timed",
    "lacks/misses": "no cold trial is ok and tells its cache misses",
    "lacks/threads": "no trial tells the threads in force",
    "lacks/no_op": "knob '{knob}' is a no-op on {workload}",
    "lacks/no_ops": "no-ops, of which nothing is claimed: {changes}",
    "lacks/no_op_everywhere": "knob '{knob}' is a no-op wherever it was run",
    "lacks/control_hot": "no hot block holds the baseline and its twin, both ok",
    "lacks/control_cold": "no cold block holds the baseline and its twin, both ok",
    "lacks/arena": "no ok trial tells arena bytes at two levels of reuse, or an estimate of the compiler",
    "lacks/check": "no trial has a check",
    "lacks/differences": "no ok trial tells its differences",
    "lacks/rms": "no ok trial tells its root mean square error",
    **{f"metric/{one.name}": one.english for one in METRICS.values()},
}

ENGLISH = Language(code="en", phrases=PHRASES, comma=", ", last=" and ", semicolon="; ", space=" ", latex_note="")
