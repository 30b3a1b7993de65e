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
    "percent": "{value}%",
    "percent/ci": "{value}% ({ci})",
    "percent/ci/inner": "{value}%, {ci}",
    "factor": "a factor of {value}",
    "factor/ci": "a factor of {value} ({ci})",
    "factor/ci/inner": "a factor of {value}, {ci}",
    "plain": "{value}",
    "plain/ci": "{value} ({ci})",
    "plain/ci/inner": "{value}, {ci}",
    "ci": "CI {ends}",
    "ci/first": "{confidence}% CI {ends}",
    "ends/percent": "{low}\N{EN DASH}{high}%",
    "ends/plain": "{low}\N{EN DASH}{high}",
    "see/figure": " (Figure {number})",
    "see/table": " (Table {number})",
    "eager_execution": "eager execution",
    # Set-up
    "setup/machine": "All experiments ran on {machines}.",
    "setup/of_machine": "{cpu}{isa} with {cores} cores and {memory} of memory under {system}{container}{smt}",
    "setup/isa": " ({isa})",
    "setup/system": "{os} with Linux {kernel}",
    "linux": "Linux {kernel}",
    "setup/container": ", in a container or virtual machine ({container})",
    "setup/smt_on": ", with simultaneous multithreading",
    "setup/smt_off": ", without simultaneous multithreading",
    "gpu": "GPU {gpu}",
    "setup/software": "The software comprises {versions}.",
    "setup/version": "{name} {versions}",
    "setup/workloads": "The workloads are {workloads}{see}.",
    "setup/workload": "{workload} ({sizes})",
    "setup/size": "{name} = {value}",
    "setup/weights": "{weights} weights",
    "setup/weights_of": "{weights} weights ({workload})",
    "setup/scaled": "{number}{unit}",
    "setup/count": "There are {count} workloads{see}.",
    "setup/many": "The {count} workloads range from {least} to {most}{see}.",
    "setup/knobs": "In {compilers}, we vary {knobs}; the baseline has each knob at the level named first{see}.",
    "setup/knobs_other": "In {compilers}, whose baselines differ, we vary {knobs}{see}.",
    "setup/knob": "{knob} ({levels})",
    "setup/many_knobs": "In {compilers}, we vary {count} knobs{see}.",
    "setup/trials": "{modes}{threads}",
    "setup/trials/cold": "Every configuration is compiled and run once in each of {blocks} cold blocks, in a fresh "
    "process with an empty cache.",
    "setup/trials/hot": "Steady-state times come from {blocks} hot blocks for each workload and compiler, in which all "
    "configurations, eager execution and a second copy of the baseline take turns in short bursts, in random "
    "order{rounds}{layout}.",
    "setup/rounds": " over {rounds} rounds",
    "layout/padding": ", each in a process with randomly padded stack, heap and mappings",
    "layout/block": ", each block under a server process of its own, with address-space layout drawn anew",
    "layout/both": ", each in a process with randomly padded stack, heap and mappings and each block under a server "
    "process of its own, so that address-space layout is drawn anew",
    "threads": " Every library reports a thread count of {threads}.",
    "threads_by_library": " The libraries report these thread counts: {threads}.",
    "threads_of": "{library} {threads}",
    # Fairness
    "trials_and_outcomes": "The study comprises {trials} trials, and each that ran had a process of its own: {ok} "
    "succeeded, {failed} failed{failures}, and {unsupported} asked for something that the compiler or the machine does "
    "not have{not_run}. Only trials that succeeded enter the statistics of times, sizes and effects.",
    "trials_all_ok": "All {trials} trials of the study succeeded, each in a process of its own.",
    "failures": " ({failures})",
    "not_run": "; {count} were not run ({statuses})",
    "of_status": "{count} {status}",
    "cold_scope": "A cold time spans everything from the loaded program to the end of the first run, starting from an "
    "empty cache; its median shares over {trials} trials are {shares}. It excludes loading the frameworks, "
    "building the "
    "workload and generating its inputs.{tagged}",
    "cold_tagged": " Trials that started from a cache that others had filled, as their level of cache_tag asks, are "
    "not in these shares: {trials}.",
    "share_of_part": "{part} ({share}%)",
    "part/plan_ms": "planning",
    "part/import_ms": "the compiler's frontend",
    "part/compile_ms": "passes and code generation",
    "part/link_ms": "linking",
    "part/load_ms": "loading",
    "part/other_ms": "other work of the compiler",
    "part/run_ms_cold": "the first run",
    "hot_scope": "A hot time is that of one run after warm-up{samples}; it includes neither compilation nor the "
    "generation of inputs.",
    "samples": " (median {samples} samples a trial)",
    "protocol": "Configurations are compared only within the block in which they ran side by side: ratios are "
    "geometric means over blocks, with {confidence}% confidence intervals (CI) by Student's t over blocks where there "
    "is more than one.",
    "precision": "The widest interval of a knob's main effect is {reached}{wanted}.",
    "half_width": "±{width}% for the {metric}",
    "target": "; hot blocks were added until ±{target}% was reached, or the limit of blocks was",
    "judgement": "An effect counts as a difference where its p-value, adjusted over all main effects on the metric "
    "(Holm), is at most {alpha}%; else as none where two one-sided tests place it within ±{margin}%; all others are "
    "called not distinguishable.",
    "warm_up_classes": "A change-point analysis of the first iterations sorts the {trials} hot trials: {classes}.",
    "warm_up/flat": "{count} are flat from the start",
    "warm_up/warmed_up": "{count} speed up after a start-up phase",
    "warm_up/slowing": "{count} slow down after it",
    "warm_up/unsteady": "{count} are still changing when warm-up ends",
    "checked_is_timed": "In {same} of {trials} hot trials the executable that was timed is, by digest, the one whose "
    "outputs were checked.{others}",
    "checked_is_timed/all": "In all {trials} hot trials the executable that was timed is, by digest, the one whose "
    "outputs were checked.",
    "timed_other": " Hot trials that timed another one and are in no statistic: {count}.",
    "cache_misses": "A cache miss is a task that had to be compiled anew.{medians}{agreed}",
    "misses_median": " The median number of misses in a cold trial is {medians}.",
    "misses_at": "{misses} on {place} ({level})",
    "misses_span": "{misses} ({level})",
    "misses_expected/all": " The count is as expected in all {trials} trials.",
    "misses_expected": " The count is the expected one in {same} of {trials} trials.",
    "control": "For the {metric}, the A/A control, a second copy of the baseline in every block, {outcomes}.",
    "control_holds": "holds in {units} cases (the ratio farthest from one is {ratio}, on {place})",
    "control_holds_on": "holds on {place} (ratio {ratio})",
    "control_fails": "fails in {count} cases, where all intervals are widened accordingly (the worst is {worst})",
    "control_fails_on": "fails on {worst}, where all intervals are widened accordingly",
    "control_off": "{place}, ratio {ratio}, off by up to {reach}%",
    "control_one_block": "is of one block and not tested on {places}",
    "many_units": "{count} workloads and compilers",
    # Benefit: what the whole gains
    "moves/named": "Moving every knob away from the baseline ({moves})",
    "moves/all": "Moving every knob away from the baseline",
    "moves/one": "Moving from the baseline to {move}",
    "does/time/less": "shortens the {metric} by {amount}",
    "does/time/more": "lengthens the {metric} by {amount}",
    "does/size/less": "cuts the {metric} by {amount}",
    "does/size/more": "raises the {metric} by {amount}",
    "within": " (within {reach}%)",
    "does/none": "leaves the {metric} unchanged to within {margin}%",
    "does/unclear": "has no distinguishable effect on the {metric}{within}",
    "does/untested": "brings the {metric} to {ratio} times the baseline's (one block, not tested)",
    "over/all": " in the geometric mean over the workloads",
    "over/mean": " in the mean",
    "over/some": " in the geometric mean over {count} of {workloads} workloads",
    "over/each": " in the geometric mean over the workloads of each compiler",
    "over/one": " on {workload}",
    "at": "{amount} on {workload}",
    "range/alike": ", from {least} to {most}",
    "range/mixed": "; the workloads range from {least} to {most}",
    "end/less": "{amount} less on {workload}",
    "end/more": "{amount} more on {workload}",
    "end/unclear": "no distinguishable change on {workload}{within}",
    "end/untested": "{ratio} times the baseline's on {workload}",
    "whole": "{moves} {does}{over}{range}{see}.",
    "whole/compilers": "Moving every knob away from the baseline yields{over} a {metric} that is {changes}{see}.",
    "with/less": "{amount} lower with {compiler}",
    "with/more": "{amount} higher with {compiler}",
    "with/none": "unchanged to within {margin}% with {compiler}",
    "with/unclear": "not distinguishably different{within} with {compiler}",
    "with/untested": "{ratio} times the baseline's with {compiler} (one block, not tested)",
    "ends_of_compilers": "between {least} and {most}, the extremes of {compilers} compilers",
    "chosen": "Choosing the fastest configuration of each workload shortens the run time by {least} to {most}{see}.",
    "chosen/one": "The fastest configuration shortens the run time by {most}{see}.",
    "chosen/none": "No configuration is distinguishably faster than the baseline{see}.",
    "eager/whole": "Compared with {eager}, this configuration runs {ratio} times as fast{over}{range}.",
    "eager/best": "Compared with {eager}, the fastest configuration of each workload runs {ratio} times as "
    "fast{over}{range}.",
    "eager/best_one": "Compared with {eager}, the fastest configuration runs {ratio} times as fast{over}{range}.",
    "range/speed_up": ", from {least} to {most}",
    "at/speed_up": "{ratio} times on {workload}",
    "eager/compilers": "Against {eager}, which runs in every block, the fastest configuration of each workload reaches "
    "a speed-up{over} of {ratios}{wins}.",
    "eager/with": "{ratio} with {compiler}",
    "compared": "; of the {workloads} workloads that several compilers run, {wins}",
    "wins_of": "{compiler} leads on {count}",
    # Benefit: who earns it
    "shares": "By Shapley values{see}, the largest saving comes from {first}{followed}{more}{lost}{unclear}.",
    "shares/none": "By Shapley values{see}, no knob saves a distinguishable part of the {metric}{lost}.",
    "share": "{knob} ({amount})",
    "shares/followed": ", followed by {others}",
    "shares/more": "; {count} further knobs save at most {most} each",
    "shares/lost": "; time is lost to {knobs}",
    "shares/unclear": "; the share of {knobs} is not distinguishable from zero",
    "shares/unclear_many": "; the shares of {count} knobs are not distinguishable from zero",
    "changes": "Of {count} changes made one at a time, {changes}{others}.",
    "changes/one": "By itself, {change} {does}{over}.",
    "changes/none": "Of {count} changes made one at a time, none makes a distinguishable difference to the {metric}.",
    "changes/untested": "Of {count} changes made one at a time there is one block each, so that none is tested for its "
    "{metric}.",
    "changes/rest": "; {count} make no distinguishable difference",
    "change/less": "{change} saves most {metric} ({amount}){over}",
    "change/more": "{change} costs most {metric} ({amount}){over}",
    "with_compiler": "{change} with {compiler}",
    "interaction/overlap": "The strongest interaction is between {one} and {other}{compiler}: moved together, "
    "they take "
    "{amount} more time than their separate effects predict.",
    "interaction/together": "The strongest interaction is between {one} and {other}{compiler}: moved together, they "
    "take {amount} less time than their separate effects predict.",
    "interaction/none": "No two knobs interact distinguishably; their effects multiply.",
    "for_compiler": " with {compiler}",
    "knob_of": "{knob} ({compilers})",
    "more_knobs": "{count} more",
    "nothing": "Not every knob contributes{see}: {clauses}.",
    "nothing/none": "no workload's {metric} changes by more than {margin}% with {knobs}",
    "nothing/same": "the same program is built at every level of {knobs}, so no effect is claimed",
    "nothing/unclear": "no effect of {knobs} is distinguishable (all lie within {reach}%)",
    "nothing/all_act": "Every knob changes the {metric} of at least one workload distinguishably{see}.",
    "nothing/all_act_compilers": "With every compiler, each knob changes the {metric} of at least one workload "
    "distinguishably{see}.",
    "same_program/less": "with {knob}, the {metric} of {place} is {amount} lower although the same program is built, "
    "which the order of trials or something that no record reads back must cause, not the code",
    "same_program/more": "with {knob}, the {metric} of {place} is {amount} higher although the same program is built, "
    "which the order of trials or something that no record reads back must cause, not the code",
    "losses": "Not every move pays off: {knob} ({level}) lengthens the {metric} of {place} by {amount}, the largest of "
    "{count} such losses.",
    "losses/one": "Only one move backfires: {knob} ({level}) lengthens the {metric} of {place} by {amount}.",
    "losses/none": "No knob slows any workload down distinguishably.",
    # Benefit: what it costs
    "compile": "As for compilation, the same move {does}{over}{range}{see}{repaid}.",
    "compile/compilers": "The {metric} after the same move is {changes}{see}{repaid}.",
    "repaid": "; {place} is the slowest to repay the extra time, after {runs} runs",
    "memory": "It also {does}{over}{range}{mostly}{peak}{see}.",
    "memory/compilers": "The {metric} is {changes}{see}.",
    "memory/mostly": ", mostly through {knob} ({amount})",
    "memory/peak": ", and {does}",
    "best_choice/workloads": "On {count} of {of} workloads, no configuration is distinguishably faster than the "
    "one with "
    "every knob moved{example}.",
    "best_choice/workloads/all": "On no workload is another configuration distinguishably faster than the one "
    "with every "
    "knob moved.",
    "best_choice/workloads/none": "On every workload, some configuration is distinguishably faster than the one with "
    "every knob moved{example}.",
    "best_choice/compilers": "In {count} of {of} combinations of workload and compiler, no configuration is "
    "distinguishably faster than the one with every knob moved{example}.",
    "best_choice/compilers/all": "In no combination of workload and compiler is another configuration distinguishably "
    "faster than the one with every knob moved.",
    "best_choice/compilers/none": "In every combination of workload and compiler, some configuration is "
    "distinguishably "
    "faster than the one with every knob moved{example}.",
    "example/only": "; {place} runs fastest with {moves}, {amount} below the baseline",
    "example": "; {place}, for example, runs fastest with {moves}, {amount} below the baseline",
    # Correctness
    "comparisons": "Outputs are compared with those of the same program in {oracle}{draws}. Of {comparisons} "
    "comparisons "
    "in {trials} trials, {found}.",
    "comparisons/none": "none was missing, wrong or not finite, and no successful trial went unchecked",
    "comparisons/faults": "{missing} were missing, and {wrong} trials had a wrong output; {nonfinite} elements "
    "were not "
    "finite where the expected ones are, and {unchecked} successful trials went unchecked. The times, ratios "
    "and effects "
    "of a trial with a wrong or a missing output are in no statistic",
    "oracle/double": "double precision",
    "oracle/single": "single precision without optimisation, as it has no double precision",
    "oracle/both": "double precision (of {workloads}, which has none, in single precision without optimisation)",
    "draws": ", on {draws} draws of the inputs",
    "worst_differences": "The largest differences of a successful trial are {worst}{others}.",
    "worst": "{absolute} absolute and {relative} relative (where the expected value is not zero)",
    "worst_with_others": "; with all other trials, {worst}",
    "tolerance": "The root mean square error of a successful trial's output is at most {ratio} times {unit}{limit}."
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
    "unjudged": "In {ill} comparisons single precision does not determine the output, so they were not judged; in "
    "{eager} judged ones eager itself differs from the expected values.",
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
    "figure/no_numbers": "no knob has three levels or more that are numbers",
    "figure/no_grid": "no effects to draw: no configurations that the figure could compare",
    "figure/no_memory": "no ok trial tells the memory that it is about",
    "sentence_left_out": "{paragraph}, {sentence}: {reason}",
    "lacks/hot": "no hot trial is ok",
    "lacks/ok": "no trial is ok",
    "lacks/cold": "no cold trial of a knob's levels is ok, or the paragraph is about cold times already",
    "lacks/cold_parts": "no cold trial is ok and tells the parts of its time",
    "lacks/interval": "no main effect has an interval: it takes a knob that varies, and two blocks that are ok",
    "lacks/total": "no block holds the baseline and the configuration with every knob moved, both ok",
    "lacks/shares": "no block holds every configuration between the baseline and that with every knob moved, or one "
    "knob alone is moved",
    "lacks/pairs": "no block holds every configuration of two knobs",
    "lacks/eager": "no hot block holds eager execution and the configuration, both ok",
    "lacks/best": "no configuration with every knob moved was compared with the fastest over two blocks",
    "lacks/knob": "no knob varies with two levels that are ok",
    "lacks/some_effect": "the effect of some knob is not known, so that nothing is said of all",
    "lacks/memory": "no trial of a knob's levels tells its memory",
    "lacks/versions": "no record tells a version",
    "lacks/measured": "no trial is measured",
    "lacks/warm_up": "no hot trial is ok and tells how it warmed up",
    "lacks/digests": "no hot trial tells the digests of what was checked and what was timed",
    "lacks/misses": "no cold trial is ok and tells its cache misses",
    "lacks/control_hot": "no hot block holds the baseline and its twin, both ok",
    "lacks/check": "no trial has a check",
    "lacks/differences": "no ok trial tells its differences",
    "lacks/rms": "no ok trial tells its root mean square error",
    **{f"metric/{one.name}": one.english for one in METRICS.values()},
}

ENGLISH = Language(code="en", phrases=PHRASES, comma=", ", last=" and ", semicolon="; ", space=" ", latex_note="")
